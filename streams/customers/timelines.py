"""A customer on one line: what arrivals and the passing of time make of the contacts, and of what follows them.

Functions return a ``LineOutcome``: the new timeline, with the facts to emit and the records to publish.
"""

from collections.abc import Mapping

from msgspec.structs import replace

from streams.alerts.episodes import ERASED, MOVED, WITHDRAWN, Gone
from streams.base.records import CustomerEvent, Event, Fact, Handed, Left, Profile, contact_key
from streams.base.times import DAY_MS
from streams.contacts import histories
from streams.contacts.histories import History
from streams.contacts.lifecycle import END
from streams.contacts.steps import step
from streams.customers import facts, loop
from streams.customers.condensing import (
    MAX_ENDED,
    condense,
    expire,
    forgotten,
    is_past,
    labelled,
    relieved,
    rested_until,
    revived,
    uncrowded,
)
from streams.customers.follow import Change, Leaving, Out
from streams.customers.rules import CustomerRules
from streams.customers.tiers import Tiers
from streams.customers.timeline_state import LineOutcome, Place, Timeline

MAX_RELABELLED = 20_000
"""Facts of one customer that other tiers count anew in a day of stream time; a change of few facts is free."""
CONTACTS = "contacts"
"""The name of the contacts' own deadline among those of the capabilities."""


def key_of(event: Event) -> str:
    """Of the history that an event belongs to."""
    return contact_key(event.channel, event.contact)


# Arrivals


def arrive(timeline: Timeline, event: Event, place: Place, rules: CustomerRules) -> LineOutcome:
    """One contact event, wherever its place in time."""
    key, new = key_of(event), step(event)
    history = timeline.histories.get(key)
    if history is None:
        if key in timeline.rested:
            history = revived(timeline, key, event, rules)
        elif is_past(timeline, key, event, rules):
            return LineOutcome(timeline, late=True)
        history = history or History(event.contact, event.channel)
    if history.group and not event.group and not history.going:
        history = replace(history, going=True)
    arrival = histories.arrive(history, new, place.now, rules.contacts)
    if not arrival.taken:
        return LineOutcome(timeline, late=arrival.late)
    after = arrival.history
    added = facts.difference(history.lives, after.lives, place.line, (timeline.tiers, timeline.tiers), rules.contacts)
    limited: tuple[str, ...] = ()
    if len(added) > histories.MANY_FACTS:
        after = replace(after, recounts=after.recounts + 1)
        limited = ("labels",) if after.recounts > histories.MAX_RECOUNTS else ()
    timeline = replace(timeline, histories=timeline.histories | {key: after}, stale=True)
    if key in timeline.rested:
        timeline = replace(timeline, rested={name: each for name, each in timeline.rested.items() if name != key})
    change = Change(Gone(WITHDRAWN, event.time), key, history, after, new)
    before, (timeline, out) = timeline.tiers, loop.changed(timeline, change, place, rules)
    outcome = LineOutcome(timeline, added, out, arrival.illegal, False, limited)
    if timeline.tiers is not before:
        outcome = _relabelled(outcome, before, event.time, place, rules)
    timeline = relieved(outcome.timeline, key, place, rules)
    if len(timeline.histories) <= MAX_ENDED:
        return outcome if timeline is outcome.timeline else replace(outcome, timeline=timeline)
    crowded = uncrowded(timeline, place, rules)
    return replace(
        outcome,
        timeline=crowded.timeline,
        facts=outcome.facts + crowded.facts,
        out=outcome.out + crowded.out,
        limited=outcome.limited + crowded.limited,
    )


def know(timeline: Timeline, profile: Profile, place: Place, rules: CustomerRules) -> LineOutcome:
    """What is known of the customer has changed."""
    after, out = loop.told(timeline, profile, place, rules)
    return _relabelled(LineOutcome(after, out=out), timeline.tiers, profile.time, place, rules)


def _relabelled(outcome: LineOutcome, before: Tiers, at: int, place: Place, rules: CustomerRules) -> LineOutcome:
    """The customer's tiers may have changed: contacts that were open then or later are labelled anew, unless that was
    done too often of late. ``at``: the time of what changed them.
    """
    timeline = outcome.timeline
    tiers = timeline.tiers
    if tiers == before:
        return outcome
    emitted = tuple(
        fact
        for history in timeline.histories.values()
        for fact in facts.difference(history.lives, history.lives, place.line, (before, tiers), rules.contacts)
    )
    limited: tuple[str, ...] = ()
    today = (at if place.now is None else place.now) // DAY_MS
    before_now = timeline.recounted[1] if timeline.recounted[0] == today else 0
    if len(emitted) <= histories.MANY_FACTS:
        pass
    elif before_now + len(emitted) <= MAX_RELABELLED:
        timeline = replace(timeline, recounted=(today, before_now + len(emitted)))
    else:
        timeline, emitted, limited = labelled(timeline, before, place, rules), (), ("labels",)
    timeline, out = loop.changed(timeline, Change(Gone(WITHDRAWN, at)), place, rules)
    return replace(
        outcome,
        timeline=timeline,
        facts=outcome.facts + emitted,
        out=outcome.out + out,
        limited=outcome.limited + limited,
    )


