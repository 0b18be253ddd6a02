"""Level (d): the records of journeys. Of each that the steps tell of, and a recount of the accepted events with them, one
stands under its name and says what the recount does, until 31 days after its last contact; nothing else stands.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any
from zlib import crc32

from streams.base.times import DAY_MS, HOUR_MS, iso
from tests.chaos.audit.contacts import World
from tests.chaos.audit.journeys import MOST, item_of
from tests.chaos.audit.logs import Difference, Logs, Rec
from tests.reference import stitches

STANDS_MS = 31 * DAY_MS
LISTED = 20
LONGER_MS = 60 * DAY_MS
"""So much longer a journey may stand: as long as a contact of it can go on. Tickets are kept for longest, for 90 days."""


def newest(logs: Logs) -> dict[bytes, Rec]:
    """The newest record of each name."""
    return {rec.key or b"": rec for rec in logs.of("journeys")}


def check(logs: Logs, world: World, now: Mapping[str, int]) -> Iterator[Difference]:
    """``now``: stream time of each line in the end, ms."""
    stands: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for key, rec in newest(logs).items():
        if rec.value is not None:
            stands.setdefault((rec.doc["line"], rec.doc["customer"]), {})[key.decode()] = rec.doc
            if key.decode() != rec.doc["journey_id"]:
                yield Difference("standing", f"{rec.place} has the key of another journey", (rec.doc["customer"],), rec)
    yield from _counted(logs)
    steps = [rec.doc for rec in logs.of("journey.events")]
    for line in {contact.line for contact in world.contacts.values()}:
        told = stitches.by_steps(step for step in steps if step["line"] == line)
        owners = {*told, *(owner for its, owner in stands if its == line)}
        for owner in sorted(owners):
            names = [name for journey in told.get(owner, []) for _, name in journey]
            contacts = [world.contacts[name] for name in names if name in world.contacts]
            if len(names) > MOST or len(contacts) < len(names) or any(contact.ancient for contact in contacts):
                continue
            recount = stitches.journeys([item_of(contact) for contact in contacts])
            wrong = [*_unlike(_named(owner, line, recount), stands.get((line, owner), {}), now.get(line, 0))]
            yield from (Difference("standing", f"{line} {owner}: {each}", (owner, *names)) for each in wrong)


def _counted(logs: Logs) -> Iterator[Difference]:
    """Revisions go up, and no two records of a name have one."""
    twice = Counter((rec.key, rec.doc["revision"]) for rec in logs.of("journeys") if rec.value is not None)
    for (key, revision), count in twice.items():
        if count > 1:
            yield Difference("standing", f"{key!r} was told {count} times as revision {revision}", ())
    latest: dict[bytes | None, int] = {}
    for rec in logs.of("journeys"):
        if rec.value is not None:
            if rec.doc["revision"] <= latest.get(rec.key, 0):
                yield Difference("standing", f"{rec.place} is no later revision", (), rec)
            latest[rec.key] = rec.doc["revision"]


def _named(owner: str, line: str, recount: list[stitches.Told]) -> dict[str, stitches.Told]:
    named: dict[str, stitches.Told] = {}
    for told in recount:
        first = told.items[0]
        name = f"{owner}@{iso(first.started)}" + (f"~{line}" if line else "")
        if name in named:
            name += f"#{crc32(f'{first.channel}|{first.contact}'.encode()):08x}"
        named[name] = told
    return named


def _unlike(want: dict[str, stitches.Told], stands: dict[str, dict[str, Any]], now: int) -> Iterator[str]:
    for name in sorted(stands.keys() - want.keys()):
        yield f"{name} stands, and there is no such journey"
    for name, told in want.items():
        last, record = max(item.last for item in told.items), stands.get(name)
        if record is None:
            if now <= last + STANDS_MS:
                yield f"{name} does not stand"
            continue
        if now > last + STANDS_MS + LONGER_MS + HOUR_MS:
            yield f"{name} still stands at {iso(now)}"
        if wrong := [field for field, value in _said(told).items() if _as_told(record)[field] != value]:
            yield f"{name} says another {wrong}: {_as_told(record)} instead of {_said(told)}"
    yield from _beside(stands)


def _said(told: stitches.Told) -> dict[str, Any]:
    return {
        "updated": iso(max(item.last for item in told.items)),
        "count": len(told.items),
        "switches": told.switches,
        "contacts": [
            (item.channel, item.contact, iso(item.started), why)
            for item, why in zip(told.items, told.reasons, strict=True)
        ][-LISTED:],
    }


def _as_told(record: dict[str, Any]) -> dict[str, Any]:
    names = ("channel", "contact_id", "started", "stitched_by")
    return {
        "updated": record["updated"],
        "count": record["counts"]["contacts"],
        "switches": record["switches"],
        "contacts": [tuple(each[name] for name in names) for each in record["contacts"]],
    }


def _beside(stands: dict[str, dict[str, Any]]) -> Iterator[str]:
    """The one heard of last names the open ones beside it; no other record names any."""
    current = max(stands, key=lambda name: (stands[name]["updated"], stands[name]["started"], name), default=None)
    for name, record in stands.items():
        others = {each["journey_id"] for each in record["others"]}
        beside = {other for other, each in stands.items() if other != name and each["status"] == "open"}
        if name == current and record["status"] == "open" and others != beside:
            yield f"{name} names {sorted(others)} beside it instead of {sorted(beside)}"
        if name != current and others and stands[str(current)]["status"] == "open":
            yield f"{name} is not the current one, and names {sorted(others)}"
