"""A customer on one line: contacts, the condensed past, alerts; what arrivals and the passing of time make of them.

Functions return a ``Change``: the new timeline, with the facts to emit and the alerts to publish.
"""

from msgspec.structs import replace

from streams.alerts import episodes as alerting
from streams.alerts.episodes import Alert, Gone
from streams.base.records import Event, Fact, Left, Profile, contact_key
from streams.base.times import DAY_MS
from streams.contacts import histories
from streams.contacts.histories import History
from streams.contacts.steps import CUSTOMER, Step, step
from streams.customers import facts, journeys, moods, publishing
from streams.customers.condensing import (
    MAX_ENDED,
    condense,
    condensed,
    forgotten,
    is_past,
    labelled,
    relieved,
    revived,
    settle_messages,
    uncrowded,
    waits_of,
)
from streams.customers.rules import CustomerRules
from streams.customers.tiers import changed
from streams.customers.timeline_state import NO_MESSAGE, Change, Place, Timeline

MAX_RELABELLED = 20_000
"""Facts of one customer that other tiers count anew in a day of stream time; a change of few facts is free."""
WRITTEN = frozenset({"message.sent", "post.made"})


def key_of(event: Event) -> str:
    """Of the history that an event belongs to."""
    return contact_key(event.channel, event.contact)


# Arrivals


def arrive(timeline: Timeline, event: Event, place: Place, rules: CustomerRules) -> Change:
    """One contact event, wherever its place in time."""
    key, new = key_of(event), step(event)
    history = timeline.histories.get(key)
    if history is None:
        if key in timeline.rested:
            history = revived(timeline, key, event, rules)
        elif is_past(timeline, key, event, rules):
            return Change(timeline, late=True)
        history = history or History(event.contact, event.channel)
    arrival = histories.arrive(history, new, place.now, rules.contacts)
    if not arrival.taken:
        return Change(timeline, late=arrival.late)
    after = arrival.history
    added = facts.difference(history.lives, after.lives, place.line, (timeline.tiers, timeline.tiers))
    limited: tuple[str, ...] = ()
    if len(added) > histories.MANY_FACTS:
        after = replace(after, recounts=after.recounts + 1)
        limited = ("labels",) if after.recounts > histories.MAX_RECOUNTS else ()
    timeline = replace(timeline, histories=timeline.histories | {key: after}, stale=True)
    if key in timeline.rested:
        timeline = replace(timeline, rested={name: each for name, each in timeline.rested.items() if name != key})
    if new.type in WRITTEN or timeline.messages:
        timeline = _written(timeline, key, new, (history, after))
    timeline, alerts = waits_of(timeline, key, after, place, rules, Gone(alerting.WITHDRAWN, event.time))
    timeline = relieved(timeline, key, rules)
    if len(timeline.histories) <= MAX_ENDED:
        return Change(timeline, added, tuple(alerts), arrival.illegal, False, limited)
    crowded = uncrowded(timeline, place, rules)
    published = (*alerts, *crowded.alerts)
    return Change(crowded.timeline, added + crowded.facts, published, arrival.illegal, False, limited + crowded.limited)


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


def know(timeline: Timeline, profile: Profile, place: Place, rules: CustomerRules) -> Change:
    """What is known of the customer has changed: contacts that were open then or later are labelled anew, unless that
    was done too often of late.
    """
    before, tiers = timeline.tiers, changed(timeline.tiers, profile)
    if tiers is before:
        return Change(timeline)
    emitted = [
        fact
        for history in timeline.histories.values()
        for fact in facts.difference(history.lives, history.lives, place.line, (before, tiers))
    ]
    timeline = replace(timeline, tiers=tiers, stale=True, judged=NO_MESSAGE)
    limited: tuple[str, ...] = ()
    today = (profile.time if place.now is None else place.now) // DAY_MS
    before_now = timeline.recounted[1] if timeline.recounted[0] == today else 0
    if len(emitted) <= histories.MANY_FACTS:
        pass
    elif before_now + len(emitted) <= MAX_RELABELLED:
        timeline = replace(timeline, recounted=(today, before_now + len(emitted)))
    else:
        timeline, emitted, limited = labelled(timeline, before, rules), [], ("labels",)
    published: list[Alert] = []
    for key, history in timeline.histories.items():
        timeline, alerts = waits_of(timeline, key, history, place, rules, Gone(alerting.WITHDRAWN, profile.time))
        published += alerts
    return Change(timeline, tuple(emitted), tuple(published), limited=limited)


