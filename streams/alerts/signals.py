"""What a rule looks at: a value over time, in pieces between which nothing happened.

A signal is a function of all that is known of its subject, computed as a whole. So what follows from it (when a
condition holds, from when to when) needs no rule of its own for what comes late.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple


class Piece(NamedTuple):
    """A stretch of time over which a field has one value, or grows with time."""

    start: int
    """ms, the first moment inside."""
    end: int | None
    """ms, the first moment after; None = it goes on."""
    value: float | str
    """At ``start``; a flag is 1 or 0."""
    grows: bool = False
    """By a millisecond each millisecond: how long something has lasted."""
    anchor: str = ""
    """What names the stretch whatever comes late: the leg, the message, the promise."""
    evidence: tuple[str, ...] = ()
    """Ids of the events that show it."""
    reason: str = ""
    """Why it is over, where that says more than that it is."""
    at_bound: bool = False
    """Of one that grows: it is above a bound since the moment at which it is at it, as soon as that has passed. So what
    lasts for a millisecond longer than its bound has been above it."""


Signal = tuple[Piece, ...]
"""In order of time, without overlap. Between pieces there is no value, and no comparison holds."""

Param = int | float | str | bool
"""Of a field: durations in ms, otherwise as the registry (`streams.alerts.fields`) says."""
Params = Mapping[str, Param]
"""All parameters of the field, by name, defaults included."""
Attributes = Mapping[str, str | Signal]
"""What rules are scoped by: ``tier``, ``service_type``, ``policy``, ``channel``, ``queue``, ``kpi``, ``source``. A word
where it never changes, a signal of words where it does; what does not apply is left out."""
Fields = Callable[[str, Params], Signal]
"""(field, all of its parameters) → how it has been. Asked for at most once in a look for the same two, and only for
fields that a rule needs whose scope fits. Attributes are fields too, and it is never asked for those."""
