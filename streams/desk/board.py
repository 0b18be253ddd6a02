"""How alerts stand: the topic ``alerts`` in memory, within limits.

A record is kept as its bytes, with what is asked of it beside them. What is over goes first when there is no more room.
"""

import re
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from sys import intern
from typing import Any

import msgspec
import orjson

from streams.base.records import LIVE
from streams.base.times import to_ms
from streams.desk.errors import CannotAsk, UnknownAlert

MOST_HELD, MOST_BYTES = 20_000, 64 << 20
"""Alerts, and bytes of their records, that are kept."""
OVER = frozenset({"resolved", "expired"})
SEVERITIES = ("critical", "warning", "info")
STATES = ("pending", "firing", "acknowledged", "escalated", "silenced", "suppressed", "resolved", "expired")
_LAST = b"\xff" * 8
"""Behind every key of one place in the order."""
_PART = re.compile(r"[0-9a-f]{6,20}")
"""Enough of a digest to name an alert by."""


class Subject(msgspec.Struct):
    """What is asked of an alert's subject."""

    type: str
    customer: str | None = None
    journey_id: str | None = None
    queue: str | None = None
    tier: str | None = None


class Held(msgspec.Struct):
    """An alert as its newest record has it."""

    fingerprint: str
    episode_id: str
    rule: str
    state: str
    severity: str
    subject: Subject
    since: str
    revision: int
    line: str = LIVE
    raw: bytes = b""
    """The whole record."""
    at: int = 0
    """``since`` in ms."""

    @property
    def over(self) -> bool:
        return self.state in OVER

    @property
    def short(self) -> str:
        """Its name without its customer."""
        return short(self.fingerprint)

    @property
    def doc(self) -> dict[str, Any]:
        """The record, decoded."""
        found: dict[str, Any] = orjson.loads(self.raw)
        return found


class _Step(msgspec.Struct):
    alert: Held


_held = msgspec.json.Decoder(Held).decode
_step = msgspec.json.Decoder(_Step).decode


def read(value: bytes) -> Held:
    """A record of ``alerts``. Raises ``ValueError`` for what is none."""
    found = _held(value)
    found.raw, found.at = bytes(value), to_ms(found.since)
    found.rule, found.state, found.severity = map(intern, (found.rule, found.state, found.severity))
    subject, found.since = found.subject, ""
    subject.type, subject.queue, subject.tier = intern(subject.type), _once(subject.queue), _once(subject.tier)
    return found


def _once(text: str | None) -> str | None:
    """A word that many have is kept once."""
    return None if text is None else intern(text)


def alert_of(step: bytes) -> Held:
    """The alert in a record of ``alert.events``, without its bytes. Raises ``ValueError`` for what is none."""
    found = _step(step).alert
    found.at = to_ms(found.since)
    return found


def short(name: str) -> str:
    """A fingerprint or an episode's name without the customer behind the ``@``: its digest covers all of it."""
    return name.partition("@")[0]


def customer_of(asked: str) -> str:
    """An owner as records name it; a customer's id alone is meant as one."""
    return asked if ":" in asked else f"customer:{asked}"


@dataclass(frozen=True)
class Filter:
    """Which alerts are meant; what is empty or None is not asked. ``states`` empty: all that are not over."""

    rules: frozenset[str] = frozenset()
    severities: frozenset[str] = frozenset()
    states: frozenset[str] = frozenset()
    customer: str | None = None
    queue: str | None = None
    tier: str | None = None
    since: int | None = None
    """ms; those that began then or later."""
    line: str | None = LIVE
    """None = of any."""

    def fits(self, alert: Held) -> bool:
        """Is it one of them?"""
        subject = alert.subject
        return (
            (alert.state in self.states if self.states else not alert.over)
            and self.line in (None, alert.line)
            and (not self.rules or alert.rule in self.rules)
            and (not self.severities or alert.severity in self.severities)
            and self.customer in (None, subject.customer)
            and self.queue in (None, subject.queue)
            and self.tier in (None, subject.tier)
            and (self.since is None or alert.at >= self.since)
        )


