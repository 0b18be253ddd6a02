"""Erasures in tests: the event, deployments that can erase, a search of all that is kept for a person's names; and what is
told of Anna, who is erased, and of Bob, who is not.
"""

from collections.abc import Iterable, Iterator
from typing import Any
from zlib import crc32

import orjson

from schemas import registry
from streams import settings as settings_module
from streams.base.times import HOUR_MS, iso
from streams.engine.offline import Offline
from streams.signals.tables import TABLE_TYPES
from tests.support.offline import deployment, settle
from tests.support.system import event, home

KEY = "the key of the tests' erasures"
SETTINGS = settings_module.load(bootstrap_servers="nowhere:1", erasure_key=KEY)
PARTITIONS = 2


def erasing_deployment(size: int = 4000, partitions: int = PARTITIONS) -> Offline:
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


PHONE, MAIL, COOKIE, TABLET = "+442079460177", "anna.77@example.com", "k-anna-77", "tablet-of-two"
ANNA = ("anna-77", PHONE, MAIL, COOKIE), "c-anna"
"""What names her: customer id, identifiers; and how the ids of her contacts begin."""


def by(*identifiers: str) -> dict[str, Any]:
    kinds = {PHONE: "phone", MAIL: "email", COOKIE: "cookie", TABLET: "device"}
    return {"identifiers": [{"kind": kinds[each], "value": each} for each in identifiers]}


def publish(run: Offline, now: int, *events: dict[str, Any]) -> None:
    for each in events:
        topic, key = home(each)
        run.publish(topic, key, orjson.dumps(each), now, crc32(key) % PARTITIONS)


def tell(run: Offline, now: int, *events: dict[str, Any]) -> None:
    publish(run, now, *events)
    settle(run, now)


def call(name: str, at: int, **more: Any) -> list[dict[str, Any]]:
    """One that is answered and ends."""
    start = at / 1000 - 60
    return [
        event("contact.initiated", name, start, **more),
        event("contact.queued", name, start + 1, queue="cards"),
        event("contact.connected", name, start + 11, agent_id="a"),
        event("contact.ended", name, start + 41, by="customer"),
    ]


def profile(customer: str, at: int, *identifiers: str, tier: str = "gold") -> dict[str, Any]:
    data = {"customer_id": customer, "tier": tier, **by(*identifiers)}
    return event("customer.profile_changed", f"p-{customer}-{at}", at / 1000) | {"data": data}


def word(what: str, at: int, identifier: str, other: str) -> dict[str, Any]:
    data = {"identifier": identifier, "other": other, "reason": "they said so"}
    return event(f"identity.{what}", f"w{what}{at}", at / 1000) | {"data": data}


def deeds(customer: str, at: int) -> list[dict[str, Any]]:
    """Orders and promises."""
    about = {"order.placed": "order", "order.delivered": "order", "promise.made": "promise", "promise.kept": "promise"}
    return [
        event(kind, f"{kind}-{customer}-{at}", at / 1000)
        | {"data": {"customer_id": customer, f"{what}_id": f"{what}-of-{customer}", **({"due": iso(at + HOUR_MS)} if kind == "promise.made" else {})}}
        for kind, what in about.items()
    ]  # fmt: skip


def hers(at: int) -> list[dict[str, Any]]:
    """By phone, mail and cookie, known and unknown; over, open, and on a tablet that another one uses as well."""
    start = at / 1000
    return [
        *call("c-anna-1", at, product="reader", **by(PHONE)),
        event("feedback.given", "c-anna-1", start - 15, metric="csat", score=1),
        *call("c-anna-2", at, customer_id="anna-77", product="reader", **by(PHONE, MAIL)),
        event("feedback.given", "c-anna-2", start - 15, metric="csat", score=1, product="card"),
        event("contact.initiated", "c-anna-3", start - 30, channel="chat", direction="inbound", **by(COOKIE, MAIL)),
        event("contact.queued", "c-anna-4", start - 300, queue="cards", tier="platinum", **by(PHONE)),
        *call("c-anna-5", at, customer_id="anna-77", **by(TABLET)),
        profile("anna-77", at - 50_000, PHONE),
        *deeds("anna-77", at - 45_000),
        word("cut", at - 40_000, f"cookie:{COOKIE}", "customer:bob-8"),
        word("cut", at - 39_000, f"device:{TABLET}", "customer:anna-77"),
        word("linked", at - 38_000, f"device:{TABLET}", "customer:anna-77"),
    ]


def his(at: int) -> list[dict[str, Any]]:
    return [
        *call("c-bob-1", at, customer_id="bob-8", **by(TABLET)),
        profile("bob-8", at - 20_000),
        event("contact.queued", "c-bob-2", at / 1000 - 20, queue="cards", customer_id="bob-8"),
    ]


def rows(run: Offline) -> dict[str, Any]:
    tasks = [task for task in run.tasks if task.inlet.name == "track"]
    return {owner: row for task in tasks for owner, row in task.tables["customers"].items()}
