"""From an alert's record to the webhook that has it: ``python -m tests.bench.notify [--rate N] [--seconds N] [--hanging]``.

A broker is started when there is none. `contact-streams notify` runs as a process of its own; this one publishes steps,
each by itself, and is the webhook, so both moments are of one clock. A step's time begins when the broker has
acknowledged its record; that of the record itself, which the broker puts into it, is told too. ``--hanging``: beside the
webhook another target that never answers.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
import uuid
from pathlib import Path

from aiokafka import AIOKafkaProducer
from rich.console import Console

from streams.local.bootstrap import resolve_bootstrap
from tests.support.leftovers import end_with_us
from tests.support.notify import Hook, Post, event
from tests.support.waiting import until

WARM = 50
"""Steps before those that count: connections are made, code is warm."""


def share(sorted_times: list[float], of: float) -> float:
    """Of so many, ms."""
    return round(sorted_times[min(len(sorted_times) - 1, int(of * len(sorted_times)))] * 1000, 1)


async def measure(bootstrap: str, rate: float, seconds: float, *, hanging: bool) -> dict[str, float]:
    """Publish at a rate; how long each step took."""
    os.environ["HOOK_SECRET"] = "secret"
    post = await Post(bootstrap, f"b{uuid.uuid4().hex[:6]}.").create()
    count, acknowledged = WARM + int(rate * seconds), dict[str, float]()
    with tempfile.TemporaryDirectory() as folder:
        async with Hook().run() as hook, Hook().run() as other:
            other.always = "hang"
            targets = f"  desk: {{webhook: {{url: '{hook.url}', secret: {{env: HOOK_SECRET}}}}}}\n"
            names = "desk"
            if hanging:
                targets += f"  other: {{webhook: {{url: '{other.url}', secret: {{env: HOOK_SECRET}}}}}}\n"
                names += ", other"
            file = Path(folder) / "notify.yaml"
            file.write_text(f"targets:\n{targets}routes:\n  - targets: [{names}]\n")
            async with post.process(file, Path(folder) / "log"):
                producer = AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=0)
                await producer.start()
                began = time.monotonic()
                for number in range(count):
                    step = event(number)
                    await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
                    await producer.send_and_wait(
                        f"{post.settings.topic_prefix}alert.events",
                        step.model_dump_json().encode(),
                        step.alert.fingerprint.encode(),
                    )
                    acknowledged[step.event_id] = time.time()
                await producer.stop()
                await until(lambda: len(hook.bodies) == count, 60)
                assert sum(hook.taken.values()) == count
    times = sorted(max(0.0, hook.at[key] - moment) for key, moment in list(acknowledged.items())[WARM:])
    return {
        "steps": len(times), "rate": rate, "p50_ms": share(times, 0.5), "p99_ms": share(times, 0.99),
        "most_ms": round(times[-1] * 1000, 1),
    }  # fmt: skip


def main() -> int:
    """Measure and show."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=20.0, help="steps a second")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--hanging", action="store_true", help="with a second target that never answers")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    end_with_us()
    found = resolve_bootstrap()
    try:
        result = asyncio.run(measure(found.servers, given.rate, given.seconds, hanging=given.hanging))
    finally:
        if found.started is not None:
            found.started.stop()
    if given.json:
        print(json.dumps(result))
    else:
        Console().print(result)
    return 0 if result["p99_ms"] <= 300 else 1


if __name__ == "__main__":
    sys.exit(main())
