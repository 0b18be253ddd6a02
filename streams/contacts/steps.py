"""What is kept of a contact event while it can still be put into another order: a few words and a number, no text.

A contact's events are in order of their times; those of one time stay in the order in which they came. Whatever has
stamps in whole seconds tells its events one after the other.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from streams.base.claims import owner_of
from streams.base.records import Event

HUMAN, CUSTOMER, AGENT = "human", "customer", "agent"
TEXTS_OF_AGENTS = frozenset({"message.sent", "post.answered"})
"""Types of which a human agent may have written the text."""


class Step(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One event of a contact. What ``actor``, ``detail`` and ``value`` mean is the type's business, see ``_PARTS``."""

    time: int
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
    word: str | None = None
    """The scale that an answer to a survey names, the intent that was found in a customer's text, or what a text of an
    agent shows.
    """
    named: bool = False
    """It says itself whose contact it is."""
    case: str | None = None
    topic: str | None = None
    intent: str | None = None
    """What the customer wants, as the connector says."""
    product: str | None = None
    agent_group: str | None = None

    @property
    def name(self) -> tuple[str, str]:
        """Of the event, on its channel."""
        return self.id, self.source

    @property
    def scale(self) -> str | None:
        """That an answer to a survey names."""
        return self.word if self.type == "feedback.given" else None

    @property
    def wish(self) -> str | None:
        """What the customer wants, as the connector says, or as was found in a text."""
        return self.intent or (None if self.type == "feedback.given" or self.actor == AGENT else self.word)

    @property
    def shown(self) -> tuple[str, ...] | None:
        """What an agent's text shows; None = there was none to read."""
        if self.actor != AGENT or self.word is None or self.type not in TEXTS_OF_AGENTS:
            return None
        names = self.word.partition(DUE)[0]
        return tuple(names.split(",")) if names else ()

    @property
    def due(self) -> int | None:
        """By when what it promises is to be kept (ms), as it says."""
        return int(self.word.partition(DUE)[2]) if self.word and DUE in self.word and self.shown is not None else None


Parts = tuple[str | None, str | None, int | None]


def _milli(value: Any) -> int | None:
    return None if value is None else round(value * 1000)


DUE = "@"
"""Between what a text shows and by when it is to be kept."""


def _word(shown: Sequence[str], due: int | None) -> str:
    return ",".join(shown) if due is None else f"{','.join(shown)}{DUE}{due}"


# type → (actor, detail, value)
_PARTS: dict[str, Callable[[dict[str, Any]], Parts]] = {
    "contact.initiated": lambda data: (data.get("opened_by") or CUSTOMER, data.get("direction") or "inbound", None),
    "contact.connected": lambda data: (data.get("party") or HUMAN, None, None),
    "contact.turned_away": lambda data: (None, data.get("reason") or "other", None),
    "contact.transferred": lambda data: (None, data.get("kind") or "cold", None),
    "contact.callback_requested": lambda data: (None, None, data.get("scheduled_for")),
    "contact.wrapped_up": lambda data: (None, None, data.get("duration_ms")),
    "contact.ended": lambda data: (data.get("by") or "system", data.get("reason") or "completed", None),
    "message.sent": lambda data: (data.get("author"), data.get("direction"), _milli(data.get("sentiment"))),
    "post.made": lambda data: (CUSTOMER, "inbound", _milli(data.get("sentiment"))),
    "post.answered": lambda data: (data.get("author") or AGENT, "outbound", None),
    "feedback.given": lambda data: (CUSTOMER, data.get("metric"), _milli(data.get("score"))),
}
READ = (
    "opened_by", "direction", "party", "kind", "duration_ms", "by", "reason", "author", "sentiment", "metric", "score",
    "scale", "talk_ms", "hold_ms", "case_id", "found_intent", "scheduled_for", "behaviours", "due",
)  # fmt: skip
"""The fields of data that become a part of a step; whoever keeps events for `step` has to keep these."""


def step(event: Event) -> Step:
    """The step an event is. ``value``: thousandths of sentiment or score, the milliseconds of a wrap-up, or when a
    call-back is to come.
    """
    kind = event.type
    parts = _PARTS.get(kind)
    actor, detail, value = parts(event.data) if parts else (None, None, None)
    named = event.owner == f"customer:{event.customer}" if event.customer else event.owner == owner_of(event)
    data = event.data
    shown, due = data.get("behaviours"), data.get("due")
    return Step(
        event.time,
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
        data.get("scale") or data.get("found_intent") if shown is None else _word(shown, due),
        named,
        event.case or data.get("case_id"),
        event.topic,
        event.intent,
        event.product,
        event.agent_group,
    )
