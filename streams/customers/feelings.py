"""Sentiment alerts: what a customer of a high tier writes stays below a limit.

The mood is the decayed mean of the customer's scored messages, in event order over all contacts. An episode begins with
the message that takes it to the rule's limit or below (given enough messages), and is over when it is back at the upper
limit (*recovered*) or when the customer has been silent for the rule's time (*quiet*), after which the mood starts
anew. Messages ahead of stream time wait, so the order of arrival decides nothing. The latest 50 messages are kept; what
lies before them is the ``Mood`` they start from.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import Annotated, NamedTuple

import msgspec
from msgspec.structs import replace
from pydantic import Field

from streams.alerts.episodes import Episode, Subject, alert_id
from streams.base import decay
from streams.base.decay import Decayed
from streams.base.records import NO_TIER
from streams.base.times import HOUR_MS, MINUTE_MS
from streams.base.units import FROM_FILES, Milli, RuleName, Severity, Span, TierName
from streams.contacts.contact import Contact, Mark
from streams.contacts.histories import NEVER
from streams.customers.tiers import Tiers, tier_at

SENTIMENT, UNIT = "sentiment", "sentiment"
"""The kind of these alerts, and the unit of their values and limits: from −1 to 1."""
RECOVERED, QUIET = "recovered", "quiet"
MAX_MESSAGES = 50


@dataclass(frozen=True, slots=True)
class SentimentRule:
    """``sentiment`` of alerts.yaml: fires on the decayed mean of a customer's messages; the gap between the two limits
    (thousandths) is the hysteresis.
    """

    name: RuleName
    tiers: Annotated[frozenset[TierName], Field(min_length=1)] = frozenset()
    """None named: every tier that is high."""
    half_life_ms: Annotated[Span, Field(alias="half_life")] = 30 * MINUTE_MS
    min_messages: Annotated[int, Field(strict=True, ge=1, le=MAX_MESSAGES)] = 3
    fire_at_or_below: Milli = -450
    resolve_at_or_above: Milli = -200
    quiet_after_ms: Annotated[Span, Field(alias="quiet_after")] = 2 * HOUR_MS
    severity: Severity = "warning"

    __pydantic_config__ = FROM_FILES

    def __post_init__(self) -> None:
        high, low = self.resolve_at_or_above / 1000, self.fire_at_or_below / 1000
        if high <= low:
            raise ValueError(
                f"resolve_at_or_above ({high}), fire_at_or_below ({low}): the first must be above the second"
            )


class Message(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A scored message of the customer; ``key``: of the history it is in; ``tier``: what the contact's events had said
    by then."""

    time: int
    id: str
    milli: int
    key: str
    contact: str
    channel: str
    queue: str | None = None
    tier: str | None = None


NO_MESSAGE = (NEVER, "")


