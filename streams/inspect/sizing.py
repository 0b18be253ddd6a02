"""How large a deployment has to be, by arithmetic from what was measured.

Linear on purpose: a reader can check each figure with the coefficients beside it (`as_json` has them with their
sources). It says where a load meets its first limit, not what a tuned cluster of yours will do.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, NamedTuple

from schemas import flow, registry
from streams.customers.condensing import MAX_RESTED
from streams.engine import LARGE_ROW

HOPS = sum(any(registry.topics()[topic].partitions > 1 for topic in flow.inputs(stage)) for stage in flow.stages())
"""Agents that have a task for each partition; the one task of `alert` is small beside them."""
HOUR_S = 3600
GIB = 1 << 30
PARTITIONS = (4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1000)
"""Counts that are proposed when none is given."""


def _measured(value: float, source: str) -> Any:
    return field(default=value, metadata={"source": source})


@dataclass(frozen=True)
class Coefficients:
    """What one event, transaction or row costs; each with its source."""

    ingest_us: float = _measured(
        22.6, "CPU of the agent an event, a backlog with 100,000 customers; tests.bench.product customers"
    )
    identify_us: float = _measured(12.5, "the same")
    track_us: float = _measured(63.8, "the same")
    measure_us: float = _measured(12.1, "the same")
    client_us: float = _measured(
        43.0, "Kafka's client an event: 49 µs there, less its 321 transactions for 100,000 events"
    )
    transaction_ms: float = _measured(
        2.0, "CPU of the worker a transaction: 3,000 events at 300/s took 774 and 1.9 s; 361 idle ones 0.9 s"
    )
    progress_us: float = _measured(10.0, "estimate: a small record read, decoded and noted")
    broker_event_us: float = _measured(41.0, "CPU of the broker an event through all hops: tests.bench.burst, 240,000")
    broker_transaction_ms: float = _measured(3.7, "CPU of the broker: 11 % idle, docs/benchmarks.md, 30 transactions/s")
    broker_bytes: float = _measured(
        705.0, "on the broker's disk an event, all topics and changelogs, compressed, one replica: the same burst"
    )
    fanout: float = _measured(
        5.0, "estimate: bytes over a broker's network for each byte stored once (in, out, replicas)"
    )
    id_bytes: float = _measured(131.0, "resident an id remembered: 107 B of index and 24 B of chunk, a million ids")
    id_restore_us: float = _measured(0.64, "CPU to index an id at a restore, the same million")
    customer_bytes: float = _measured(
        1082.0, "encoded row of a customer without contacts at rest: the mean of tests.bench.product.fill"
    )
    contact_bytes: float = _measured(
        2862.0, "encoded rows of a contact of the last hour, four events: 1,056 in owners, 1,806 in customers"
    )
    contact_events: float = _measured(4.0, "events a contact; the bank's week has 3.3")
    contact_hold_h: float = _measured(1.2, "how long its events are kept: the lateness of kpis.yaml and its own length")
    stub_bytes: float = _measured(
        190.0, "encoded row of a contact that is over, whose customer each event named; 140 when one did"
    )
    rest_bytes: float = _measured(
        650.0, "encoded contact at rest in its customer's row: an answered call, its id 11 characters long; 300 to 780"
    )
    node_bytes: float = _measured(
        357.0, "encoded row of an identifier or customer with links: the mean of 2,422, an hour of the demo's centre"
    )
    profile_bytes: float = _measured(
        241.0, "encoded row of a customer whose profile lists three to five identifiers: 400 of the same"
    )
    group_bytes: float = _measured(
        271.0, "encoded row of contacts that are over and named one identifier and no customer: 16 of the same"
    )
    row_overhead_bytes: float = _measured(350.0, "estimate: key, dict entry and deadline of a row in memory")
    decoded_ratio: float = _measured(4.3, "resident bytes of a decoded row for each encoded one (tracemalloc)")
    base_mib: float = _measured(95.0, "resident, a worker with 16 tasks and no state")
    restore_rows_per_s: float = _measured(93_000.0, "a million rows into memory by one worker, the same")


@dataclass(frozen=True)
class Machines:
    """What is taken for granted; a load that needs more meets its limit."""

    worker_gib: float = 8.0
    core_use: float = 0.7
    """Of each core; the rest is for bursts and for catching up after a stop."""
    broker_cores: int = 24
    """Three brokers of eight."""
    broker_network_mb_s: float = 3000.0
    """Three times 10 Gbit/s, less what nobody reaches."""
    broker_disk_tib: float = 30.0
    replication: int = 3
    retention_days: int = 7
    cache_rows: int = 50_000
    """Decoded rows a worker keeps with the store on disk."""
    cache_large_mib: int = 64
    """Of these rows, those over 16 KiB: what they take encoded."""


@dataclass(frozen=True)
class Load:
    """What is asked for, and the settings that weigh on it."""

    events_per_second: float
    customers: int
    partitions: int | None = None
    dedup_horizon_h: float = 26.0
    commit_interval_ms: int = 100
    horizon_d: float = 14.0
    """``contacts.horizon`` of tracking.yaml."""
    identifiers: float = 4.0
    """That are known of a customer, lost cookies and strangers' included; 0 = contacts and profiles name none."""


