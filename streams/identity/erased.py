"""Who is erased, known by a keyed hash alone: what names somebody who is, and is of no later time, is left out.

A table of hashes without the key tells nobody's name, and no list of names can be tried on it. The same name has the
same hash in all tasks and for good, so that an older record is known whenever it comes, in a replay of next year too.
"""

import hmac
from collections.abc import Iterable, MutableMapping
from hashlib import sha256

from msgspec.structs import replace

from streams.base.claims import STRENGTH
from streams.base.errors import UserError
from streams.base.records import SEP, Event

DIGITS = 32
"""Hexadecimal digits of a hash: 128 bits."""
LATEST = ""
"""The row with the time of the latest erasure: what is later need not be looked up."""
KEY = "key"
"""The row that tells of which key the hashes are."""
NEVER = -1


class OtherKey(UserError):
    """There are erasures, and the key in the settings is none, or not that by which they are known: what was erased
    would come back with the next late record or replay."""


def mark(key: bytes, name: str) -> str:
    """The hash of a name, such as "customer:7" or "phone:+44…"."""
    return hmac.digest(key, name.encode("utf-8", "surrogatepass"), sha256).hex()[:DIGITS]


def _number(key: bytes) -> int:
    """That tells keys apart, and nothing of them."""
    return int(mark(key, "")[:12], 16)


class Marks:
    """Over rows (a table): hash → until when what has the name is erased, ms."""

    def __init__(self, rows: MutableMapping[str, int], key: bytes | None) -> None:
        """Without a key nobody is erased. Raises `OtherKey`."""
        self.rows, self.key = rows, key
        self._latest: int | None = None
        if LATEST in rows and (key is None or rows.get(KEY, _number(key)) != _number(key)):
            said = "is not set" if key is None else "is another one"
            raise OtherKey(
                f"customers were erased, and CONTACT_STREAMS_ERASURE_KEY, by which they are known, {said}: without it "
                "what was erased would come back; set it as it was"
            )

    @property
    def latest(self) -> int:
        """Of all erasures; `NEVER`."""
        if self._latest is None:
            self._latest = self.rows.get(LATEST, NEVER) if self.key else NEVER
        return self._latest

    def of(self, name: str, line: str = "") -> str:
        """The hash of a name; of one that is erased on one line alone. Raises ValueError without a key."""
        if self.key is None:
            raise ValueError("there is no erasure key in the settings, and without one nobody is erased")
        return mark(self.key, f"{name}{SEP}{line}" if line else name)

    def add(self, marks: Iterable[str], time: int) -> None:
        """These are erased."""
        for each in (*marks, LATEST):
            if self.rows.get(each, NEVER) < time:
                self.rows[each] = time
        if self.key is not None and KEY not in self.rows:
            self.rows[KEY] = _number(self.key)
        self._latest = None

    def until(self, name: str, line: str) -> int:
        """Until when somebody of this name is erased, on this line or on all; `NEVER`."""
        if self.latest == NEVER:
            return NEVER
        found = self.rows.get(self.of(name), NEVER)
        return max(found, self.rows.get(self.of(name, line), NEVER)) if line else found

    def covers(self, name: str, line: str, time: int) -> bool:
        """Is what has the name, and is of this time, erased?"""
        return time <= self.latest and time <= self.until(name, line)

    def undo(self) -> None:
        """Rows may have been put back."""
        self._latest = None

    def left(self, event: Event, contact: str) -> tuple[Event | None, int]:
        """The event as far as it names nobody who is erased; None = it is left out, with the erasure's time.
        ``contact``: its name, which counts where the event names no customer.

        What somebody else's event says of an identifier of the erased is left out of it.
        """
        line, time = event.line, event.time
        if time > self.latest:
            return event, NEVER
        known = {name: self.until(name, line) for name in names_of(event)}
        erased = {name for name, until in known.items() if time <= until}
        if event.customer is None:
            until = max((until for until in (*known.values(), self.until(contact, line)) if time <= until), default=-1)
            return (event, NEVER) if until == NEVER else (None, until)
        customer = f"customer:{event.customer}"
        if customer in erased:
            return None, known[customer]
        if erased:
            kept = tuple(pair for pair in event.identifiers if ":".join(pair) not in erased)
            event = replace(event, identifiers=kept)
        return event, NEVER


def names_of(event: Event) -> list[str]:
    """Whom an event names."""
    named = [f"{kind}:{value}" for kind, value in event.identifiers if kind in STRENGTH or kind == "customer"]
    return named if event.customer is None else [*named, f"customer:{event.customer}"]
