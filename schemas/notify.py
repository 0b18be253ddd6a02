"""Deliveries to people that did not arrive: ``notify.dead-letters``."""

from typing import Literal

from schemas.alerts import AlertEvent
from schemas.dead_letter import Base64
from schemas.fields import Model, String, UtcTime, Whole


class NotifyDeadLetter(Model):
    """A delivery that a target refused, or did not take in all attempts; or that it is to be sent once more. The latest
    record of a letter says how it stands."""

    id: String
    """`<target>/<delivery>`; also the record's key."""
    target: String
    """The target, as notify.yaml names it."""
    delivery: String
    """The delivery's idempotency key: the same when it is sent again."""
    status: Literal["dead", "again"]
    """again = somebody asked for it to be sent once more; if that fails, too, a record with the next round follows."""
    reason: Literal["refused", "exhausted", "unreadable"]
    """refused = the target will never take it; exhausted = all attempts failed; unreadable = the record of the topic is
    no alert event."""
    message: String
    """What the target, or the way to it, said last: never an address or a secret."""
    attempts: Whole
    """How often it was tried in this round."""
    round: Whole
    """How often it was sent again by command."""
    at: UtcTime
    """When this was written."""
    by: String | None
    """Who asked for it to be sent again."""
    kind: Literal["step", "group", "digest"]
    """What was delivered."""
    left_out: Whole
    """Steps of a digest that are counted alone."""
    events: list[AlertEvent]
    """The steps it tells of; none where the record is unreadable."""
    payload: Base64 | None
    """The first 64 KB of an unreadable record."""
