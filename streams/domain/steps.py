"""What is kept of a contact event while it can still be put into another order: a few words and a number, no text."""

from collections.abc import Callable
from typing import Any

import msgspec

from streams.domain.records import Event

Order = tuple[int, int, str, str]
"""(time, rank of the type, id, source): the order of a contact's events."""

# Events of one millisecond are taken in this order; a human connecting comes after queueing, a bot before it.
_ORDER = (
    "contact.initiated", "contact.reopened", "visit.made", "contact.connected:early", "contact.handed_off",
    "contact.transferred", "contact.turned_away", "contact.left_queue", "contact.queued", "contact.assigned",
    "contact.missed", "contact.offered", "contact.connected", "case.opened", "case.reopened",
    "article.viewed", "search.failed", "post.made", "post.answered", "message.sent", "message.changed", "contact.held",
    "contact.resumed", "case.solved", "contact.callback_requested", "contact.ended", "contact.wrapped_up",
    "feedback.given",
)  # fmt: skip
RANKS = {name: rank for rank, name in enumerate(_ORDER)}
_LAST = len(_ORDER)

HUMAN, CUSTOMER, AGENT = "human", "customer", "agent"


class Step(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One event of a contact. What ``actor``, ``detail`` and ``value`` mean is the type's business, see ``_PARTS``; of
    ``note``, see ``_NOTES``."""

    time: int
    rank: int
    id: str
    source: str
    type: str
    queue: str | None = None
    tier: str | None = None
    agent: str | None = None
    actor: str | None = None
    detail: str | None = None
    value: int | None = None
    talk_ms: int | None = None
    """Talk with humans over the whole contact, as the provider sums it up; so ``hold_ms``."""
    hold_ms: int | None = None
    note: str | None = None

    @property
    def order(self) -> Order:
        return (self.time, self.rank, self.id, self.source)


Parts = tuple[str | None, str | None, int | None]


def _milli(value: Any) -> int | None:
    return None if value is None else round(value * 1000)


# type → (actor, detail, value)
_PARTS: dict[str, Callable[[dict[str, Any]], Parts]] = {
    "contact.initiated": lambda data: (data.get("opened_by") or CUSTOMER, data.get("direction") or "inbound", None),
    "contact.connected": lambda data: (data.get("party") or HUMAN, None, None),
    "contact.reopened": lambda data: (data.get("by") or "unknown", None, None),
    "contact.left_queue": lambda data: (None, data.get("reason") or "other", None),
    "contact.turned_away": lambda data: (None, data.get("reason") or "other", None),
    "contact.missed": lambda data: (None, data.get("cause"), None),
    "contact.transferred": lambda data: (None, data.get("kind") or "cold", None),
    "contact.wrapped_up": lambda data: (None, None, data.get("duration_ms")),
    "contact.ended": lambda data: (data.get("by") or "system", data.get("reason") or "completed", None),
    "message.sent": lambda data: (data.get("author"), data.get("direction"), _milli(data.get("sentiment"))),
    "message.changed": lambda data: (None, data.get("change"), None),
    "post.made": lambda data: (CUSTOMER, "inbound", _milli(data.get("sentiment"))),
    "post.answered": lambda data: (data.get("author") or AGENT, "outbound", None),
    "feedback.given": lambda data: (CUSTOMER, data.get("metric"), _milli(data.get("score"))),
}
# type → the field of its data that is the note
_NOTES = {"contact.initiated": "continues", "contact.transferred": "to_external", "feedback.given": "scale"}


def step(event: Event) -> Step:
    """The step an event is. ``value``: thousandths of sentiment or score, or the milliseconds of a wrap-up."""
    kind = event.type
    parts = _PARTS.get(kind)
    actor, detail, value = parts(event.data) if parts else (None, None, None)
    early = kind == "contact.connected" and actor != HUMAN
    rank = RANKS["contact.connected:early"] if early else RANKS.get(kind, _LAST)
    data, noted = event.data, _NOTES.get(kind)
    return Step(
        event.time,
        rank,
        event.id,
        event.source,
        kind,
        event.queue,
        event.tier,
        event.agent,
        actor,
        detail,
        value,
        data.get("talk_ms"),
        data.get("hold_ms"),
        None if noted is None else data.get(noted),
    )
