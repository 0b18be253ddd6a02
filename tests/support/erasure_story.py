"""Erasures in tests: the event, deployments that can erase, and a search of all that is kept for a person's names."""

from collections.abc import Iterable, Iterator
from typing import Any

from schemas import registry
from streams import settings as settings_module
from streams.base.times import iso
from streams.engine.offline import Offline
from streams.signals.tables import TABLE_TYPES
from tests.support.offline import deployment

KEY = "the key of the tests' erasures"
SETTINGS = settings_module.load(bootstrap_servers="nowhere:1", erasure_key=KEY)


def erasing_deployment(size: int = 4000, partitions: int = 2) -> Offline:
    """All four agents, with an erasure key."""
    return deployment(SETTINGS, size, partitions)


def erased(customer: str, at: int, name: str = "", **more: Any) -> dict[str, Any]:
    """The event; ``at`` in ms."""
    return {
        "specversion": "1.0",
        "id": name or f"erase-{at}-{customer}",
        "source": "/crm",
        "type": "customer.erased",
        "time": iso(at),
        "data": {"customer_id": customer, "reason": "asked for it", "by": "desk"},
        **more,
    }


def kept(run: Offline) -> Iterator[tuple[str, bytes]]:
    """Where, and what: every row as changelog and table have it, and the newest record of each key of the topics that are
    compacted.
    """
    for task in run.tasks:
        for key, value in task.changelog.items():
            yield f"changelog of {task.info.name}", key + b"\n" + value
        for name, table in task.tables.items():
            for row in list(table):
                yield f"{name} of {task.info.name}", row.encode() + b"\n" + table.spec.dump(table[row])
    for spec in registry.topics().values():
        if spec.compacted:
            newest = {record.key: record.value for record in run.on(spec.topic)}
            for key, value in newest.items():
                if value is not None:
                    yield spec.topic, (key or b"") + b"\n" + value


def holding(run: Offline, names: Iterable[str], contacts: str) -> list[tuple[str, str, str]]:
    """(name, where, what) of all that still names a person, or a contact of that person: how their ids begin. `measure`
    may have the latter for a while, where they tell legs apart.
    """
    return [
        (name, where, data.decode("utf-8", "replace"))
        for where, data in kept(run)
        for name in (*names, contacts)
        if name.encode() in data and not (name == contacts and _of_figures(where, data))
    ]


def _of_figures(where: str, data: bytes) -> bool:
    """Is it a row of `measure`, but not one of signals?"""
    signals = any(where.startswith(f"{table} of") or data.startswith(table.encode() + b"\0") for table in TABLE_TYPES)
    return "measure" in where and not signals
