"""What tracking.yaml may say: contacts, journeys, segments."""

from typing import Annotated

from pydantic import Field, model_validator

from schemas.data import Channel
from streams.base.policy import SegmentRules, TrackingRules
from streams.base.times import DAY_MS, HOUR_MS
from streams.rules.models import Duration, File, Percent, Positive, Span, Weight


class ContactsEntry(File):
    timeout: Span = DAY_MS
    channel_timeouts: dict[Channel, Span] = Field(default={})
    horizon: Span = 14 * DAY_MS
    channel_horizons: dict[Channel, Span] = Field(default={})
    per_identifier_and_day: Annotated[int, Field(ge=1, le=1_000_000)] = 200


class JourneysEntry(File):
    gap: Span = 72 * HOUR_MS


class HalfLivesEntry(File):
    recency: Span
    frequency: Span
    sentiment: Span
    friction: Span


class HalfAtEntry(File):
    frequency: Positive
    friction: Positive


class WeightsEntry(File):
    recency: Weight
    frequency: Weight
    sentiment: Weight
    friction: Weight

    @model_validator(mode="after")
    def _some_weight(self) -> "WeightsEntry":
        if not self.recency + self.frequency + self.sentiment + self.friction:
            raise ValueError("at least one weight must be above 0")
        return self


class NewEntry(File):
    contacts: Annotated[int, Field(ge=1)]
    known_for: Duration


class SegmentsEntry(File):
    half_lives: HalfLivesEntry
    half_at: HalfAtEntry
    weights: WeightsEntry
    new: NewEntry
    dormant_after: Span
    at_risk_below: Percent
    loyal_from: Percent

    def rules(self) -> SegmentRules:
        lives, weights = self.half_lives, self.weights
        return SegmentRules(
            recency_half_life_ms=lives.recency,
            frequency_half_life_ms=lives.frequency,
            sentiment_half_life_ms=lives.sentiment,
            friction_half_life_ms=lives.friction,
            frequency_half_at=self.half_at.frequency,
            friction_half_at=self.half_at.friction,
            recency_weight=weights.recency,
            frequency_weight=weights.frequency,
            sentiment_weight=weights.sentiment,
            friction_weight=weights.friction,
            new_contacts=self.new.contacts,
            new_for_ms=self.new.known_for,
            dormant_after_ms=self.dormant_after,
            at_risk_below=self.at_risk_below,
            loyal_from=self.loyal_from,
        )


class TrackingFile(File):
    contacts: ContactsEntry = ContactsEntry()
    journeys: JourneysEntry = JourneysEntry()
    segments: SegmentsEntry

    def rules(self, lateness_ms: int) -> TrackingRules:
        contacts = self.contacts
        return TrackingRules(
            lateness_ms=lateness_ms,
            contact_timeout_ms=contacts.timeout,
            channel_timeouts_ms=tuple(sorted(contacts.channel_timeouts.items())),
            journey_gap_ms=self.journeys.gap,
            contact_horizon_ms=contacts.horizon,
            channel_horizons_ms=tuple(sorted(contacts.channel_horizons.items())),
            identifier_contacts=contacts.per_identifier_and_day,
        )
