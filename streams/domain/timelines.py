"""A customer on one line: contacts, the condensed past, alerts; what arrivals and the passing of time make of them.

Functions return a ``Change``: the new timeline, with the facts to emit and the alerts to publish.
"""

from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from streams.domain import alerts as alerting
from streams.domain import facts, histories, journeys, lifecycle, moods, segments, waits
from streams.domain.alerts import Alert, Alerts, Gone
from streams.domain.histories import NEVER, History
from streams.domain.journeys import Journey
from streams.domain.lifecycle import Illegal
from streams.domain.moods import Messages, Mood
from streams.domain.policy import Rules
from streams.domain.profiles import Tiers, changed
from streams.domain.records import Event, Fact, Left, Profile
from streams.domain.segments import Score, Standing
from streams.domain.steps import CUSTOMER, Step, step

MAX_ENDED = 100
"""Contacts of one customer that are over and kept with their state; of more, the quietest is condensed early."""
MAX_OPEN = 500
"""Open contacts of one customer; of more, the quietest is closed. Hundreds are open at once in a replay whose
partitions are read far apart; the limit keeps the state below what one changelog record may hold."""
NO_MESSAGE = (NEVER[0], "")
WRITTEN = frozenset({"message.sent", "post.made"})


class Place(NamedTuple):
    """Whose timeline, on which line, at which stream time (None = not known yet)."""

    owner: str
    line: str
    now: int | None


