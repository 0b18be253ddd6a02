"""By which name a journey goes, and the names of those that are over for good.

The records of those stay on the topic for a stated time, and nothing else is known of them: the names are there so that
the records can be removed in the end, or at once when the customer is erased.
"""

from collections.abc import Iterable

import msgspec

from streams.base.records import output_key
from streams.base.times import DAY_MS, iso

KEPT_MS = 31 * DAY_MS
"""So long after its last contact the record of a journey stays at least, ms of stream time: as long as topics with
retention."""
MAX_KEPT = 50
"""Of a customer on a line; of more, the records of those that would go first are removed at once."""
KEPT_BYTES = 52
"""JSON bytes of one of them, at most."""
OWN = ""
"""In place of a name: the customer's own key, under which versions before published all journeys."""
_HASH = 9
"""Characters of a name's end that tell it from another one of the same moment."""


class Kept(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A journey that is over for good."""

    revision: int
    """Of its record: it goes on from there should the journey be found again."""
    until: int
    """The record is removed when stream time passes this."""


Names = dict[str, Kept]
"""By `short`; those that go first are first."""


def journey_id(owner: str, line: str, started: int) -> str:
    """``<owner>@<start of the earliest contact>``, with ``~<line>`` in a replay."""
    return f"{owner}@{iso(started)}" + (f"~{line}" if line else "")


def short(name: str, started: int) -> str:
    """The name without what the row says of itself: owner and line."""
    return f"{started}{name[-_HASH:]}" if name[-_HASH : -_HASH + 1] == "#" else str(started)


def key_of(kept: str, owner: str, line: str) -> bytes:
    """The key of the record."""
    if kept == OWN:
        return output_key(line, owner)
    started, mark, contact = kept.partition("#")
    return f"{journey_id(owner, line, int(started))}{mark}{contact}".encode()


def with_names(known: Names, new: Names) -> Names:
    """With those that are over for good by now."""
    return dict(sorted((known | new).items(), key=_first)) if new else known


def without(known: Names, names: Iterable[str]) -> Names:
    """Without some of them."""
    gone = {*names}
    return {name: each for name, each in known.items() if name not in gone} if gone else known


def over(known: Names, now: int | None) -> list[str]:
    """Those whose records are to be removed; ``now``: stream time, ms."""
    if not known or now is None:
        return []
    surplus = len(known) - MAX_KEPT
    if surplus <= 0 and now <= next(iter(known.values())).until:
        return []
    return [name for place, (name, each) in enumerate(known.items()) if place < surplus or now > each.until]


def due(known: Names) -> list[int]:
    """When the next record is to be removed, if any."""
    return [next(iter(known.values())).until] if known else []


def _first(each: tuple[str, Kept]) -> tuple[int, str]:
    return each[1].until, each[0]
