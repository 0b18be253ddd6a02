"""Sentiment alerts: what a customer of a high tier writes stays below a limit.

The mood is the decayed mean of the customer's scored messages, in event order over all contacts. An episode begins with
the message that takes it to the rule's limit or below (given enough messages), and is over when it is back at the upper
limit (*recovered*) or when the customer has been silent for the rule's time (*quiet*), after which the mood starts
anew. Messages ahead of stream time wait, so the order of arrival decides nothing. The latest 50 messages are kept; what
lies before them is the ``Mood`` they start from.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Annotated, NamedTuple

import msgspec
from msgspec.structs import replace
from pydantic import Field

from streams.alerts.episodes import (
    QUIET,
    RECOVERED,
    SENTIMENT,
    WITHDRAWN,
    Alert,
    Alerts,
    Episode,
    Gone,
    Subject,
    alert_id,
    forget,
    forgotten_at,
    obeyed,
    reconcile,
)
from streams.base import decay
from streams.base.decay import Decayed
from streams.base.records import NO_TIER, Command
from streams.base.times import HOUR_MS, MINUTE_MS
from streams.base.units import FROM_FILES, Milli, RuleName, Severity, Span, TierName
from streams.contacts.contact import Contact, Mark
from streams.contacts.histories import NEVER, History
from streams.contacts.steps import CUSTOMER, Step
from streams.customers.follow import After, Change, Follower, Limits, Seen, alert_out
from streams.customers.tiers import Tiers, tier_at

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
    fire_at_or_below: Milli = -400
    resolve_at_or_above: Milli = -100
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


class Known(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of a customer's moods."""

    messages: tuple[Message, ...] = ()
    """The latest scored ones, in order."""
    moods: dict[str, Mood] = {}
    """Rule → mood before ``messages``."""
    settled: tuple[int, str] = NO_MESSAGE
    """The last message that is part of ``moods``."""
    judged: tuple[int, str] = NO_MESSAGE
    """The last message that was judged."""
    alerts: Alerts = {}


class Over(NamedTuple):
    """An episode with its end; None = goes on."""

    crossing: Crossing
    resolved: int | None
    reason: str | None


Messages = tuple[Message, ...]
CALM = Mood()
WRITTEN = frozenset({"message.sent", "post.made"})
_order = attrgetter("time", "id", "key")


