"""Restoring state: records per second, CPU and memory, for the store in memory and on disk, of a changelog of customers.

``python -m tests.bench.restore [--customers N] [--partitions N] [--keep]``; a broker is started when there is none.

Every customer has gone through one contact (queued, connected, a message, ended, feedback), with its journey and segment
published: a row as `track` keeps it. Each store is measured in a process of its own: a whole restore, a clean stop, a
restart with the disk, and then batches of 1,000 events of customers chosen at random, read and written through the
table's cache.
"""

import argparse
import asyncio
import gc
import json
import random
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import msgspec
import psutil
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from rich.console import Console
from rich.table import Table as Shown

from streams.customers import customers
from streams.engine import TaskInfo
from streams.engine import changelog as log
from streams.engine.connection import Connection
from streams.engine.kafka import MAX_BATCH_BYTES, MAX_REQUEST_BYTES
from streams.engine.rocks import RocksStores
from streams.engine.store import Due, Mark, MemoryStores, Stores
from streams.engine.tables import Cache, deadlines, open_tables, settle
from streams.local.bootstrap import resolve_bootstrap
from streams.pipeline import track
from tests.support.engine import create_topics, restore
from tests.support.leftovers import end_with_us
from tests.support.track_story import RULES, T0, Task, event, said

VERSIONS = {spec.name: spec.version for spec in track.TABLES}


def one_row() -> bytes:
    """The row of the customer N; its deadlines lie in the future."""
    story = Task(now=T0 + 100_000)
    about = {"owner": "customer:N", "channel": "chat", "contact": "chat-N"}
    steps = [
        event("contact.initiated", 0, **about),
        event("contact.queued", 1000, queue="cards", tier="gold", **about),
        event("contact.connected", 20_000, agent="a1", **about),
        said(30_000, 0.4, owner="customer:N", contact="chat-N"),
        event("contact.ended", 90_000, by="customer", **about),
        event("feedback.given", 95_000, metric="csat", score=5, **about),
    ]
    state = None
    for step in steps:
        folded = customers.fold(state, step, story, RULES).customer
        state = customers.publish(folded, story, RULES).customer
    state = customers.advance(state, story, RULES).customer
    assert state is not None
    (spec,) = [spec for spec in track.TABLES if spec.name == "customers"]
    return spec.dump(customers.scheduled(state, RULES))


async def publish(bootstrap: str, topic: str, partitions: int, count: int) -> int:
    """Write the rows and positions; returns the bytes of one row."""
    await create_topics(bootstrap, {topic: partitions})
    row = one_row()
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        compression_type="snappy",
        max_batch_size=MAX_BATCH_BYTES,
        max_request_size=MAX_REQUEST_BYTES,
    )
    await producer.start()
    try:
        for partition in range(partitions):
            builder, waiting = producer.create_batch(), []
            for number in range(partition, count, partitions):
                name = b"%d" % number
                key, value = b"customers\0customer:" + name, row.replace(b"customer:N", b"customer:" + name)
                value = value.replace(b"chat-N", b"chat-%08x" % random.getrandbits(32))
                if builder.append(key=key, value=value, timestamp=None) is None:
                    builder.close()
                    waiting.append(await producer.send_batch(builder, topic, partition=partition))
                    builder = producer.create_batch()
                    builder.append(key=key, value=value, timestamp=None)
            builder.append(key=log.POSITION, value=log.encode_position({"in": 0}, "bench"), timestamp=None)
            builder.close()
            waiting.append(await producer.send_batch(builder, topic, partition=partition))
            await asyncio.gather(*waiting)
    finally:
        await producer.stop()
    return len(row)


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