@dataclass(frozen=True)
class Plan:
    """What the load takes. GiB and TiB are powers of two, MB a million bytes."""

    partitions: int
    workers: int
    cores: float
    """Busy, of all workers."""
    worker_memory_gib: float
    """Everything in memory (the default store)."""
    worker_memory_rocksdb_gib: float
    """With the large tables on disk; ids stay in memory."""
    worker_state_disk_gib: float
    ids_gib: float
    """Of the memory, all workers: what the ids for duplicates take."""
    stubs_gib: float
    """Of the state, all workers: what the stubs of contacts that are over take on disk."""
    rested_gib: float
    """The same of the contacts at rest in the rows of customers."""
    identity_gib: float
    """The same of identity: a node for each identifier and customer, what each customer's profile lists, and a group
    for each identifier, as if each had contacts of its own without a customer."""
    rested_each: float
    """How many of them a customer has."""
    restore_seconds: float
    """A worker that starts without its disk, one core."""
    transactions_per_second: float
    broker_cores: float
    broker_network_mb_s: float
    broker_disk_tib: float
    limits: Mapping[str, float]
    """Resource → how much of what there is the load takes; more than 1 does not fit."""
    bottleneck: str
    advice: str


def plan(load: Load, c: Coefficients | None = None, m: Machines | None = None) -> Plan:
    """Size a deployment. Without a partition count the smallest is taken that gives each worker one of each agent."""
    c, m = c or Coefficients(), m or Machines()
    if load.partitions is not None:
        return _plan(load, load.partitions, c, m)
    plans = [_plan(load, partitions, c, m) for partitions in PARTITIONS]
    return next((each for each in plans if each.workers <= each.partitions), plans[-1])


