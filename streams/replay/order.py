"""Do the events of a row run forward?"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from streams.base.times import iso
from streams.replay.model import EventRule

BEGINS, ENDS, REOPENS = "contact.initiated", "contact.ended", "contact.reopened"
_ANY_TIME = "contact.wrapped_up"


class Made(NamedTuple):
    """One event of a row, before it is known which rows a contact has."""

    time: int
    rule: EventRule
    extra: dict[str, Any]
    """What the type adds."""


def rank(kind: str) -> int:
    """Where an event of this type belongs among those of its contact: 0 first, 2 last."""
    return {BEGINS: 0, ENDS: 2}.get(kind, 1)


def backwards(events: "Sequence[Made]", skew: int) -> "tuple[Made, Made] | None":
    """The first two events that run backwards by more than ``skew`` ms: the one that comes first, and lies later.

    Nothing lies before ``contact.initiated``. The contact's own events follow one another as the mapping lists them,
    ``contact.ended`` last, unless the contact is reopened. A wrap-up, messages, feedback, posts and cases have no place
    in this order.
    """
    own = _own(events)
    if not any(event.rule.type == REOPENS for event in own):
        own.sort(key=lambda event: rank(event.rule.type))
    reached: Made | None = None
    for event in own:
        if reached is not None and event.time < reached.time - skew:
            return reached, event
        if reached is None or event.time > reached.time:
            reached = event
    begun = own[0] if own and own[0].rule.type == BEGINS else None
    for event in events:
        if begun is not None and event.time < begun.time - skew:
            return begun, event
    return None


def outside(events: "Sequence[Made]", skew: int) -> "tuple[Made, Made] | None":
    """Of the events of joined rows: two that run backwards because one lies outside the contact's beginning and end."""
    own = _own(events)
    if any(event.rule.type == REOPENS for event in own):
        return None
    begun = [event for event in own if event.rule.type == BEGINS]
    ended = [event for event in own if event.rule.type == ENDS]
    for event in own:
        if begun and event.time < begun[0].time - skew:
            return begun[0], event
        if ended and event.time > ended[-1].time + skew:
            return event, ended[-1]
    return None


def told(fault: "tuple[Made, Made]") -> str:
    """Two events that run backwards, with both moments."""
    later, sooner = (f"{event.rule.type} ({event.rule.at}, {iso(event.time)})" for event in fault)
    return f"runs backwards: {sooner} lies before {later}"


def _own(events: "Sequence[Made]") -> "list[Made]":
    return [event for event in events if event.rule.type.startswith("contact.") and event.rule.type != _ANY_TIME]