def happened(timeline: Timeline, event: CustomerEvent, place: Place, rules: CustomerRules) -> LineOutcome:
    """An event of the customer apart from contacts."""
    timeline, out = loop.told(timeline, event, place, rules)
    return LineOutcome(timeline, out=out)


def leave(timeline: Timeline, left: Left, place: Place, rules: CustomerRules) -> LineOutcome:
    """A contact now belongs to another customer: what it contributed is taken back, as far as its events are not
    before ``left.since``.
    """
    key, others, since = contact_key(left.channel, left.contact), dict(timeline.histories), left.since
    history = others.pop(key, None)
    resting = None if since or history else timeline.rested.get(key)
    if resting:
        history = histories.revived(resting, rules.contacts)  # condensed early, because there were too many
    elif history and not since and history.base and history.base.before:
        resting = history.base  # it was, and has gone on; a journey of the past counts what it was until then
    kept = histories.before(history, since, rules.contacts) if history and since else None
    if history and kept:
        others[key] = replace(kept, group=history.group, going=False)
    tiers = (timeline.tiers, timeline.tiers)
    emitted = (
        facts.difference(history.lives, kept.lives if kept else (), place.line, tiers, rules.contacts)
        if history
        else ()
    )
    timeline = replace(
        timeline,
        histories=others,
        rested=timeline.rested if since else {name: each for name, each in timeline.rested.items() if name != key},
        stale=True,
    )
    before, gone = timeline.tiers, Gone(MOVED if left.to else ERASED, left.time)
    timeline, out = loop.left(timeline, Leaving(left, key, gone, resting), place, rules)
    return _relabelled(LineOutcome(timeline, tuple(emitted), out), before, left.time, place, rules)


def regrouped(change: LineOutcome, before: Tiers, place: Place, rules: CustomerRules) -> LineOutcome:
    """Contacts of a group came or went: what else that changes it changes at once, however records are cut into
    batches. ``before``: the tiers before they did.
    """
    went = [key for sent in change.sent if isinstance(sent, Handed) for key in sent.contacts]
    timeline, out = loop.regrouped(change.timeline, went, place, rules)
    change = replace(change, timeline=timeline, out=change.out + out)
    return _relabelled(change, before, 0 if place.now is None else place.now, place, rules)


# Time passes


def dues(timeline: Timeline, place: Place, rules: CustomerRules) -> dict[str, int]:
    """Whose deadline is when: of the contacts, and of each capability by its name (ms of stream time)."""
    times = [due for history in timeline.histories.values() for due in _history_dues(history, rules)]
    times += [rested_until(contact, rules) for contact in timeline.rested.values()]
    times += [until for _, until in timeline.forwards.values()]
    found = loop.dues(timeline, place, rules)
    return {CONTACTS: min(times), **found} if times else found


def _history_dues(history: History, rules: CustomerRules) -> list[int]:
    settles, over = histories.settles_at(history, rules.contacts), histories.over_at(history, rules.contacts)
    times = [due for due in (settles, over) if due is not None]
    if history.lives[-1].state != END:
        times.append(histories.idle_at(history, rules.contacts))
    return times


def advance(
    timeline: Timeline, place: Place, rules: CustomerRules, known: Mapping[str, int] | None = None
) -> LineOutcome:
    """What stream time has passed: of those alone whose deadline it was. So a look at the customer for another reason,
    which may hang on when it was published, leaves no trace. ``known``: its `dues`, where the caller has them.
    """
    now = place.now
    if now is None:
        return LineOutcome(timeline)
    asked = {name for name, due in (dues(timeline, place, rules) if known is None else known).items() if now > due}
    if not asked:
        return LineOutcome(timeline)
    emitted: list[Fact] = []
    published: list[Out] = []
    if CONTACTS in asked:
        for key in timeline.histories:
            change = expire(timeline, key, now, place, rules)
            timeline = change.timeline
            emitted += change.facts
            published += change.out
    before = timeline.tiers
    timeline, out = loop.passed(timeline, asked, place, rules)
    outcome = LineOutcome(timeline, tuple(emitted), (*published, *out))
    if timeline.tiers is not before:
        outcome = _relabelled(outcome, before, now, place, rules)
    if CONTACTS in asked:
        outcome = replace(outcome, timeline=_settled(outcome.timeline, now, place, rules))
    return outcome


def _settled(timeline: Timeline, now: int, place: Place, rules: CustomerRules) -> Timeline:
    """Contacts that can no longer change become smaller."""
    lateness_ms, before = rules.contacts.lateness_ms, timeline
    for key, open_history in timeline.histories.items():
        history = open_history
        due = histories.settles_at(history, rules.contacts)
        if due is not None and now > due:
            history, finished = histories.settle(history, now - lateness_ms, rules.contacts)
            timeline = replace(timeline, histories=timeline.histories | {key: history})
            timeline = loop.settled(timeline, finished, place, rules)
        over = histories.over_at(history, rules.contacts)
        if over is not None and now > over:
            timeline = condense(timeline, key, place, rules)
    if timeline.rested or timeline.forwards:
        timeline = forgotten(timeline, now, rules)
    return timeline if timeline is before else loop.tidied(timeline, place, rules)
