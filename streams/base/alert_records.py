"""What travels to the agent `alert`: that a condition holds or is over, what people say, what connectors sent."""

import msgspec

from streams.base.records import LIVE, Erase, Progress, Record, Ruled


class Command(Record, tag="command", frozen=True):
    """What a person asked for one alert: acknowledge, snooze, close."""

    id: str
    source: str
    alert: str
    action: str
    time: int
    line: str = LIVE
    by: str | None = None
    until: int | None = None
    to: str | None = None
    note: str | None = None


class Silenced(Record, tag="silenced", frozen=True):
    """A person's silence: alerts that match are not told of until it ends. Without ``until`` it is over."""

    id: str
    """Of the event."""
    source: str
    silence: str
    time: int
    by: str
    line: str = LIVE
    matchers: tuple[str, ...] = ()
    starts: int | None = None
    until: int | None = None
    reason: str = ""


class ConditionSubject(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a condition is about; ``type``: contact, customer, journey, queue, kpi, connector or system."""

    type: str
    customer: str | None = None
    contact: str | None = None
    journey: str | None = None
    channel: str | None = None
    queue: str | None = None
    tier: str | None = None
    service_type: str | None = None
    kpi: str | None = None
    source: str | None = None
    agent_group: str | None = None


class Condition(Record, tag="condition", frozen=True):
    """A condition that a rule watches: that it holds since a moment, or, with ``until``, that it is over. The latest
    record of an episode says how it is; it is a function of all that is known of its subject.
    """

    episode: str
    """Stable name of this time that it holds."""
    fingerprint: str
    """Rule, line and subject."""
    rule: str
    what: str
    """The kind: what is watched."""
    severity: str
    subject: ConditionSubject
    since: int
    at: int
    """Stream time at which it was found to hold."""
    value: int | float | None = None
    limit: int | float | None = None
    clear: int | float | None = None
    unit: str = "count"
    until: int | None = None
    """Since when it is over."""
    reason: str | None = None
    """Why it is over."""
    evidence: tuple[str, ...] = ()
    """Ids of the events that show it, at most ten."""
    line: str = LIVE
    version: str = ""
    """Of the rules that it was judged by."""


class Heard(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What came of one connector in one minute, on one channel."""

    source: str
    channel: str
    """Of the topic; of one that is no channel's its name."""
    minute: int
    """Its start by the broker's clock, ms."""
    accepted: int = 0
    """Live events that were taken in, those that were duplicates included."""
    refused: int = 0
    """Records that became dead letters."""


class Pulse(Record, tag="pulse", frozen=True):
    """What connectors sent to one task of `ingest` since its last one; counts add up."""

    task: str
    of: tuple[Heard, ...]


AlertWord = Command | Silenced
"""What people say of alerts."""


AlertRecord = Condition | Command | Silenced | Erase | Pulse | Ruled | Progress