async def measure(bootstrap: str, topic: str, partitions: int, count: int, folder: str) -> dict[str, Any]:
    """In a process of its own: restore every partition, one after the other, then work on them."""
    gc.set_threshold(100_000, 50, 100)  # as a worker has it
    stores: Stores = RocksStores(Path(folder), "bench") if folder else MemoryStores()
    cache, me = Cache(), psutil.Process()
    before, cpu, began = me.memory_info().rss, time.thread_time(), time.perf_counter()
    spent = sum(me.cpu_times()[:2])
    opened, records, peak = [], 0, 0
    for partition in range(partitions):
        store = stores.open(TaskInfo("track", partition, partitions, ()).name)
        found = await restore(
            Connection(bootstrap), TopicPartition(topic, partition), log.Rows(track.TABLES, store), lambda *_: None
        )
        mark = Mark(
            found.end, found.position_at, found.offsets or {}, found.id or "", int(time.time() * 1000), VERSIONS
        )
        store.write({}, Due(), mark)
        opened.append((store, open_tables(track.TABLES, store, cache)))
        records, peak = records + found.records, max(peak, me.memory_info().rss)
    seconds = time.perf_counter() - began
    result = {
        "records": records,
        "records_per_second": round(records / seconds),
        "records_per_core_second": round(records / (time.thread_time() - cpu)),
        "us_all_threads": round((sum(me.cpu_times()[:2]) - spent) / records * 1e6, 1),
        "start_mib": before >> 20,
        "restored_mib": me.memory_info().rss >> 20,
        "peak_mib": peak >> 20,
    }
    if folder:
        for store, _ in opened:
            store.close()
        began, opened = time.perf_counter(), []
        for partition in range(partitions):
            store = stores.open(f"track-{partition}")
            assert store.mark is not None
            rows = log.Rows(track.TABLES, store)
            await restore(
                Connection(bootstrap), TopicPartition(topic, partition), rows, lambda *_: None, store.mark.check
            )
            opened.append((store, open_tables(track.TABLES, store, cache)))
        result["restart_with_disk_s"] = round(time.perf_counter() - began, 2)
        result["disk_mib"] = size_of(Path(folder)) >> 20
    took, writes = [], []
    for number in range(100):
        partition = number % partitions
        store, tables = opened[partition]
        table = tables["customers"]
        keys = [f"customer:{random.randrange(count // partitions) * partitions + partition}" for _ in range(1000)]
        began = time.perf_counter()
        for key in keys:
            state = table[key]
            table[key] = msgspec.structs.replace(state, due={"": {"contacts": state.due[""]["contacts"] + 1}})
        changes = {"customers": table.changes()}
        took.append(time.perf_counter() - began)
        began = time.perf_counter()
        settle(tables, store, changes, deadlines(tables), store.mark)
        writes.append(time.perf_counter() - began)
    result["read_change_encode_us"] = round(sum(took) / 100_000 * 1e6, 1)
    result["write_1000_ms_p50"] = round(sorted(writes)[50] * 1000, 2)
    result["write_1000_ms_max"] = round(max(writes) * 1000, 2)
    result["working_mib"] = me.memory_info().rss >> 20
    for store, _ in opened:
        store.close()
    return result


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--measure", nargs=3, metavar=("BOOTSTRAP", "TOPIC", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        bootstrap, topic, folder = options.measure
        print(json.dumps(await measure(bootstrap, topic, options.partitions, options.customers, folder)))
        return
    bootstrap = resolve_bootstrap().servers
    topic = f"bench-restore-{uuid.uuid4().hex[:6]}"
    shown = Shown("", "memory", "rocksdb")
    results = []
    try:
        size = await publish(bootstrap, topic, options.partitions, options.customers)
        for folder in ("", tempfile.mkdtemp(prefix="contact-streams-bench-")):
            command = [sys.executable, "-m", "tests.bench.restore", "--measure", bootstrap, topic, folder]
            counts = ["--customers", str(options.customers), "--partitions", str(options.partitions)]
            done = await asyncio.to_thread(
                subprocess.run, [*command, *counts], check=True, capture_output=True, text=True
            )
            results.append(json.loads(done.stdout.splitlines()[-1]))
    finally:
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        await admin.start()
        await admin.delete_topics([topic])
        await admin.close()
    for name in results[1]:
        shown.add_row(name, *(str(each.get(name, "–")) for each in results))
    Console().print(f"{options.customers} customers, rows of {size} bytes, {options.partitions} partitions", shown)


if __name__ == "__main__":
    end_with_us()
    asyncio.run(main())
