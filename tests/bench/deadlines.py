"""``python -m tests.bench.deadlines``: what a million deadlines of one task cost, in memory and on disk.

Each deadline is set, moved (half of them to later, half to earlier), and found when its time has come, in batches as
large as a worker's. CPU time of this process for each of the three, divided by how many there are; the bytes are the
growth of resident memory from an empty store to one with all of them, keys and Python's own left out: those are of the
rows. The bounds are those that are aimed at: 5 µs for the three of them and 200 bytes.
"""

import argparse
import gc
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from streams.engine.rocks import RocksStores
from streams.engine.store import Due, Entry, MemoryStore, Store

TABLE, LINE = "customers", ""
BATCH = 4_000
HOUR_MS = 3_600_000
AIM_US, AIM_BYTES = 5.0, 200


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--count", type=int, default=1_000_000)
    asked.add_argument("--seed", type=int, default=1)
    given = asked.parse_args()
    gc.set_threshold(500_000, 20, 100)  # as workers have it
    dice = random.Random(given.seed)
    keys = [f"customer:{number:07d}" for number in range(given.count)]
    times = [dice.randrange(HOUR_MS) for _ in keys]
    later = [at + dice.randrange(HOUR_MS) if dice.random() < 0.5 else dice.randrange(at + 1) for at in times]
    print(f"{'':10}{'set':>8}{'moved':>8}{'found':>8}{'together':>10}  µs      bytes each")
    with tempfile.TemporaryDirectory() as folder:
        stores: dict[str, Callable[[], Store]] = {
            "memory": MemoryStore,
            "RocksDB": lambda: RocksStores(Path(folder), "bench").open("track-0"),
        }
        for name, make in stores.items():
            _told(name, make(), keys, times, later)


def _told(name: str, store: Store, keys: list[str], times: list[int], later: list[int]) -> None:
    gc.collect()
    before = psutil.Process().memory_info().rss
    set_us = _each(len(keys), lambda some: store.write({}, Due(_entries(keys, times, some)), None))
    gc.collect()
    held = (psutil.Process().memory_info().rss - before) / len(keys)
    moved_us = _each(
        len(keys),
        lambda some: store.write({}, Due(_entries(keys, later, some), _entries(keys, times, some)), None),
    )
    began, found = time.process_time(), 0
    due_at = dict(zip(keys, later, strict=True))
    while entries := store.due(TABLE, LINE, 2 * HOUR_MS, BATCH):
        # As a table does: an entry that is early goes back, one that is due has been looked after.
        early = [each._replace(at=due_at[each.key]) for each in entries if due_at[each.key] > each.at]
        found += len(entries) - len(early)
        store.write({}, Due(early, entries), None)
    found_us = (time.process_time() - began) * 1e6 / len(keys)
    store.close()
    assert found == len(keys), f"{found} of {len(keys)} found"
    total = set_us + moved_us + found_us
    verdict = "" if total <= AIM_US and held <= AIM_BYTES else f"  aim: {AIM_US:g} µs, {AIM_BYTES} bytes"
    print(f"{name:10}{set_us:8.2f}{moved_us:8.2f}{found_us:8.2f}{total:10.2f}          {held:8.0f}{verdict}")


def _entries(keys: list[str], times: list[int], some: range) -> list[Entry]:
    return [Entry(TABLE, LINE, times[number], keys[number]) for number in some]


def _each(count: int, do: Callable[[range], None]) -> float:
    """CPU time of each, µs."""
    began = time.process_time()
    for first in range(0, count, BATCH):
        do(range(first, min(first + BATCH, count)))
    return (time.process_time() - began) * 1e6 / count


if __name__ == "__main__":
    main()