class Shown(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A journey as it was last published; ``digest`` tells whether it has changed since."""

    started: int
    revision: int
    closed: bool
    digest: int


class Timeline(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything of one line; ``histories`` by ``<channel>|<contact>``, ``alerts`` and ``shown`` (journeys) by their
    ids."""

    histories: dict[str, History] = {}
    past: tuple[Journey, ...] = ()
    """Contacts that are over, condensed."""
    standing: Standing = segments.NOBODY
    """Of the contacts in ``past`` and before."""
    tiers: Tiers = ()
    messages: Messages = ()
    moods: dict[str, Mood] = {}
    """Rule → mood before ``messages``."""
    settled_message: tuple[int, str] = NO_MESSAGE
    judged: tuple[int, str] = NO_MESSAGE
    """The last message that was judged."""
    alerts: Alerts = {}
    shown: dict[str, Shown] = {}
    score: Score | None = None
    """As it was last published."""
    score_revision: int = 0
    stale: bool = False
    """Something may have to be published."""
    review: int | None = None
    """Stream time after which journeys and segment look different without any event."""


class Change(NamedTuple):
    """A timeline after something happened; ``illegal`` and ``late`` only of an event."""

    timeline: Timeline
    facts: tuple[Fact, ...] = ()
    alerts: tuple[Alert, ...] = ()
    illegal: Illegal | None = None
    late: bool = False


def key_of(event: Event) -> str:
    """A contact id on one channel."""
    return f"{event.channel}|{event.contact}"


# Arrivals


def arrive(timeline: Timeline, event: Event, place: Place, rules: Rules) -> Change:
    """One contact event, wherever its place in time."""
    key, new = key_of(event), step(event)
    history = timeline.histories.get(key)
    if history is None:
        if _is_past(timeline, event):
            return Change(timeline, late=True)
        history = History(event.contact, event.channel)
    arrival = histories.arrive(history, new, place.now, rules)
    if not arrival.taken:
        return Change(timeline, late=arrival.late)
    after = arrival.history
    added = facts.difference(history.lives, after.lives, place.line, (timeline.tiers, timeline.tiers))
    timeline = replace(timeline, histories=timeline.histories | {key: after}, stale=True)
    if new.type in WRITTEN or timeline.messages:
        timeline = _written(timeline, key, new, (history, after))
    timeline, alerts = _waits(timeline, key, after, place, rules, Gone(alerting.WITHDRAWN, event.time))
    crowded = _crowded(_bounded(timeline, key, rules), place, rules)
    return Change(crowded.timeline, added + crowded.facts, (*alerts, *crowded.alerts), arrival.illegal)


def _is_past(timeline: Timeline, event: Event) -> bool:
    """Whether the event belongs to a contact that has been condensed."""
    return any(
        point.contact == event.contact and point.channel == event.channel and event.time <= point.last
        for part in timeline.past
        for point in part.listed
    )


def _written(timeline: Timeline, key: str, new: Step, change: tuple[History, History]) -> Timeline:
    """The customer's messages follow their history, which was and now is."""
    before, history = change
    known, contact = timeline.messages, history.lives[-1]
    first_queue = before.lives[-1].first_queue if before.lives else contact.first_queue
    if (not history.tail or history.tail[-1] is new) and contact.first_queue == first_queue:
        if new.type not in WRITTEN or new.actor != CUSTOMER or new.value is None:
            return timeline
        if not known or (new.time, new.id) > (known[-1].time, known[-1].id):
            return replace(timeline, messages=(*known, moods.message(key, contact, contact.marks[-1])))
    fresh = moods.messages_of(key, history.lives, timeline.settled_message)
    messages = moods.replaced(known, key, fresh)
    judged = tuple(message for message in known if (message.time, message.id) <= timeline.judged)
    unchanged = messages[: len(judged)] == judged
    return replace(timeline, messages=messages, judged=timeline.judged if unchanged else NO_MESSAGE)


def _waits(
    timeline: Timeline, key: str, history: History, place: Place, rules: Rules, gone: Gone
) -> tuple[Timeline, list[Alert]]:
    """The wait alerts of one history."""
    if not timeline.alerts and not any(contact.legs for contact in history.lives):
        return timeline, []
    old = [each.id for each in timeline.alerts.values() if each.kind == alerting.WAIT and each.subject.key == key]
    watch = waits.Watch(key, history, place.owner, place.line, timeline.tiers)
    wanted = list(waits.episodes(watch, timeline.alerts, place.now, rules))
    if not old and not wanted:
        return timeline, []
    known, alerts = alerting.reconcile(timeline.alerts, old, wanted, place.now, gone)
    return (replace(timeline, alerts=known) if alerts else timeline), alerts


def _bounded(timeline: Timeline, key: str, rules: Rules) -> Timeline:
    """Settle the busiest contact's events and the oldest messages when there are too many."""
    history, finished = histories.relieve(timeline.histories[key], rules)
    if history is not timeline.histories[key]:
        timeline = _condensed(replace(timeline, histories=timeline.histories | {key: history}), finished, rules)
    if len(timeline.messages) > 2 * moods.MAX_MESSAGES:
        timeline = _settle_messages(timeline, len(timeline.messages) - moods.MAX_MESSAGES, rules)
    return timeline


def _crowded(timeline: Timeline, place: Place, rules: Rules) -> Change:
    """Condense one contact when there are too many: the ended one that was quiet for longest, or an open one, which is
    closed by that.
    """
    kept = timeline.histories
    if len(kept) <= MAX_ENDED:
        return Change(timeline)
    ended = [name for name, history in kept.items() if history.lives[-1].state == lifecycle.END]
    crowd = ended if len(ended) > MAX_ENDED else list(kept) if len(kept) - len(ended) > MAX_OPEN else ()
    if not crowd:
        return Change(timeline)
    key = min(crowd, key=lambda name: (kept[name].lives[-1].state == lifecycle.END, kept[name].last, name))
    closed = histories.close(kept[key], rules)
    emitted = facts.difference(kept[key].lives, closed.lives, place.line, (timeline.tiers, timeline.tiers))
    timeline = replace(timeline, histories=kept | {key: closed})
    timeline, alerts = _waits(timeline, key, closed, place, rules, Gone(alerting.WITHDRAWN, closed.last))
    return Change(_condense(timeline, key, rules), emitted, tuple(alerts))


def know(timeline: Timeline, profile: Profile, place: Place, rules: Rules) -> Change:
    """What is known of the customer has changed: contacts that were open then or later are labelled anew."""
    tiers = changed(timeline.tiers, profile)
    if tiers is timeline.tiers:
        return Change(timeline)
    emitted: list[Fact] = []
    published: list[Alert] = []
    before = timeline.tiers
    timeline = replace(timeline, tiers=tiers, stale=True, judged=NO_MESSAGE)
    for key, history in timeline.histories.items():
        emitted += facts.difference(history.lives, history.lives, place.line, (before, tiers))
        gone = Gone(alerting.WITHDRAWN, profile.time)
        timeline, alerts = _waits(timeline, key, history, place, rules, gone)
        published += alerts
    return Change(timeline, tuple(emitted), tuple(published))


def leave(timeline: Timeline, left: Left, place: Place) -> Change:
    """A contact now belongs to another customer: everything it contributed is taken back."""
    keys = [key for key, history in timeline.histories.items() if history.id == left.contact]
    emitted: list[Fact] = []
    for key in keys:
        emitted += facts.difference(timeline.histories[key].lives, (), place.line, (timeline.tiers, timeline.tiers))
    old = [each.id for each in timeline.alerts.values() if each.subject.contact == left.contact]
    known, alerts = alerting.reconcile(timeline.alerts, old, (), place.now, Gone(alerting.MOVED, left.time))
    moved = {
        rule: replace(mood, firing=None) if mood.firing and mood.firing.message.contact == left.contact else mood
        for rule, mood in timeline.moods.items()
    }
    past = tuple(part for each in timeline.past if (part := journeys.without(each, left.contact)) is not None)
    timeline = replace(
        timeline,
        histories={key: history for key, history in timeline.histories.items() if key not in keys},
        past=past,
        alerts=known,
        messages=tuple(message for message in timeline.messages if message.contact != left.contact),
        moods=moved,
        judged=NO_MESSAGE,
        stale=True,
    )
    return Change(timeline, tuple(emitted), tuple(alerts))


# Time passes


def advance(timeline: Timeline, place: Place, rules: Rules) -> Change:
    """Everything whose deadline stream time has passed."""
    now = place.now
    if now is None:
        return Change(timeline)
    emitted: list[Fact] = []
    published: list[Alert] = []
    for key, history in timeline.histories.items():
        expired = histories.expire(history, now, rules)
        if expired is not history:
            tiers = timeline.tiers
            emitted += facts.difference(history.lives, expired.lives, place.line, (tiers, tiers))
            timeline = replace(timeline, histories=timeline.histories | {key: expired}, stale=True)
        timeline, alerts = _waits(timeline, key, expired, place, rules, Gone(alerting.WITHDRAWN, now))
        published += alerts
    timeline, alerts = _sentiment(timeline, place, now, rules)
    published += alerts
    timeline = _settle(timeline, now, rules)
    if timeline.review is not None and now > timeline.review:
        timeline = replace(timeline, stale=True)
    return Change(timeline, tuple(emitted), tuple(published))


def _sentiment(timeline: Timeline, place: Place, now: int, rules: Rules) -> tuple[Timeline, list[Alert]]:
    """The sentiment alerts; they wait while a history is arriving."""
    keys = {message.key for message in timeline.messages}
    touched = (timeline.histories[key].touched for key in keys if key in timeline.histories)
    if not rules.sentiment or any(each is not None and each >= now for each in touched):
        return timeline, []
    decided = moods.decided(timeline.messages, now)
    published: list[Alert] = []
    known = timeline.alerts
    for rule in rules.sentiment:
        old = [each.id for each in known.values() if each.kind == alerting.SENTIMENT and each.rule == rule.name]
        mood = timeline.moods.get(rule.name, moods.CALM)
        wanted = moods.episodes(mood, decided, rule, (place.owner, place.line), timeline.tiers, now)
        known, alerts = alerting.reconcile(known, old, wanted, now, Gone(alerting.WITHDRAWN, now))
        published += alerts
    judged = (decided[-1].time, decided[-1].id) if decided else timeline.judged
    if published or judged != timeline.judged:
        timeline = replace(timeline, alerts=known, judged=judged)
    return timeline, published


def _settle(timeline: Timeline, now: int, rules: Rules) -> Timeline:
    """What can no longer change becomes smaller."""
    lateness_ms = rules.tracking.lateness_ms
    for key, open_history in timeline.histories.items():
        history = open_history
        due = histories.settles_at(history, rules)
        if due is not None and now > due:
            history, finished = histories.settle(history, now - lateness_ms, rules)
            timeline = _condensed(replace(timeline, histories=timeline.histories | {key: history}), finished, rules)
        over = histories.over_at(history, rules)
        if over is not None and now > over:
            timeline = _condense(timeline, key, rules)
    old = sum(message.time <= now - 2 * lateness_ms for message in timeline.messages)
    if old and timeline.judged >= (timeline.messages[old - 1].time, timeline.messages[old - 1].id):
        timeline = _settle_messages(timeline, old, rules)
    return _forgotten(timeline, now, rules) if timeline.alerts else timeline


def _forgotten(timeline: Timeline, now: int, rules: Rules) -> Timeline:
    """Without alerts whose contact is no longer kept, and sentiment alerts of which no message is left."""
    lateness_ms = rules.tracking.lateness_ms
    calmed = moods.calmed(timeline.moods, timeline.messages, rules.sentiment, now - 2 * lateness_ms)
    crossings = {message.id for message in timeline.messages}
    crossings |= {mood.firing.message.id for mood in calmed.values() if mood.firing}

    def needed(alert: Alert) -> bool:
        if alert.kind == alerting.WAIT:
            return alert.subject.key in timeline.histories
        return alert.subject.message in crossings

    alerts = alerting.forget(timeline.alerts, needed, now, lateness_ms)
    if alerts is timeline.alerts and calmed is timeline.moods:
        return timeline
    return replace(timeline, alerts=alerts, moods=calmed)


def _settle_messages(timeline: Timeline, count: int, rules: Rules) -> Timeline:
    last = timeline.messages[count - 1]
    settled, messages = moods.settle(timeline.moods, timeline.messages, count, rules.sentiment, timeline.tiers)
    return replace(timeline, moods=settled, messages=messages, settled_message=(last.time, last.id))


def _condense(timeline: Timeline, key: str, rules: Rules) -> Timeline:
    history = timeline.histories[key]
    rest = {name: each for name, each in timeline.histories.items() if name != key}
    return _condensed(replace(timeline, histories=rest), history.lives, rules)


def _condensed(timeline: Timeline, finished: histories.Lives, rules: Rules) -> Timeline:
    """Contacts that are over become part of the past."""
    if not finished:
        return timeline
    parts = (journeys.of(contact, timeline.tiers) for contact in finished)
    return replace(
        timeline,
        past=journeys.group((*timeline.past, *parts), rules.tracking.journey_gap_ms),
        standing=segments.total(timeline.standing, finished, rules.segments),
        stale=True,
    )
