"""``python -m tests.bench.hot``: what one queue with nine tenths of all traffic costs the worker that has it.

The load of `tests.bench.product` in one process without a broker, over four partitions of each topic, the CPU time of
each task taken apart. One worker has all tasks; of two each has two partitions of every agent, as they are assigned. The
busier of the two decides how many events a second both take, so all of the CPU by that of the busier one is how much
faster they are, as far as the agents' own code goes. Beside it the same load with its ten queues.
"""

import argparse
import json
from typing import Any
from zlib import crc32

from tests.bench.handlers import BATCH, START, spent
from tests.bench.product.load import Load, Sent
from tests.support.offline import deployment

PARTITIONS = 4
HOT_TENTHS = 9


def hot(sent: Sent) -> Sent:
    """The same; of nine contacts in ten, as one of the chat queue ``hot``."""
    if crc32(sent.key) % 10 >= HOT_TENTHS:
        return sent
    value = sent.value.replace(b'"channel":"voice"', b'"channel":"chat"')
    for number in range(10):
        value = value.replace(b'"queue":"q%d"' % number, b'"queue":"hot"')
    return Sent(sent.time, "contacts.chat", sent.key, value, sent.customer, sent.measurable)


def measure(contacts: int, *, is_hot: bool) -> dict[str, Any]:
    """``{events, us_per_event, measure_us: {task: µs}, faster_with_two}``."""
    sent = [hot(each) if is_hot else each for each in Load(contacts, contacts // 2, START, 2000.0)]
    run = deployment(size=BATCH, partitions=PARTITIONS)
    with spent() as cpu:
        for at in range(0, len(sent), BATCH):
            for each in sent[at : at + BATCH]:
                run.publish(each.topic, each.key, each.value, each.time, crc32(each.key) % PARTITIONS)
            run.run(sent[at].time)
    total = sum(cpu.values())
    busier = max(sum(s for (_, at), s in cpu.items() if at % 2 == half) for half in range(2))
    per_event = {f"measure-{at}": round(1e6 * s / len(sent), 1) for (agent, at), s in cpu.items() if agent == "measure"}
    return {
        "events": len(sent),
        "us_per_event": round(1e6 * total / len(sent), 1),
        "measure_us": dict(sorted(per_event.items())),
        "faster_with_two": round(total / busier, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.hot", description=__doc__)
    parser.add_argument("--contacts", type=int, default=5_000)
    asked = parser.parse_args()
    print(
        json.dumps({"ten_queues": measure(asked.contacts, is_hot=False), "hot": measure(asked.contacts, is_hot=True)})
    )


if __name__ == "__main__":
    main()