def leave(timeline: Timeline, left: Left, place: Place, rules: CustomerRules) -> Change:
    """A contact now belongs to another customer: what it contributed is taken back, as far as its events are not
    before ``left.since``.
    """
    key, histories_, since = contact_key(left.channel, left.contact), dict(timeline.histories), left.since
    history = histories_.pop(key, None)
    resting = None if since or history else timeline.rested.get(key)
    if resting:
        history = histories.revived(resting, rules.contacts)  # condensed early, because there were too many
    kept = histories.before(history, since, rules.contacts) if history and since else None
    if kept:
        histories_[key] = kept
    tiers = (timeline.tiers, timeline.tiers)
    emitted = facts.difference(history.lives, kept.lives if kept else (), place.line, tiers) if history else ()
    old = [each.id for each in timeline.alerts.values() if each.subject.key == key and each.since >= since]
    known, alerts = alerting.reconcile(timeline.alerts, old, (), place.now, Gone(alerting.MOVED, left.time))

    def goes(message: moods.Message) -> bool:
        return message.key == key and message.time >= since

    past = timeline.past
    if not since:
        parts = (journeys.without(each, left.channel, left.contact, resting) for each in past)
        past = tuple(part for part in parts if part is not None)
    timeline = replace(
        timeline,
        histories=histories_,
        rested=timeline.rested if since else {name: each for name, each in timeline.rested.items() if name != key},
        past=past,
        alerts=known,
        messages=tuple(message for message in timeline.messages if not goes(message)),
        moods={
            rule: replace(mood, firing=None) if mood.firing and goes(mood.firing.message) else mood
            for rule, mood in timeline.moods.items()
        },
        judged=NO_MESSAGE,
        stale=True,
    )
    return Change(timeline, tuple(emitted), tuple(alerts))


# Time passes


def advance(timeline: Timeline, place: Place, rules: CustomerRules) -> Change:
    """Everything whose deadline stream time has passed; nothing when none has: a look at the customer for another
    reason, which may hang on when it was published, leaves no trace."""
    now = place.now
    due = None if now is None else publishing.next_decision(timeline, place.owner, place.line, rules)
    if now is None or due is None or now <= due:
        return Change(timeline)
    emitted: list[Fact] = []
    published: list[Alert] = []
    for key, history in timeline.histories.items():
        expired = histories.expire(history, now, rules.contacts)
        if expired is not history:
            tiers = timeline.tiers
            emitted += facts.difference(history.lives, expired.lives, place.line, (tiers, tiers))
            timeline = replace(timeline, histories=timeline.histories | {key: expired}, stale=True)
        timeline, alerts = waits_of(timeline, key, expired, place, rules, Gone(alerting.WITHDRAWN, now))
        published += alerts
    timeline, alerts = _sentiment(timeline, place, now, rules)
    published += alerts
    timeline = _settle(timeline, now, rules)
    return Change(timeline, tuple(emitted), tuple(published))


def _sentiment(timeline: Timeline, place: Place, now: int, rules: CustomerRules) -> tuple[Timeline, list[Alert]]:
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


def _settle(timeline: Timeline, now: int, rules: CustomerRules) -> Timeline:
    """What can no longer change becomes smaller; only when one of its own deadlines has passed, so that a look at the
    customer for another reason changes nothing."""
    lateness_ms, before = rules.contacts.lateness_ms, timeline
    for key, open_history in timeline.histories.items():
        history = open_history
        due = histories.settles_at(history, rules.contacts)
        if due is not None and now > due:
            history, finished = histories.settle(history, now - lateness_ms, rules.contacts)
            timeline = condensed(replace(timeline, histories=timeline.histories | {key: history}), finished, rules)
        over = histories.over_at(history, rules.contacts)
        if over is not None and now > over:
            timeline = condense(timeline, key, rules)
    if timeline.rested:
        timeline = forgotten(timeline, now, rules)
    if timeline is before and not any(now > due for due in publishing.forgets_alerts(timeline, rules)):
        return timeline
    old = sum(message.time <= now - 2 * lateness_ms for message in timeline.messages)
    if old and timeline.judged >= (timeline.messages[old - 1].time, timeline.messages[old - 1].id):
        timeline = settle_messages(timeline, old, rules)
    return _forgotten(timeline, now, rules) if timeline.alerts else timeline


def _forgotten(timeline: Timeline, now: int, rules: CustomerRules) -> Timeline:
    """Without alerts whose contact is no longer kept, and sentiment alerts of which no message is left."""
    lateness_ms = rules.contacts.lateness_ms
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
