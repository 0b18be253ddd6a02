"""What of a timeline is published: its journeys and its segment, when they differ from what was published last.

A record is made once for all that happened since the last one, so a batch of many events of one customer publishes
once.
"""

from typing import Any, NamedTuple
from zlib import crc32

import msgspec
from msgspec.structs import replace

from streams.alerts import episodes as alerting
from streams.base.records import NO_TIER
from streams.contacts import histories
from streams.contacts.histories import History
from streams.contacts.lifecycle import END
from streams.customers import journeys, moods, segments, waits
from streams.customers.condensing import rested_until
from streams.customers.journeys import Journey
from streams.customers.rules import CustomerRules
from streams.customers.tiers import tier_at
from streams.customers.timeline_state import Place, Shown, Timeline

MAX_GONE_NAMES = 20
"""Names of journeys that were taken back and may hold again; of more, the latest are known."""
NAMELESS = "contact:"
"""Owners of which nothing but one contact is known: they have no segment."""


class Published(NamedTuple):
    """A timeline after publication, with the journey records (the current journey last) and the segment record."""

    timeline: Timeline
    journeys: tuple[dict[str, Any], ...] = ()
    segment: dict[str, Any] | None = None


def publish(timeline: Timeline, place: Place, rules: CustomerRules) -> Published:
    """The records of a timeline in which something may have changed; none where it looks as before."""
    if not timeline.stale:
        return Published(timeline)
    contacts = [contact for history in timeline.histories.values() for contact in history.lives]
    gap_ms = rules.journeys.gap_ms
    found = journeys.group((*timeline.past, *(journeys.of(each, timeline.tiers) for each in contacts)), gap_ms)
    timeline, records = _journeys(timeline, found, place, gap_ms)
    timeline, segment = _segment(timeline, contacts, place, rules)
    timeline = _dropped(timeline, found, place, rules)
    return Published(replace(timeline, stale=False, review=_review(timeline, found, place, rules)), records, segment)


def _journeys(
    timeline: Timeline, found: tuple[Journey, ...], place: Place, gap_ms: int
) -> tuple[Timeline, tuple[dict[str, Any], ...]]:
    owner, line, now = place
    names = {journeys.journey_id(owner, line, journey.started) for journey in found}
    records, shown = [], {}
    for name, old in timeline.shown.items():
        if name in names:
            continue
        if old.gone is None:
            records.append(journeys.withdrawn(old.started, owner, line, old.revision + 1))
            at = max(old.started, old.started if now is None else now)
            old = Shown(old.started, old.revision + 1, True, 0, at)  # noqa: PLW2901
        shown[name] = old
    shown = _latest_gone(shown)
    for journey in found:
        latest = journey is found[-1]
        closed = journeys.is_closed(journey, latest, now, gap_ms)
        name, digest = journeys.journey_id(owner, line, journey.started), _digest(journey, closed)
        known = timeline.shown.get(name)
        if known is not None and known.gone is None and known.digest == digest and not (latest and records):
            shown[name] = known
            continue
        revision = known.revision + 1 if known else 1
        records.append(journeys.record(journey, owner, line, closed, revision))
        shown[name] = Shown(journey.started, revision, closed, digest)
    return replace(timeline, shown=shown), tuple(records)


def _latest_gone(shown: dict[str, Shown]) -> dict[str, Shown]:
    if len(shown) <= MAX_GONE_NAMES:
        return shown
    return dict(sorted(shown.items(), key=lambda each: each[1].gone or 0)[-MAX_GONE_NAMES:])


def _digest(journey: Journey, closed: bool) -> int:
    return crc32(msgspec.json.encode((journey, closed), order="sorted"))


def _segment(
    timeline: Timeline, contacts: list[Any], place: Place, rules: CustomerRules
) -> tuple[Timeline, dict[str, Any] | None]:
    if place.owner.startswith(NAMELESS):
        return timeline, None
    contacts = sorted(contacts, key=lambda contact: (contact.started, contact.id, contact.channel))
    standing = segments.total(timeline.standing, contacts, rules.segments)
    if standing.last is None:
        return timeline, None
    tier = tier_at(timeline.tiers, None) or (standing.tier[1] if standing.tier else NO_TIER)
    score = segments.assess(standing, tier, place.now, rules.segments)
    if score == timeline.score:
        return timeline, None
    revision = timeline.score_revision + 1
    record = segments.record(score, place.owner, place.line, revision)
    return replace(timeline, score=score, score_revision=revision), record


def _dropped(timeline: Timeline, found: tuple[Journey, ...], place: Place, rules: CustomerRules) -> Timeline:
    """Without the journeys that are over for good."""
    now = place.now
    if now is None:
        return timeline
    old = {n for n, each in timeline.shown.items() if each.gone is not None and now > _gone_until(each.gone, rules)}
    if old:
        timeline = replace(timeline, shown={n: each for n, each in timeline.shown.items() if n not in old})
    settled = now - rules.journeys.gap_ms - rules.contacts.lateness_ms
    over = [each for each in found if each.last < settled and now > _dropped_at(timeline, each, rules)]
    if not over:
        return timeline
    past = tuple(part for part in timeline.past if not any(each.started <= part.started <= each.last for each in over))
    starts = {each.started for each in over}
    shown = {name: each for name, each in timeline.shown.items() if each.started not in starts}
    return replace(timeline, past=past, shown=shown)