def checked(words: Iterable[str], known: tuple[str, ...], what: str, every: tuple[str, ...] = ()) -> frozenset[str]:
    """Words of a filter. Raises `CannotAsk` for one that is not known."""
    found = frozenset(each for word in words for each in word.split(",") if each)
    if unknown := sorted(found - {*known, *every}):
        raise CannotAsk(f"{what} {unknown[0]!r} is not known; there are {', '.join((*known, *every))}")
    return found


class Board:
    """All alerts that there is room for."""

    def __init__(self, most: int = MOST_HELD, most_bytes: int = MOST_BYTES) -> None:
        self._most, self._most_bytes = most, most_bytes
        self._held: dict[bytes, Held] = {}
        self._order: list[tuple[int, str, bytes]] = []
        """The latest first: its begin, negative, its fingerprint, its key."""
        self._names: dict[str, bytes] = {}
        """Short name of a fingerprint or an episode → key."""
        self._bytes = 0
        self.left_out = 0
        """Alerts that were not over and went for want of room."""
        self.unreadable = 0
        """Records that are no alerts."""

    def __len__(self) -> int:
        return len(self._held)

    def apply(self, key: bytes | None, value: bytes | None) -> None:
        """Take a record in; one without a value: the alert is forgotten."""
        if key is None:
            return
        self._drop(key)
        if value is None:
            return
        try:
            held = read(value)
        except ValueError:
            self.unreadable += 1
            return
        self._held[key] = held
        insort(self._order, (-held.at, held.fingerprint, key))
        self._bytes += len(held.raw)
        self._names[held.short] = self._names[short(held.episode_id)] = key
        if len(self._held) > self._most or self._bytes > self._most_bytes:
            self._make_room()

    def find(self, name: str) -> Held:
        """By fingerprint or episode, with or without the customer behind it, or by the beginning of a digest. Raises
        `UnknownAlert`.
        """
        wanted = short(name)
        found = self._held.get(self._names.get(wanted, b""))
        if found is not None and name in (wanted, found.fingerprint, found.episode_id):
            return found
        if _PART.fullmatch(name):
            keys = {key for each, key in self._names.items() if each.rpartition(".")[2].startswith(name)}
            if len(keys) == 1:
                return self._held[keys.pop()]
            if keys:
                raise UnknownAlert(f"{len(keys)} alerts begin with {name}; give more of its name")
        raise UnknownAlert(f"the alert {name!r} is not known; `contact-streams alerts list` and GET /alerts name them")

    def select(self, asked: Filter, limit: int, after: tuple[int, str] | None = None) -> list[Held]:
        """The latest that fit, behind a place in that order: (since in ms, fingerprint) of the last one before."""
        begin = 0 if after is None else bisect_right(self._order, (-after[0], after[1], _LAST))
        fitting = (held for place in islice(self._order, begin, None) if asked.fits(held := self._held[place[2]]))
        return list(islice(fitting, limit))

    def __iter__(self) -> Iterator[Held]:
        return iter(self._held.values())

    def _drop(self, key: bytes) -> None:
        held = self._held.pop(key, None)
        if held is None:
            return
        del self._order[bisect_left(self._order, (-held.at, held.fingerprint, key))]
        self._bytes -= len(held.raw)
        for name in (held.short, short(held.episode_id)):
            if self._names.get(name) == key:
                del self._names[name]

    def _make_room(self) -> None:
        """A tenth goes at once, so that it is not looked for again with the next record."""
        order = sorted(self._held.items(), key=lambda each: (not each[1].over, each[1].at))
        for key, held in order:
            if len(self._held) <= self._most * 9 // 10 and self._bytes <= self._most_bytes * 9 // 10:
                break
            self._drop(key)
            self.left_out += not held.over
