"""Where a customer stands, what the customer is worth and expects. As in `schemas.outputs` every field is there."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.fields import Line, Model, Number, Revision, String, UtcTime
from schemas.journeys import SentimentTrend

Percent = Annotated[Number, Field(ge=0, le=100)]
Share = Annotated[Number, Field(ge=0, le=1)]


class SegmentComponents(Model):
    """What the score is made of, each 0 (bad) … 100 (good)."""

    recency: Percent
    """How long since the last contact."""
    frequency: Percent
    """How often the customer comes."""
    sentiment: Percent
    """How the customer feels; 50 where nothing was scored."""
    friction: Percent
    """Waits, transfers, repeated contacts; 100 = no friction at all."""


class Contribution(Model):
    """What a score is made of; the contributions to a score add up to it exactly, in its decimals."""

    what: String
    """What speaks for it; new words may come."""
    weight: Annotated[Number, Field(ge=0)]
    """How much it counts by the rules."""
    value: Annotated[Number, Field(ge=0)]
    """What was found: of the segment's score a component, 0 … 100; of a type how often, decayed to ``updated``."""
    contribution: Annotated[Number, Field(ge=0)]
    """What it contributes to the score."""


class ServiceType(Model):
    """How much speaks for one type of service."""

    type: String
    """The type: value, service, relationship, convenience, or what the rules say."""
    score: Share
    """0 (nothing) … 1, in thousandths."""
    contributions: list[Contribution]
    """Its contributions, the largest first; empty when the score is 0."""


class SegmentBefore(Model):
    """As the revision before said."""

    segment: String
    score: Percent
    tier: String
    tier_from: String
    type: String


class Segment(Model):
    """Where one customer stands."""

    customer: String
    """The owner; also the record's key."""
    segment: Literal["new", "active", "loyal", "at-risk", "dormant"]
    """The segment the customer is in."""
    score: Percent
    """0 (lost) … 100 (well)."""
    tier: String
    """The customer's tier; none where unknown."""
    updated: UtcTime
    """Event time of the score."""
    components: SegmentComponents
    """What the score is made of."""
    revision: Revision
    """Grows with every record of this customer."""
    line: Line
    """Empty for live, else the replay."""
    tier_from: String
    """Why the tier: crm = a profile gave it; value = it follows from the customer's value; contact = a contact's
    events said it; none."""
    contributions: list[Contribution]
    """What the score is made of, the largest first, in tenths."""
    type: String
    """The type of service the customer expects; none where too little speaks for any."""
    confidence: Share
    """Of the type: its score less that of the next one."""
    types: list[ServiceType]
    """The score of each type."""
    reasons: Annotated[list[String], Field(max_length=3)]
    """What contributes most to the score of the type, at most 3; empty where there is none."""
    before: SegmentBefore | None
    """As the revision before said; null in the first."""
    changed: list[String]
    """What of that is different now; empty in the first."""
    sentiment_trend: SentimentTrend | None
    """Where the customer's feeling goes over all contacts, survey answers included; null where there are fewer than two
    scores and answers."""