def _gone_until(gone: int, rules: CustomerRules) -> int:
    """A name that was taken back is forgotten when stream time passes this."""
    return gone + 2 * rules.contacts.lateness_ms


def _dropped_at(timeline: Timeline, journey: Journey, rules: CustomerRules) -> float:
    """When a journey need not be kept any more: closed, and every contact of it condensed."""
    kept = any(
        journey.started <= contact.started <= journey.last
        for contacts in (*(history.lives for history in timeline.histories.values()), timeline.rested.values())
        for contact in contacts
    )
    return float("inf") if kept or journey.open else journey.last + rules.journeys.gap_ms + rules.contacts.lateness_ms


def _review(timeline: Timeline, found: tuple[Journey, ...], place: Place, rules: CustomerRules) -> int | None:
    """The stream time after which it looks different without any event."""
    times: list[float] = []
    if not timeline.histories and not timeline.past:  # else they are forgotten when it is looked at for those
        times += [_gone_until(each.gone, rules) for each in timeline.shown.values() if each.gone is not None]
    gap_ms = rules.journeys.gap_ms
    for journey in found:
        name = journeys.journey_id(place.owner, place.line, journey.started)
        if name not in timeline.shown:
            continue
        if not journey.open and not timeline.shown[name].closed:
            times.append(journey.last + gap_ms)
        elif timeline.shown[name].closed:
            times.append(_dropped_at(timeline, journey, rules))
    if timeline.score is not None and timeline.score.segment != "dormant":
        times.append(timeline.score.dormant_at)
    return int(min(times)) if times and min(times) != float("inf") else None


def is_bare(timeline: Timeline, owner: str) -> bool:
    """Nothing of it stands: what is left of it, if anything, are names of journeys that were published."""
    stands = (timeline.histories, timeline.past, timeline.rested, timeline.alerts, timeline.tiers, timeline.messages)
    if any(stands):
        return False
    return owner.startswith(NAMELESS) or timeline.standing == segments.NOBODY


# Deadlines


def next_deadline(timeline: Timeline, decision: int | None) -> int | None:
    """The earliest stream time that must be passed for something to happen without an event; None = there is nothing.

    ``decision``: what `next_decision` said of the timeline, before or after it was published.
    """
    return min((time for time in (timeline.review, decision) if time is not None), default=None)


def next_decision(timeline: Timeline, owner: str, line: str, rules: CustomerRules) -> int | None:
    """As `next_deadline`, of all but what is published: `publish` does not change it."""
    times: list[int] = []
    for key, history in timeline.histories.items():
        times += _history_deadlines(history, rules)
        watch = waits.Watch(key, history, owner, line, timeline.tiers)
        times += waits.deadlines(watch, timeline.alerts, rules.wait)
    times += [rested_until(contact, rules) for contact in timeline.rested.values()]
    times += _sentiment_deadlines(timeline, rules)
    times += forgets_alerts(timeline, rules)
    return min(times, default=None)


def forgets_alerts(timeline: Timeline, rules: CustomerRules) -> list[int]:
    """The stream times that must be passed for alerts to be forgotten that nothing calls up again."""
    if not timeline.alerts:
        return []
    crossings = {message.id for message in timeline.messages}
    crossings |= {mood.firing.message.id for mood in timeline.moods.values() if mood.firing}
    return [
        alerting.forgotten_at(alert, rules.contacts.lateness_ms)
        for alert in timeline.alerts.values()
        if not alert.firing
        and (
            alert.subject.key not in timeline.histories
            if alert.kind == alerting.WAIT
            else alert.subject.message not in crossings
        )
    ]


def _history_deadlines(history: History, rules: CustomerRules) -> list[int]:
    settles, over = histories.settles_at(history, rules.contacts), histories.over_at(history, rules.contacts)
    times = [due for due in (settles, over) if due is not None]
    if history.lives[-1].state != END:
        times.append(histories.idle_at(history, rules.contacts))
    return times


def _sentiment_deadlines(timeline: Timeline, rules: CustomerRules) -> list[int]:
    firing = [alert for alert in timeline.alerts.values() if alert.kind == alerting.SENTIMENT and alert.firing]
    if not rules.sentiment or not (timeline.messages or firing):
        return []
    wanted = None if firing else frozenset().union(*(rule.tiers for rule in rules.sentiment))
    touched = [
        history.touched
        for key in {message.key for message in timeline.messages}
        if (history := timeline.histories.get(key)) is not None and history.touched is not None
    ]
    times = []
    due = moods.next_decision(timeline.messages, timeline.judged, wanted, timeline.tiers)
    if due is not None:
        times.append(due)
    quiet_after = {rule.name: rule.quiet_after_ms for rule in rules.sentiment}
    for alert in firing:
        mood = timeline.moods.get(alert.rule, moods.CALM)
        last = timeline.messages[-1].time if timeline.messages else mood.sums.at
        times.append(max(last, alert.since) + quiet_after.get(alert.rule, 0))
    return [max(each, *touched) if touched else each for each in times]
