"""The steps of a journey, on the topic ``journey.events``: opened, joined, switched, solved, reopened, and so on.

They are a function of the journey's contacts, as the journey is; what was told is kept by name, so that each is told
once. One that a late event proves wrong, or whose journey has another name now, is told again under its own name with a
higher revision. Whom a contact waits for is told when it turns, by the record that says so, and never taken back.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple
from zlib import crc32

import msgspec

from streams.base.records import contact_key
from streams.base.times import iso
from streams.customers.journey_parts import Found
from streams.customers.touchpoints import FOR_US, GAVE_UP, Standing, Touchpoint

TOPIC = "journey.events"
MAX_STEPS = 200
"""Steps of a customer that are told and remembered, the latest."""
MAX_TAKEN_BACK = 20
"""Of those that were taken back."""
STEP_BYTES = 50
"""JSON bytes of a step that was told, at most."""
STEPS_OF_CONTACT = 6
"""That one contact makes, but for one that is solved again and again."""
_WORDS = {
    "op": "opened", "jo": "joined", "sw": "switched", "so": "solved", "re": "reopened", "ab": "abandoned",
    "cl": "closed", "wu": "waiting_for_us", "wc": "waiting_for_customer",
}  # fmt: skip
TAKEN_BACK = 0
"""In place of what a step says."""


class Told(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A step as it was last told; ``said`` tells whether it has changed since."""

    said: int
    revision: int


class Step(NamedTuple):
    """Something that a journey went through; ``why``: for which reason a contact joined, and by which other one."""

    code: str
    at: int
    channel: str
    contact: str
    why: tuple[str, str] | None = None
    before: str | None = None
    """The channel before this one."""

    @property
    def name(self) -> str:
        """Of the step, among those of its customer: ``<code>/<ms>/<contact>``."""
        return f"{self.code}/{self.at}/{mark(self.channel, self.contact)}"


def mark(channel: str, contact: str) -> str:
    """A contact in the name of a step."""
    return f"{crc32(contact_key(channel, contact).encode()):08x}"


def steps(journey: Found, closed_at: int | None) -> Iterator[Step]:
    """What its contacts went through; ``closed_at``: when it was closed, if it is."""
    channel = ""
    for number, (part, turn) in enumerate(zip(journey.parts, journey.turns, strict=True)):
        if not isinstance(part, Touchpoint):
            channel = part.channel or channel
            continue
        own = (part.channel, part.contact)
        yield Step("jo", part.started, *own, journey.why[number]) if number else Step("op", part.started, *own)
        if turn.switches:
            yield Step("sw", part.started, *own, before=channel)
        if turn.reopens > part.taken_ups:
            yield Step("re", part.started, *own)
        for at, again in part.solves:
            yield Step("so", at, *own)
            if again is not None:
                yield Step("re", again, *own)
        if part.standing == GAVE_UP:
            yield Step("ab", part.since, *own)
        channel = part.channel
    if closed_at is not None:
        yield Step("cl", closed_at, *journey.whole.first)


def turn(standing: Standing, channel: str, contact: str) -> Step:
    """A contact waits for somebody since a moment."""
    return Step("wu" if standing.letter == FOR_US else "wc", standing.since, channel, contact)


class Telling(NamedTuple):
    """What is told, and what was told by then."""

    records: list[dict[str, Any]]
    told: dict[str, Told]


def tell(told: Mapping[str, Told], now: Mapping[str, Iterable[Step]], owner: str, line: str) -> Telling:
    """``now``: the steps of each journey, by its name."""
    standing = [(step.at, step.name, step, journey) for journey, its in now.items() for step in its]
    standing = sorted(standing, key=lambda each: each[:2])[-MAX_STEPS:]
    records = []
    kept: dict[str, Told] = {}
    for _, name, step, journey in standing:
        if name in kept:
            continue
        said, known = _said(step, journey), told.get(name)
        if known is None or known.said != said:
            known = Told(said, known.revision + 1 if known else 1)
            records.append(_record(step, journey, owner, line, known.revision))
        kept[name] = known
    back: dict[str, Told] = {}
    since = standing[0][0] if len(standing) == MAX_STEPS else 0
    for name, known in told.items():
        code, at, _ = name.split("/")
        if name in kept or int(at) < since:
            continue
        if code in ("wu", "wc"):
            kept[name] = known
            continue
        if known.said != TAKEN_BACK:
            known = Told(TAKEN_BACK, known.revision + 1)  # noqa: PLW2901
            records.append(_taken_back(name, owner, line, known.revision))
        back[name] = known
    latest = dict(sorted(back.items(), key=lambda each: int(each[0].split("/")[1]))[-MAX_TAKEN_BACK:])
    return Telling(records, kept | latest)


def turned(told: Mapping[str, Told], step: Step, journey: str, owner: str, line: str) -> Telling:
    """Whom a contact waits for now; of each contact the last is remembered."""
    if step.name in told:
        return Telling([], dict(told))
    tail = step.name.rpartition("/")[2]
    kept = {name: each for name, each in told.items() if not (name.endswith(tail) and name.startswith(("wu/", "wc/")))}
    record = _record(step, journey, owner, line, 1)
    return Telling([record], kept | {step.name: Told(_said(step, journey), 1)})


def waits_of_none(told: Mapping[str, Told], channel: str, contact: str) -> dict[str, Told]:
    """Without whom a contact waits for, which is no longer the customer's."""
    tail = mark(channel, contact)
    return {name: each for name, each in told.items() if not (name.endswith(tail) and name.startswith(("wu/", "wc/")))}


def forgotten(told: Mapping[str, Told], gone: Iterable[tuple[str, str]], before: int | None = None) -> dict[str, Told]:
    """Without the steps of some contacts, and those that were taken back and lie before a time (ms)."""
    marks = {mark(*contact) for contact in gone}
    kept = {}
    for name, each in told.items():
        _, at, whose = name.split("/")
        if whose not in marks and not (each.said == TAKEN_BACK and before is not None and int(at) < before):
            kept[name] = each
    return kept


def _said(step: Step, journey: str) -> int:
    """The contact by which it joined may be summed up in the meantime."""
    return crc32(f"{journey} {step.why[0] if step.why else ''} {step.before}".encode()) or 1


def _name(name: str, owner: str, line: str) -> str:
    return f"{owner}/{name}" + (f"~{line}" if line else "")


def _record(step: Step, journey: str, owner: str, line: str, revision: int) -> dict[str, Any]:
    return {
        "event_id": _name(step.name, owner, line),
        "journey_id": journey,
        "customer": owner,
        "step": _WORDS[step.code],
        "at": iso(step.at),
        "contact_id": step.contact or None,
        "channel": step.channel or None,
        "from_channel": step.before,
        "stitched_by": step.why[0] if step.why else None,
        "stitched_to": (step.why[1] or None) if step.why else None,
        "holds": True,
        "revision": revision,
        "line": line,
    }


def _taken_back(name: str, owner: str, line: str, revision: int) -> dict[str, Any]:
    code, at, _ = name.split("/")
    return {
        "event_id": _name(name, owner, line),
        "journey_id": None,
        "customer": owner,
        "step": _WORDS[code],
        "at": iso(int(at)),
        "contact_id": None,
        "channel": None,
        "from_channel": None,
        "stitched_by": None,
        "stitched_to": None,
        "holds": False,
        "revision": revision,
        "line": line,
    }