class Moods(Follower[Known]):
    """State: the latest messages, the moods before them, the sentiment alerts that were published."""

    name = "moods"
    empty = Known()

    def __init__(self, rules: Sequence[SentimentRule], lateness_ms: int) -> None:
        self.rules, self.lateness_ms = rules, lateness_ms
        self.wanted = frozenset[str]().union(*(rule.tiers for rule in rules))
        self.quiet_after = {rule.name: rule.quiet_after_ms for rule in rules}

    def changed(self, state: Known, change: Change, seen: Seen) -> After[Known] | None:
        if change.left is not None:
            return self._left(state, change, change.left.since, seen)
        if change.key is None:
            return After(replace(state, judged=NO_MESSAGE))
        if change.step is None or change.after is None or not (state.messages or change.step.type in WRITTEN):
            return None
        after = self._written(state, change.key, change.step, (change.before, change.after))
        over = len(after.messages) - MAX_MESSAGES
        if over > MAX_MESSAGES:
            after = self._settle(after, over, seen)
        return None if after is state else After(after)

    def passed(self, state: Known, seen: Seen) -> After[Known]:
        if seen.now is None:
            return After(state)
        forgets = any(seen.now > due for due in self._forgets(state))
        state, out, _ = self._judged(state, seen.now, seen)
        return After(self.tidied(state, seen) if forgets else state, out)

    def tidied(self, state: Known, seen: Seen) -> Known:
        if seen.now is None:
            return state
        before = seen.now - 2 * self.lateness_ms
        old = sum(message.time <= before for message in state.messages)
        if old and state.judged >= (state.messages[old - 1].time, state.messages[old - 1].id):
            state = self._settle(state, old, seen)
        if not state.alerts:
            return state
        calm = calmed(state.moods, state.messages, self.rules, before)
        crossings = _crossings(state.messages, calm)
        alerts = forget(state.alerts, lambda alert: alert.subject.message in crossings, seen.now, self.lateness_ms)
        if alerts is state.alerts and calm is state.moods:
            return state
        return replace(state, alerts=alerts, moods=calm)

    def due(self, state: Known, seen: Seen) -> int | None:
        if not (state.messages or state.alerts):
            return None
        return min((*self._decides(state, seen), *self._forgets(state)), default=None)

    def commanded(self, state: Known, command: Command, seen: Seen) -> After[Known] | None:
        found = obeyed(state.alerts, command)
        return None if found is None else After(replace(state, alerts=found[0]), alert_out(found[1], seen))

    def eased(self, state: Known, limits: Limits | None, seen: Seen) -> Known:
        if limits is not None:
            return self._settle(state, len(state.messages) - limits.messages, seen)
        wanted = _crossings(state.messages, state.moods)
        kept = {name: each for name, each in state.alerts.items() if each.firing or each.subject.message in wanted}
        return replace(state, alerts=kept)

    def stands(self, state: Known, owner: str) -> bool:
        return bool(state.messages or state.alerts)

    def firing(self, state: Known) -> Iterable[str]:
        return (alert.rule for alert in state.alerts.values() if alert.firing)

    def _left(self, state: Known, change: Change, since: int, seen: Seen) -> After[Known]:
        """Without what a contact that went to another customer has brought."""

        def goes(message: Message) -> bool:
            return message.key == change.key and message.time >= since

        old = [each.id for each in state.alerts.values() if each.subject.key == change.key and each.since >= since]
        alerts, resolved = reconcile(state.alerts, old, (), seen.now, change.gone)
        after = Known(
            tuple(message for message in state.messages if not goes(message)),
            {
                rule: replace(mood, firing=None) if mood.firing and goes(mood.firing.message) else mood
                for rule, mood in state.moods.items()
            },
            state.settled,
            NO_MESSAGE,
            alerts,
        )
        return After(after, alert_out(resolved, seen))

    def _written(self, state: Known, key: str, new: Step, change: tuple[History | None, History]) -> Known:
        """The customer's messages follow their history, which was and now is."""
        before, history = change
        known, contact = state.messages, history.lives[-1]
        first_queue = before.lives[-1].first_queue if before and before.lives else contact.first_queue
        if (not history.tail or history.tail[-1] is new) and contact.first_queue == first_queue:
            if new.type not in WRITTEN or new.actor != CUSTOMER or new.value is None:
                return state
            if not known or (new.time, new.id) > (known[-1].time, known[-1].id):
                return replace(state, messages=(*known, message(key, contact, contact.marks[-1])))
        fresh = messages_of(key, history.lives, state.settled)
        messages = replaced(known, key, fresh)
        judged = tuple(message for message in known if (message.time, message.id) <= state.judged)
        unchanged = messages[: len(judged)] == judged
        return replace(state, messages=messages, judged=state.judged if unchanged else NO_MESSAGE)

    def _judged(self, state: Known, now: int, seen: Seen) -> After[Known]:
        """The alerts as they must stand; they wait while a history is arriving."""
        if not self.rules or any(each >= now for each in _touched(state.messages, seen)):
            return After(state)
        decidable = decided(state.messages, now)
        published: list[Alert] = []
        known = state.alerts
        for rule in self.rules:
            old = [each.id for each in known.values() if each.rule == rule.name]
            mood = state.moods.get(rule.name, CALM)
            wanted = episodes(mood, decidable, rule, (seen.owner, seen.line), seen.tiers, now)
            known, alerts = reconcile(known, old, wanted, now, Gone(WITHDRAWN, now))
            published += alerts
        judged = (decidable[-1].time, decidable[-1].id) if decidable else state.judged
        if published or judged != state.judged:
            state = replace(state, alerts=known, judged=judged)
        return After(state, alert_out(published, seen))

    def _settle(self, state: Known, count: int, seen: Seen) -> Known:
        """The first ``count`` messages become part of the moods."""
        if count <= 0:
            return state
        last = state.messages[count - 1]
        settled, messages = settle(state.moods, state.messages, count, self.rules, seen.tiers)
        return replace(state, moods=settled, messages=messages, settled=(last.time, last.id))

    def _decides(self, state: Known, seen: Seen) -> list[int]:
        """The stream times to pass for a message to be judged, or silence to end an alert."""
        firing = [alert for alert in state.alerts.values() if alert.firing]
        if not self.rules or not (state.messages or firing):
            return []
        times = []
        due = next_decision(state.messages, state.judged, None if firing else self.wanted, seen.tiers)
        if due is not None:
            times.append(due)
        for alert in firing:
            mood = state.moods.get(alert.rule, CALM)
            last = state.messages[-1].time if state.messages else mood.sums.at
            times.append(max(last, alert.since) + self.quiet_after.get(alert.rule, 0))
        touched = _touched(state.messages, seen)
        return [max(each, *touched) for each in times] if touched else times

    def _forgets(self, state: Known) -> list[int]:
        """The stream times to pass for alerts to be forgotten that nothing calls up again."""
        if not state.alerts:
            return []
        crossings = _crossings(state.messages, state.moods)
        return [
            forgotten_at(alert, self.lateness_ms)
            for alert in state.alerts.values()
            if not alert.firing and alert.subject.message not in crossings
        ]


def _crossings(messages: Messages, moods: Mapping[str, Mood]) -> set[str]:
    """The messages that an episode may begin with."""
    return {message.id for message in messages} | {mood.firing.message.id for mood in moods.values() if mood.firing}


def _touched(messages: Messages, seen: Seen) -> list[int]:
    """When the histories of messages last got an event, as far as that is not settled."""
    keys = {message.key for message in messages}
    return [
        history.touched
        for key in keys
        if (history := seen.histories.get(key)) is not None and history.touched is not None
    ]


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
        alert_id(rule.name, line, owner, message.key, message.id),
        rule.name,
        SENTIMENT,
        rule.severity,
        Subject(message.key, message.contact, message.channel, message.queue, tier, message.id),
        round(milli / 1000, 3),
        rule.fire_at_or_below / 1000,
        message.time,
        over.resolved,
        over.reason,
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
