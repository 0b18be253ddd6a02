"""What stands of the rules of a subject at a moment of stream time."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from streams.alerts.signals import Signal

if TYPE_CHECKING:
    from streams.alerts.index import Index

class Found(NamedTuple):
    """One time that a rule's condition holds."""

    rule: str
    severity: str
    what: str
    """The field that completed the condition: the one that got true last."""
    since: int
    """The first moment, ms."""
    until: int | None
    """The first moment at which it is over; None = not by ``now``."""
    anchor: str
    """Of the piece of the field that completed it, with ``#2``, ``#3`` … where a rule has another episode on the same;
    the moment in ms where there is no piece. Goes into the episode's id."""
    value: float | str | None = None
    """Of that field at ``since``; None = it had none (under ``not``)."""
    limit: float | None = None
    """What it crossed; None where it is a word."""
    clear: float | None = None
    """What it has to cross to be over; None = the limit."""
    unit: str = "count"
    evidence: tuple[str, ...] = ()
    """Ids of events, of that piece; at most ten."""


class Look(NamedTuple):
    """What stands, and when to look again."""

    found: tuple[Found, ...] = ()
    """Every episode that has begun by ``now``, over or not, by rule and then by time."""
    due: int | None = None
    """The stream time that must be *passed* (``now > due``, as `Follower.due`) for something of it to change without an
    event: an episode that begins, or is over. It may be early, never late."""


def watch(index: "Index", attributes: Attributes, fields: Fields, now: int | None) -> Look:
    """What the rules of one kind of subject find in one subject; a function of the whole of what is known of it.

    ``index``: ``AlertRules.index("contact")``. ``now``: stream time; moments behind it are not judged yet (an end that
    is ahead of it: ``until`` is None so far). ``None``: nothing is judged, and ``due`` is the first moment there is.

    What the caller does: the ids (``alert_id(rule, line, owner, key parts, anchor)``), and the patience while a history
    is arriving (publish nothing new while ``now <= touched``, and look again at ``max(due, touched)``): what was
    published stays meanwhile.
    """
    raise NotImplementedError
