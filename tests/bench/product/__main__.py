"""``python -m tests.bench.product MODE``: measure the product pipeline; every run checks its figures.

Modes: throughput; causes (CPU by hop and by cause); latency (at 10, 50, 80 % of capacity); customers, batches,
partitions (cost as they grow); scaling (1, 2, 4 workers); rebalance (stop to go); memory (per million customers). A
broker is started when there is none. Results are kept in .bench/product, for the plots.
"""

import argparse
import asyncio
import json
import logging
import sys
from typing import Any

from rich.console import Console

from tests.bench.product import latency, rebalance, show
from tests.bench.product.exact import NotExact
from tests.bench.product.run import Plan, once
from tests.bench.product.tools import RESULTS
from tests.support.leftovers import end_with_us

SIZES = {
    "customers": [1000, 10_000, 100_000, 1_000_000],
    "batches": [25, 100, 400, 1600],
    "partitions": [4, 16, 64],
    "scaling": [1, 2, 4],
    "memory": [1000, 100_000, 1_000_000],
}
"""What a mode varies: customers, ms of the commit interval, partitions, workers, customers."""
LIVE_RATE = 1000.0
"""Events a second where nothing else is said."""
RATES = (250.0, 2000.0)
"""Other live rates in `batches`, where a batch holds what came in an interval."""
SHARES = (0.1, 0.5, 0.8)
SCALED_PARTITIONS = 16
INTERVAL_MS = 100
"""The default commit interval."""


def plans(given: argparse.Namespace) -> dict[str, Plan]:
    """Name of the row → what is run for it."""
    events, customers, store, causes = given.events, given.customers, given.store, given.causes
    sizes = given.sizes or SIZES.get(given.mode, [])
    if given.mode in ("throughput", "causes"):
        return {"1 worker": Plan(events, customers, store=store, causes=causes or given.mode == "causes")}
    if given.mode in ("customers", "memory"):
        return {f"{size:,}": Plan(events, size, True, store=store, causes=causes) for size in sizes}
    if given.mode == "partitions":
        return {str(size): Plan(events, customers, partitions=size, store=store, causes=causes) for size in sizes}
    if given.mode == "scaling":
        return {
            str(size): Plan(events, customers, False, size, SCALED_PARTITIONS, None, store, causes) for size in sizes
        }
    live = given.rate or LIVE_RATE
    wanted = [*((live, size) for size in sizes), *((rate, INTERVAL_MS) for rate in RATES)]
    found = {
        f"{rate:,.0f}/s, {interval} ms": Plan(
            round(rate * given.seconds), customers, rate=rate, store=store, causes=causes,
            settings={"commit_interval_ms": interval},
        )
        for rate, interval in wanted
    }  # fmt: skip
    return found | {f"full speed, {INTERVAL_MS} ms": Plan(events, customers, store=store, causes=causes)}


async def measure(given: argparse.Namespace, say: Console) -> dict[str, list[dict[str, Any]]]:
    """Row → its rounds. The rows take turns in every round, so that a slow moment of the machine hits all."""
    found: dict[str, list[dict[str, Any]]] = {}
    rate = given.rate
    if given.mode == "latency" and rate is None:
        say.print("first the capacity …")
        rate = (await once(Plan(given.events, given.customers, store=given.store)))["events_per_second"]
    for number in range(1, given.rounds + 1):
        if given.mode == "rebalance":
            live = rate or LIVE_RATE
            run = rebalance.run(2, SCALED_PARTITIONS, given.customers, live, given.store)
            found.setdefault("2 workers", []).append(await run)
        elif given.mode == "latency":
            for share in SHARES:
                one = await latency.at_rate(rate * share, given.seconds, given.store)
                found.setdefault(f"{share:.0%} of {rate:,}/s", []).append(one)
        else:
            for name, plan in plans(given).items():
                found.setdefault(name, []).append(await once(plan))
                say.print(f"round {number}, {name}: {show.line(found[name][-1])}", highlight=False)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=["throughput", "causes", "latency", "rebalance", *SIZES])
    parser.add_argument("--events", type=int, default=100_000, help="events of a run at full speed")
    parser.add_argument("--customers", type=int, default=10_000, help="customers they are spread over")
    parser.add_argument(
        "--sizes", type=lambda text: [int(part) for part in text.split(",")], help="what the mode varies"
    )
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--rate", type=float, help="latency: the capacity; batches, rebalance: the load; events/s")
    parser.add_argument("--seconds", type=float, default=40.0, help="measured time of a live run")
    parser.add_argument("--store", choices=["memory", "rocksdb"], help="where workers keep their rows")
    parser.add_argument("--causes", action="store_true", help="sample stacks too: CPU by hop and cause in every row")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line on stdout")
    given = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.ERROR)  # it warns while topics made a moment ago spread
    say = Console(stderr=True, width=160)
    try:
        rounds = asyncio.run(measure(given, say))
    except NotExact as error:
        say.print(f"{given.mode}: {error}", style="red", highlight=False, markup=False)
        sys.exit(1)
    result = {"mode": given.mode, "store": given.store or "memory", "machine": show.machine(), "rows": rounds}
    result |= show.conclusions(given.mode, rounds)
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{given.mode}-{result['store']}.json").write_text(json.dumps(result, indent=1))
    show.table(result, say if given.json else Console(width=160))
    if given.json:
        print(json.dumps(result))


if __name__ == "__main__":
    end_with_us()
    main()
