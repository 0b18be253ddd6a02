"""The steps of a journey, on the topic ``journey.events``: opened, joined, switched, solved, reopened, and so on.

They are a function of the journey's contacts, as the journey is; what was told is kept by name, so that each is told
once. One that a late event proves wrong, or whose journey has another name now, is told again under its own name with
a higher revision. Whom a contact waits for is told as it was known when a record turned it, and never taken back; not
where the customer sits and waits in a queue, which is what alerts and `queue.state` are for.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple
from zlib import crc32

import msgspec

from streams.base.records import contact_key
from streams.base.times import iso
from streams.customers.journey_parts import Found
from streams.customers.touchpoints import FOR_US, GAVE_UP, Touchpoint

TOPIC = "journey.events"
MAX_STEPS = 200
"""Steps of a customer that are told and remembered, the latest."""
MAX_TAKEN_BACK = 20
"""Of those that were taken back."""
STEP_BYTES = 60
"""JSON bytes of a step that was told, at most."""
STEPS_OF_CONTACT = 7
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


class Turn(NamedTuple):
    """A contact waits for us or the customer; ``at``: when the record happened that turned it, ms."""

    letter: str
    at: int
    channel: str
    contact: str
    started: int

    @property
    def key(self) -> tuple[str, str, int]:
        """Of its touchpoint."""
        return self.channel, self.contact, self.started


class Step(NamedTuple):
    """Something that a journey went through; ``name``: among those of its customer, ``<code>/<ms>/<contact>``."""

    name: str
    at: int
    channel: str
    contact: str
    reason: str | None = None
    """For which a contact joined, and by which other one."""
    to: str | None = None
    before: str | None = None
    """The channel before this one."""


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
        own, tail, at = (part.channel, part.contact), mark(part.channel, part.contact), part.started
        reason, to = journey.why[number] or (None, None)
        yield Step(f"{'jo' if number else 'op'}/{at}/{tail}", at, *own, reason, to)
        if turn.switches:
            yield Step(f"sw/{at}/{tail}", at, *own, before=channel)
        if turn.reopens > part.taken_ups:
            yield Step(f"re/{at}/{tail}", at, *own)
        for solved, again in part.solves:
            yield Step(f"so/{solved}/{tail}", solved, *own)
            if again is not None:
                yield Step(f"re/{again}/{tail}", again, *own)
        if part.standing == GAVE_UP:
            yield Step(f"ab/{part.since}/{tail}", part.since, *own)
        channel = part.channel
    if closed_at is not None:
        first = journey.whole.first
        yield Step(f"cl/{closed_at}/{mark(*first)}", closed_at, *first)


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


def turned(
    told: Mapping[str, Told], turns: Iterable[Turn], home: Mapping[tuple[str, str, int], str], owner: str, line: str
) -> Telling:
    """Whom contacts waited for, one after the other; of each contact and side the last is remembered. ``home``: the
    journey of each contact.
    """
    records, kept = [], dict(told)
    for turn in turns:
        code, journey = "wu" if turn.letter == FOR_US else "wc", home.get(turn.key)
        tail = mark(turn.channel, turn.contact)
        step = Step(f"{code}/{turn.at}/{tail}", turn.at, turn.channel, turn.contact)
        if journey is None or step.name in kept:
            continue
        kept = {name: each for name, each in kept.items() if not (name.endswith(tail) and name.startswith(code))}
        kept[step.name] = Told(_said(step, journey), 1)
        records.append(_record(step, journey, owner, line, 1))
    return Telling(records, kept)


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
    return crc32(f"{journey} {step.reason} {step.before}".encode()) or 1


def _name(name: str, owner: str, line: str) -> str:
    return f"{owner}/{name}" + (f"~{line}" if line else "")


def _record(step: Step, journey: str, owner: str, line: str, revision: int) -> dict[str, Any]:
    return {
        "event_id": _name(step.name, owner, line),
        "journey_id": journey,
        "customer": owner,
        "step": _WORDS[step.name[:2]],
        "at": iso(step.at),
        "contact_id": step.contact or None,
        "channel": step.channel or None,
        "from_channel": step.before,
        "stitched_by": step.reason,
        "stitched_to": step.to or None,
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
