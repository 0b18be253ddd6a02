"""What alert.conditions carries, described for whoever looks into it. Not a public contract; see `schemas.internal`."""

from typing import Literal, NamedTuple

from pydantic import Field

from schemas.fields import Integer, Line, Model, Number, String, Whole
from schemas.internal import EraseRecord, ProgressRecord, RuledRecord


class CommandRecord(Model):
    """What a person asked for one alert."""

    kind: Literal["command"]
    id: String
    source: String
    alert: String
    action: String
    time: Integer
    line: Line = ""
    by: String | None = None
    until: Integer | None = None
    to: String | None = None
    note: String | None = None


class SilencedRecord(Model):
    """A person's silence; without until it is over."""

    kind: Literal["silenced"]
    id: String
    source: String
    silence: String
    time: Integer
    by: String
    line: Line = ""
    matchers: list[String] = Field(default=[])
    starts: Integer | None = None
    until: Integer | None = None
    reason: String = ""


class ConditionSubject(Model):
    """As `AlertSubject`, what does not apply left out."""

    type: String
    customer: String | None = None
    contact: String | None = None
    journey: String | None = None
    channel: String | None = None
    queue: String | None = None
    tier: String | None = None
    service_type: String | None = None
    kpi: String | None = None
    source: String | None = None
    agent_group: String | None = None


class HeardRecord(NamedTuple):
    """What came of one connector in one minute, on one channel."""

    source: String
    channel: String
    """That of the topic; of a topic that is no channel's its name."""
    minute: Integer
    """Its start, by the broker's clock."""
    accepted: Whole = 0
    refused: Whole = 0
    """Records that became dead letters."""


class PulseRecord(Model):
    """What connectors sent to one task of ingest since its last one; counts add up."""

    kind: Literal["pulse"]
    task: String
    of: list[HeardRecord]


class ConditionRecord(Model):
    """A condition that a rule watches: that it holds, or that it is over. The latest record of an episode says how it
    is; episodes are a function of all that is known, so a late event changes them like any other."""

    kind: Literal["condition"]
    episode: String
    fingerprint: String
    rule: String
    version: String = ""
    what: String
    """What is watched."""
    severity: String
    subject: ConditionSubject
    since: Integer
    at: Integer
    """When it was found to hold, or to be over: stream time."""
    value: Number | None = None
    limit: Number | None = None
    clear: Number | None = None
    unit: String = "count"
    until: Integer | None = None
    """Since when it is over."""
    reason: String | None = None
    """Why it is over."""
    evidence: list[String] = Field(default=[])
    line: Line = ""


AlertRecord = (
    ConditionRecord | CommandRecord | SilencedRecord | EraseRecord | PulseRecord | RuledRecord | ProgressRecord
)
"""What alert.conditions carries."""
