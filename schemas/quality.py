"""How well a contact was served. As in `schemas.outputs` every field is always there."""

from typing import Literal

from schemas.fields import Line, Model, Number, Revision, String, UtcTime, Whole

__all__ = ["ContactQuality", "QualityEvidence", "QualitySide"]


class QualityEvidence(Model):
    """One thing that a score is made of."""

    what: String
    """A behaviour, a promise, a step; or need met, time, transfers, wait as promised, wait as before."""
    weight: Number
    """What it adds to the score."""
    event_ids: list[String]
    """Events that show it, as far as they are known: of behaviours, promises and steps."""


class QualitySide(Model):
    """One of the three sides of service."""

    score: Number | None
    """0 to 1; null = cannot be told."""
    evidence: list[QualityEvidence]
    """The weights add up to the score, before that is brought into 0 to 1."""


class ContactQuality(Model):
    """A contact that is over, scored. A later revision replaces an earlier one; a record without a value takes it back:
    the contact goes on, is another customer's, or was over 31 days ago, or the customer was erased.
    """

    quality_id: String
    """Stable name, made of the owner and a mark of the contact; with the line the record's key."""
    contact_id: String
    channel: String
    """Its channel: a contact is named by both."""
    customer: String
    """The owner."""
    customer_id: String | None
    """The customer's id; null where nobody knows whose it is."""
    line: Line
    """Empty for live, else the replay."""
    queue: String
    """Its last queue; none for one that named none."""
    tier: String
    """Of the contact, else of the customer as it ended; none where unknown."""
    service_type: String
    """Of the customer when the record was published; none where unknown."""
    agent_group: String | None
    """Of the agent who had it; null where unknown."""
    began_at: UtcTime
    ended_at: UtcTime
    wait_ms: Whole | None
    """In queues, else from the first message to the first answer; null = it waited for nobody."""
    time_ms: Whole
    """Until it was first solved, or over."""
    transfers: Whole
    status: Literal["provisional", "final"]
    """final when the time has passed in which what it is held against may change; then only answers to surveys come."""
    revision: Revision
    """Grows with every record of the customer."""
    business: QualitySide
    """Is the need met, in what time, by how many hands."""
    human: QualitySide
    """What agents were seen to do in their texts."""
    hidden: QualitySide
    """What was expected, promised and to be done."""
    behaviours: dict[str, bool]
    """Behaviour → was it seen? Empty where no text of an agent was read."""
    csat: Number | None
    """The last answer, on the scale of kpis.yaml; so the others; null = there is none."""
    nps: Number | None
    ces: Number | None