def _plan(load: Load, partitions: int, c: Coefficients, m: Machines) -> Plan:
    rate, tasks = load.events_per_second, HOPS * partitions
    # A busy task commits once an interval; a quiet one once a second, for its tick, and for what comes.
    commits = min(1000 / max(load.commit_interval_ms, 1), 1 + rate / partitions)
    transactions = tasks * commits
    # Each task tells every partition of the next agent how far it is, at most four times a second.
    progress = (HOPS - 1) * partitions**2 * min(commits, 4.0)
    event_us = c.ingest_us + c.identify_us + c.track_us + c.measure_us + c.client_us
    cores = (rate * event_us + progress * c.progress_us) / 1e6 + transactions * c.transaction_ms / 1e3
    workers = math.ceil(cores / m.core_use)

    ids = rate * HOUR_S * load.dedup_horizon_h
    contacts = rate / c.contact_events * HOUR_S * c.contact_hold_h
    stubs = rate / c.contact_events * 86_400 * load.horizon_d
    rested = min(stubs, load.customers * MAX_RESTED)  # in the row of its customer, beside the stub of its owner
    over_bytes = stubs * c.stub_bytes + rested * c.rest_bytes
    named, identity_bytes = _identity(load, c)
    rows = load.customers + 2 * contacts + stubs + named
    encoded = load.customers * c.customer_bytes + contacts * c.contact_bytes + over_bytes + identity_bytes
    each = rested / max(load.customers, 1)
    cached = _cached(min(m.cache_rows, rows / workers), c.customer_bytes + each * c.rest_bytes, m) * c.decoded_ratio
    fixed = c.base_mib * 2**20 + ids * c.id_bytes / workers + cached
    memory = fixed + (encoded + rows * c.row_overhead_bytes) / workers
    stored = rate * c.broker_bytes
    broker_cores = (rate * c.broker_event_us + progress) / 1e6 + transactions * c.broker_transaction_ms / 1e3
    disk = (stored * 86_400 * m.retention_days + ids * 24 + over_bytes + identity_bytes) * m.replication
    ids_bytes, past_bytes = ids * c.id_bytes / workers, (over_bytes + stubs * c.row_overhead_bytes) / workers
    limits = {
        "partitions": workers / partitions,
        "worker memory": memory / GIB / m.worker_gib,
        "broker CPU": broker_cores / (m.broker_cores * m.core_use),
        "broker network": stored * c.fanout / 1e6 / m.broker_network_mb_s,
        "broker disk": disk / 2**40 / m.broker_disk_tib,
    }
    first = max(limits, key=lambda name: limits[name])
    room = m.worker_gib * GIB - (fixed - ids_bytes)
    fitting_h = room * workers / (rate * HOUR_S * c.id_bytes)
    return Plan(
        partitions=partitions,
        workers=workers,
        cores=cores,
        worker_memory_gib=memory / GIB,
        worker_memory_rocksdb_gib=fixed / GIB,
        worker_state_disk_gib=encoded / workers / GIB,
        ids_gib=ids * c.id_bytes / GIB,
        stubs_gib=stubs * c.stub_bytes / GIB,
        rested_gib=rested * c.rest_bytes / GIB,
        identity_gib=identity_bytes / GIB,
        rested_each=each,
        restore_seconds=(rows / c.restore_rows_per_s + ids * c.id_restore_us / 1e6) / workers,
        transactions_per_second=transactions,
        broker_cores=broker_cores,
        broker_network_mb_s=stored * c.fanout / 1e6,
        broker_disk_tib=disk / 2**40,
        limits=limits,
        bottleneck=first,
        advice=_advice(limits, load, _Memory(ids_bytes / memory, past_bytes / memory, fixed / GIB, fitting_h)),
    )


def _identity(load: Load, c: Coefficients) -> tuple[float, float]:
    """Rows of `identify` by identifier, customer and group, and their encoded bytes."""
    if not load.identifiers:
        return 0.0, 0.0
    identifiers = load.customers * load.identifiers
    nodes, profiles, groups = identifiers + load.customers, load.customers, identifiers
    taken = nodes * c.node_bytes + profiles * c.profile_bytes + groups * c.group_bytes
    return nodes + profiles + groups, taken


def _cached(rows: float, row_bytes: float, m: Machines) -> float:
    """Encoded bytes of the rows that a worker keeps decoded: see `streams.engine.tables.Cache`."""
    return rows * row_bytes if row_bytes <= LARGE_ROW else min(rows * row_bytes, m.cache_large_mib * 2**20)


WHAT_TO_DO = {
    "worker memory": "rows of customers and contacts fill it: use the store on disk, or more workers and partitions",
    "partitions": "a worker without a partition of each hop is idle in part: create the topics with more partitions",
    "broker CPU": (
        "raise CONTACT_STREAMS_COMMIT_INTERVAL_MS (fewer transactions; results come later by it at each hop), or take "
        "more brokers"
    ),
    "broker network": "more brokers",
    "broker disk": "keep the raw and internal topics for a shorter time, or take more disks",
}


