"""``python -m tests.bench.handlers``: CPU time of each agent's own code for an event, and what a customer's row takes.

The load is that of `tests.bench.product`, told to all agents in one process without a broker: no publishing, fetching
or committing is in it. To compare two versions, run it in a checkout of each, one after the other.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from streams.base.times import DAY_MS
from streams.engine.offline import Offline, OfflineTask
from tests.bench.product.load import Load
from tests.support.offline import deployment

START = 1_767_258_000_000
BATCH = 4_000
QUIET_DAYS = 15
"""After so long contacts have settled, and none at rest is kept."""


@contextmanager
def spent() -> Iterator[Counter[tuple[str, int]]]:
    """(agent, partition) → CPU seconds in this block."""
    found: Counter[tuple[str, int]] = Counter()
    kind: Any = OfflineTask
    batch = kind.batch

    def timed(self: Any, *args: Any, **named: Any) -> Any:
        began = time.process_time()
        try:
            return batch(self, *args, **named)
        finally:
            found[self.inlet.name, self.info.partition] += time.process_time() - began

    kind.batch = timed
    try:
        yield found
    finally:
        kind.batch = batch


def rows(run: Offline) -> list[int]:
    """Bytes of the customers' rows, as they are encoded, the smallest first."""
    [track] = [task for task in run.tasks if task.inlet.name == "track"]
    return sorted(len(row) for key, row in track.changelog.items() if row and key.startswith(b"customers\0"))


def measure(contacts: int, customers: int) -> dict[str, Any]:
    """``{events, us_per_event: {agent: µs}, total_us, row_bytes: {now, later}}``; bytes at the median."""
    sent, run = list(Load(contacts, customers, START, 200.0)), deployment(size=BATCH)
    now = START
    with spent() as cpu:
        for at in range(0, len(sent), BATCH):
            part = sent[at : at + BATCH]
            for each in part:
                run.publish(each.topic, each.key, each.value, each.time, 0)
            now = part[-1].time
            run.run(now)
    per_event = {agent: round(1e6 * seconds / len(sent), 1) for (agent, _), seconds in cpu.items()}
    fresh = rows(run)
    for later in (now + QUIET_DAYS * DAY_MS, now + QUIET_DAYS * DAY_MS + 1000):
        run.run(later)
    quiet = rows(run)
    return {
        "events": len(sent),
        "us_per_event": per_event,
        "total_us": round(sum(per_event.values()), 1),
        "row_bytes": {"at_once": fresh[len(fresh) // 2], f"after_{QUIET_DAYS}_days": quiet[len(quiet) // 2]},
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.handlers", description=__doc__)
    parser.add_argument("--contacts", type=int, default=5_000)
    parser.add_argument("--customers", type=int, default=2_500)
    asked = parser.parse_args()
    print(json.dumps(measure(asked.contacts, asked.customers)))


if __name__ == "__main__":
    main()