class Crossing(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The message that began an episode, and the mood it led to."""

    message: Message
    tier: str
    milli: float


class Mood(msgspec.Struct, frozen=True, omit_defaults=True):
    """After some messages: their sums, how many since the last silence, and the episode that goes on."""

    sums: Decayed = decay.NOTHING
    count: int = 0
    firing: Crossing | None = None


class Over(NamedTuple):
    """An episode with its end; None = goes on."""

    crossing: Crossing
    resolved: int | None
    reason: str | None


Messages = tuple[Message, ...]
CALM = Mood()
_order = attrgetter("time", "id", "key")


def message(key: str, contact: Contact, mark: Mark) -> Message:
    """The message a sentiment mark stands for."""
    queue = mark.queue or contact.first_queue
    return Message(mark.time, mark.id, mark.value or 0, key, contact.id, contact.channel, queue, mark.tier)


def messages_of(key: str, contacts: Iterable[Contact], behind: tuple[int, str]) -> Messages:
    """The scored messages of contacts that lie behind the settled ones."""
    return tuple(
        message(key, contact, mark)
        for contact in contacts
        for mark in contact.marks
        if mark.fact == "sentiment" and (mark.time, mark.id) > behind
    )


def replaced(messages: Messages, key: str, fresh: Messages) -> Messages:
    """The customer's messages with those of one history in place of its earlier ones."""
    kept = tuple(each for each in messages if each.key != key)
    return tuple(sorted(kept + fresh, key=_order))


def follow(mood: Mood, messages: Iterable[Message], rule: SentimentRule, tiers: Tiers) -> tuple[Mood, list[Over]]:
    """The mood after more messages, and the episodes that ended on the way."""
    ended: list[Over] = []
    for message in messages:
        firing = mood.firing
        if mood.count and message.time > mood.sums.at + rule.quiet_after_ms:
            if firing:
                ended.append(_quiet(mood, firing, rule))
            mood, firing = CALM, None
        sums = decay.add(mood.sums, message.milli, message.time, rule.half_life_ms)
        mood = Mood(sums, mood.count + 1, firing)
        mean = round(sums.total / sums.weight, 6)  # so exact that a mean of equal messages is equal to them
        if firing and mean >= rule.resolve_at_or_above:
            ended.append(Over(firing, message.time, RECOVERED))
            mood = replace(mood, firing=None)
        elif not firing and mood.count >= rule.min_messages and mean <= rule.fire_at_or_below:
            tier = message.tier or tier_at(tiers, message.time) or NO_TIER
            if tier in rule.tiers:
                mood = replace(mood, firing=Crossing(message, tier, mean))
    return mood, ended


def _quiet(mood: Mood, firing: Crossing, rule: SentimentRule) -> Over:
    return Over(firing, mood.sums.at + rule.quiet_after_ms, QUIET)


def episodes(
    mood: Mood, decided: Messages, rule: SentimentRule, place: tuple[str, str], tiers: Tiers, now: int | None
) -> list[Episode]:
    """The episodes of one rule that must stand, given the messages that stream time has passed. ``place``: (owner,
    line)."""
    mood, found = follow(mood, decided, rule, tiers)
    if mood.firing:
        silent = now is not None and now > mood.sums.at + rule.quiet_after_ms
        found.append(_quiet(mood, mood.firing, rule) if silent else Over(mood.firing, None, None))
    return [_episode(over, rule, place) for over in found]


def _episode(over: Over, rule: SentimentRule, place: tuple[str, str]) -> Episode:
    (message, tier, milli), (owner, line) = (over.crossing.message, over.crossing.tier, over.crossing.milli), place
    return Episode(
        id=alert_id(rule.name, line, owner, message.key, message.id),
        rule=rule.name,
        kind=SENTIMENT,
        severity=rule.severity,
        subject=Subject(message.key, message.contact, message.channel, message.queue, tier, message.id),
        value=round(milli / 1000, 3),
        limit=rule.fire_at_or_below / 1000,
        since=message.time,
        resolved=over.resolved,
        reason=over.reason,
    )


def decided(messages: Messages, now: int) -> Messages:
    """The messages that can be judged: those up to stream time; more than 50 never wait."""
    waiting = next((index for index, message in enumerate(messages) if message.time > now), len(messages))
    return messages[: max(waiting, len(messages) - MAX_MESSAGES)]


def next_decision(
    messages: Messages, judged: tuple[int, str], wanted: frozenset[str] | None, tiers: Tiers
) -> int | None:
    """The stream time to pass before the next message can be judged; None = none of a tier in ``wanted`` (None: of
    any)."""
    times = (
        message.time - 1
        for message in messages
        if (message.time, message.id) > judged
        and (wanted is None or (message.tier or tier_at(tiers, message.time)) in wanted)
    )
    return next(times, None)


def settle(
    moods: dict[str, Mood], messages: Messages, count: int, rules: Iterable[SentimentRule], tiers: Tiers
) -> tuple[dict[str, Mood], Messages]:
    """The first ``count`` messages become part of each rule's mood."""
    settled = {rule.name: follow(moods.get(rule.name, CALM), messages[:count], rule, tiers)[0] for rule in rules}
    return settled, messages[count:]


def calmed(moods: dict[str, Mood], messages: Messages, rules: Iterable[SentimentRule], before: int) -> dict[str, Mood]:
    """With the moods reset whose episode ended in silence before a time that no message can come from any more."""
    reset = {
        rule.name: CALM
        for rule in rules
        if (mood := moods.get(rule.name, CALM)).firing
        and (ends := mood.sums.at + rule.quiet_after_ms) < before
        and not (messages and messages[0].time <= ends)
    }
    return {**moods, **reset} if reset else moods