class _Memory(NamedTuple):
    """Of a worker: the shares of ids and of contacts that are over when everything is in memory; GiB with the store on
    disk, and the hours whose ids would fit then."""

    ids: float
    past: float
    on_disk_gib: float
    fitting_h: float


def _advice(limits: Mapping[str, float], load: Load, memory: _Memory) -> str:
    """What to do about the first limit, or that there is room."""
    first, *others = sorted(limits, key=lambda name: -limits[name])
    taken, what = limits[first], WHAT_TO_DO[first]
    if first == "worker memory" and memory.past > 0.5:
        what = (
            f"{memory.past:.0%} of it are contacts of {load.horizon_d:g} days that are over: put the store on disk, "
            f"a worker then takes {memory.on_disk_gib:,.1f} GiB; or shorten contacts.horizon of tracking.yaml"
        )
    elif first == "worker memory" and memory.ids > 0.5:
        what = (
            f"{memory.ids:.0%} of it are the ids of {load.dedup_horizon_h:g} h by which duplicates are known: more "
            "workers and partitions divide them"
        )
    if first == "worker memory" and taken > 1 and memory.fitting_h < load.dedup_horizon_h:
        what += (
            f"; and remember the ids of {memory.fitting_h:.1f} h instead of {load.dedup_horizon_h:g} "
            "(CONTACT_STREAMS_DEDUP_HORIZON_H, CONTACT_STREAMS_MAX_AGE_H below it), with the store on disk: what is "
            "sent again after that counts twice, and what arrives older is refused"
        )
    if taken <= 1:
        return f"there is room; {first} is the first to run out, at {1 / taken:.1f} times this load: {what}"
    over = ", ".join(f"{name} {limits[name]:.1f} times" for name in others if limits[name] > 1)
    return f"{taken:.1f} times what there is; {what}" + (f". Also over: {over}" if over else "")


def sources(c: Coefficients) -> dict[str, dict[str, Any]]:
    """Name → value and source of every coefficient."""
    return {each.name: {"value": getattr(c, each.name), "source": each.metadata["source"]} for each in fields(c)}


def rows(found: Plan) -> list[tuple[str, str]]:
    """What and how much, as the command and docs/scaling.md print it."""
    return [
        ("partitions of each topic", f"{found.partitions:,}"),
        ("workers, one core each", f"{found.workers:,}"),
        ("cores busy, all workers", f"{found.cores:,.1f}"),
        ("memory of a worker, everything in memory", f"{found.worker_memory_gib:,.1f} GiB"),
        ("memory of a worker, store on disk", f"{found.worker_memory_rocksdb_gib:,.1f} GiB"),
        ("state on its disk", f"{found.worker_state_disk_gib:,.1f} GiB"),
        ("ids for duplicates, all workers", f"{found.ids_gib:,.1f} GiB"),
        ("stubs of contacts, all workers", f"{found.stubs_gib:,.1f} GiB"),
        ("contacts at rest, all workers", f"{found.rested_gib:,.1f} GiB"),
        ("identifiers and their links, all workers", f"{found.identity_gib:,.1f} GiB"),
        ("contacts at rest of one customer", f"{found.rested_each:,.1f}"),
        ("restore of a worker without its disk", f"{found.restore_seconds:,.0f} s"),
        ("transactions a second, at most", f"{found.transactions_per_second:,.0f}"),
        ("cores busy, all brokers", f"{found.broker_cores:,.1f}"),
        ("network of the brokers", f"{found.broker_network_mb_s:,.1f} MB/s"),
        ("disk of the brokers", f"{found.broker_disk_tib:,.1f} TiB"),
        ("first limit", found.bottleneck),
        ("what to do", found.advice),
    ]


def as_json(load: Load, found: Plan) -> str:
    """``{load, plan, machines, coefficients}``."""
    parts = {"load": asdict(load), "plan": asdict(found), "machines": asdict(Machines())}
    return json.dumps({**parts, "coefficients": sources(Coefficients())}, indent=1)
