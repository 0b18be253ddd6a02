"""The records on the topic ``journeys``, and which journey goes by which name.

A journey is named by its owner and the start of its earliest contact; of several that began in one moment all but the
first also by that contact. When an earlier contact turns up late, or one that joins two journeys, the name that no
longer holds is taken back by a record without a value, and the journey goes on under the right name. The name is the
record's key: a line's has none of the characters that set it apart (``@``, ``~``, ``#``), and a time is always as long,
so that no two journeys have one, whatever their owners are called.
"""

from collections.abc import Iterable, Sequence
from typing import Any
from zlib import crc32

from streams.base.records import contact_key
from streams.base.times import MINUTE_MS, iso
from streams.contacts.standing import FOR_CUSTOMER, FOR_US, GAVE_UP, GOING, SILENT, SOLVED
from streams.contacts.trend import latest, trend, trend_record
from streams.customers.journey_names import journey_id
from streams.customers.journey_parts import Found
from streams.customers.journey_whole import Whole
from streams.customers.touchpoints import BOT, HUMAN, MENU, Touchpoint, met

MAX_WAIT_MS = 2**53 - 1
"""What a journey says at most: the largest number that every reader of JSON keeps exactly."""
MAX_OTHERS = 20
"""Other open journeys of the customer that a record names, those heard of last."""
OPEN_WORD, REOPENED = "open", "reopened"
_STATES = {
    SOLVED: "solved", GAVE_UP: "abandoned", FOR_US: "waiting_for_us", FOR_CUSTOMER: "waiting_for_customer",
    GOING: OPEN_WORD, SILENT: OPEN_WORD,
}  # fmt: skip
_PATH = {MENU: "self-service", BOT: "bot", HUMAN: "human"}


def named(journeys: Sequence[Found], owner: str, line: str) -> dict[str, Found]:
    """Journeys by their names, in the order in which they began."""
    found: dict[str, Found] = {}
    for journey in journeys:
        name = journey_id(owner, line, journey.whole.started)
        if name in found:
            name = f"{name}#{crc32(contact_key(*journey.whole.first).encode()):08x}"
        found[name] = journey
    return found


def state(whole: Whole) -> str:
    """How the journey stands: of all that is known the latest decides."""
    if whole.solved is not None and whole.standing in (FOR_US, FOR_CUSTOMER, GOING):
        return REOPENED
    return _STATES[whole.standing]


def waiting_for(whole: Whole) -> str | None:
    """Who is to do something next."""
    return {FOR_US: "us", FOR_CUSTOMER: "customer"}.get(whole.standing)


def first_contact_resolution(whole: Whole, closed: bool) -> bool | None:
    """Solved, and the customer did not have to come again; None = it was never solved, or may still go on."""
    if whole.solved is None:
        return None
    if whole.repeats or whole.reopens:
        return False
    return True if closed and whole.standing == SOLVED else None


def contained(whole: Whole, closed: bool) -> bool | None:
    """Solved without a human; None = it began with a human, or is not decided."""
    if not whole.machine_first:
        return None
    if HUMAN in whole.served:
        return False
    return True if whole.standing == SOLVED else False if closed else None


def record(name: str, whole: Whole, owner: str, line: str, closed: bool, revision: int) -> dict[str, Any]:
    """The record on the topic ``journeys``; of other journeys it says nothing yet."""
    sums, solved = whole.sums, whole.solved
    listed = [_listed(point, why) for point, why in zip(whole.points, whole.stitches, strict=True)]
    return {
        "journey_id": name,
        "customer": owner,
        "started": iso(whole.started),
        "updated": iso(whole.last),
        "status": "closed" if closed else "open",
        "line": line,
        "tier": whole.tier,
        "revision": revision,
        "contacts": listed,
        "counts": {
            "contacts": sums.contacts,
            "answered": sums.answered,
            "abandoned": sums.abandoned,
            "messages": sums.messages,
            "transfers": sums.transfers,
        },
        "channels": list(whole.channels),
        "wait_ms": _at_most(sums.wait_ms),
        "sentiment": _mean(sums.scored_milli, sums.scored),
        "sentiment_trend": _trend_of_all(whole.points, listed),
        "state": state(whole),
        "waiting_for": waiting_for(whole),
        "topic": whole.topic,
        "intent": whole.intent,
        "cases": list(whole.cases),
        "first_solved": None if solved is None else iso(solved[0]),
        "last_solved": None if solved is None else iso(solved[1]),
        "reopens": whole.reopens,
        "switches": whole.switches,
        "repeats": whole.repeats,
        "dead_ends": whole.dead_ends,
        "escalations": whole.escalations,
        "path": [_PATH[each] for each in whole.served],
        "talk_ms": _at_most(sums.talk_ms),
        "handle_ms": _at_most(sums.talk_ms + sums.hold_ms + sums.wrap_ms),
        "effort": {
            "contacts": sums.contacts,
            "transfers": sums.transfers,
            "repeats": whole.repeats,
            "minutes": round(_at_most(sums.wait_ms + sums.talk_ms + sums.hold_ms) / MINUTE_MS, 1),
        },
        "first_contact_resolution": first_contact_resolution(whole, closed),
        "contained": contained(whole, closed),
        "others": [],
    }


def others(records: Iterable[tuple[str, Whole]]) -> list[dict[str, Any]]:
    """What the current journey's record says of those beside it that may still go on."""
    latest = sorted(records, key=lambda each: (each[1].last, each[0]))[-MAX_OTHERS:]
    return [{"journey_id": name, "state": state(whole), "updated": iso(whole.last)} for name, whole in latest]


def _listed(point: Touchpoint, why: tuple[str, str] | None) -> dict[str, Any]:
    level = point.level
    return {
        "contact_id": point.contact,
        "channel": point.channel,
        "queue": point.queue,
        "started": iso(point.started),
        "ended": None if point.ended is None else iso(point.ended),
        "outcome": point.outcome,
        "wait_ms": point.wait_ms,
        "talk_ms": point.talk_ms,
        "sentiment": _mean(point.scored_milli, point.scored),
        "sentiment_trend": trend_record(trend(point.feelings), point.started) if len(point.feelings) > 1 else None,
        "messages": point.messages,
        "transfers": point.transfers,
        "level": level,
        "high_contact": met(point.channel, level),
        "direction": "outbound" if point.ours else "inbound",
        "author": point.author,
        "hold_ms": point.hold_ms,
        "wrap_ms": point.wrap_ms,
        "handle_ms": point.talk_ms + point.hold_ms + point.wrap_ms,
        "cases": list(point.cases),
        "topic": point.topic,
        "intent": point.intent,
        "stitched_by": why[0] if why else None,
        "stitched_to": (why[1] or None) if why else None,
    }


def _at_most(ms: int) -> int:
    return max(0, min(ms, MAX_WAIT_MS))


def _trend_of_all(points: Sequence[Touchpoint], listed: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Of several contacts with feelings that of the latest in all of them, else that of the one."""
    felt = [at for at, point in enumerate(points) if point.feelings]
    if len(felt) < 2:
        return listed[felt[0]]["sentiment_trend"] if felt else None
    every = latest([(points[at].started + time, milli) for at in felt for time, milli in points[at].feelings])
    return trend_record(trend(every))


def _mean(total_milli: int, count: int) -> float | None:
    return round(total_milli / count / 1000, 3) if count > 0 else None
