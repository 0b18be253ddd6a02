"""Contacts that are over, or too many, become part of the past: their sums stay, their state goes."""

from hashlib import blake2b

from msgspec.structs import replace

from streams.domain import alerts as alerting
from streams.domain import facts, histories, journeys, lifecycle, moods, segments, waits
from streams.domain.alerts import Alert, Gone
from streams.domain.histories import History
from streams.domain.policy import Rules
from streams.domain.profiles import Tiers
from streams.domain.records import Event, Fact
from streams.domain.timeline_state import Change, Place, Timeline

MAX_ENDED = 100
"""Contacts of one customer that are over and kept with their state; of more, the quietest is condensed early."""
MAX_OPEN = 500
"""Open contacts of one customer; of more, the quietest is closed. Hundreds are open at once in a replay whose
partitions are read far apart."""
MAX_GONE = 2000
"""Contacts condensed early that are remembered, 35 bytes each; of more, the quietest is forgotten."""


def waits_of(
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


def relieved(timeline: Timeline, key: str, rules: Rules) -> Timeline:
    """Settle the busiest contact's events and the oldest messages when there are too many."""
    history, finished = histories.relieve(timeline.histories[key], rules)
    if history is not timeline.histories[key]:
        timeline = condensed(replace(timeline, histories=timeline.histories | {key: history}), finished, rules)
    if len(timeline.messages) > 2 * moods.MAX_MESSAGES:
        timeline = settle_messages(timeline, len(timeline.messages) - moods.MAX_MESSAGES, rules)
    return timeline


def uncrowded(timeline: Timeline, place: Place, rules: Rules) -> Change:
    """Without one contact when there are too many: the ended one that was quiet for longest, or an open one."""
    kept = timeline.histories
    ended = [name for name, history in kept.items() if history.lives[-1].state == lifecycle.END]
    crowd = ended if len(ended) > MAX_ENDED else list(kept) if len(kept) - len(ended) > MAX_OPEN else ()
    if not crowd:
        return Change(timeline)
    key = min(crowd, key=lambda name: (kept[name].lives[-1].state == lifecycle.END, kept[name].last, name))
    return condense_early(timeline, [key], place, rules)


def condense_early(timeline: Timeline, keys: list[str], place: Place, rules: Rules) -> Change:
    """Without these contacts, whose events might still come: open ones are closed at their last sign of life, and what
    comes of any of them until it would have been over is late. Its facts stay as they are.
    """
    kept, gone = dict(timeline.histories), dict(timeline.gone)
    finished: histories.Lives = ()
    emitted: list[Fact] = []
    published: list[Alert] = []
    opened, tiers = False, (timeline.tiers, timeline.tiers)
    for key in keys:
        history = kept.pop(key)
        opened = opened or history.lives[-1].state != lifecycle.END
        closed = histories.close(history, rules)
        emitted += facts.difference(history.lives, closed.lives, place.line, tiers)
        timeline, alerts = waits_of(timeline, key, closed, place, rules, Gone(alerting.WITHDRAWN, closed.last))
        published += alerts
        finished += closed.lives
        gone[mark_of(key)] = closed.last
    if len(gone) > MAX_GONE:
        gone = dict(sorted(gone.items(), key=lambda each: each[1])[-MAX_GONE:])
    timeline = condensed(replace(timeline, histories=kept, gone=gone), finished, rules)
    return Change(timeline, tuple(emitted), tuple(published), limited=("contacts",) if opened else ())


def mark_of(key: str) -> str:
    """A short name of a history's key."""
    return blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def is_past(timeline: Timeline, key: str, event: Event, rules: Rules) -> bool:
    """Whether the event belongs to a contact that has been condensed."""
    last = timeline.gone.get(mark_of(key)) if timeline.gone else None
    if last is not None and event.time <= last + rules.tracking.timeout_ms(event.channel):
        return event.type != "contact.initiated" or event.time <= last
    return any(
        point.contact == event.contact and point.channel == event.channel and event.time <= point.last
        for part in timeline.past
        for point in part.listed
    )


def labelled(timeline: Timeline, tiers: Tiers, rules: Rules) -> Timeline:
    """With contacts that keep the tier they have by ``tiers``; their events are settled, so that they are not counted
    anew.
    """
    for key, open_history in timeline.histories.items():
        history = open_history
        finished: histories.Lives = ()
        if history.tail:
            history, finished = histories.settle(history, history.tail[-1].time, rules)
        history = histories.labelled(history, lambda contact: facts.tier_of(contact, tiers))
        timeline = replace(timeline, histories=timeline.histories | {key: history})
        timeline = condensed(timeline, finished, rules)
    return timeline


def condense(timeline: Timeline, key: str, rules: Rules) -> Timeline:
    """Without a contact that is over and to which nothing can be added any more."""
    history = timeline.histories[key]
    rest = {name: each for name, each in timeline.histories.items() if name != key}
    return condensed(replace(timeline, histories=rest), history.lives, rules)


def condensed(timeline: Timeline, finished: histories.Lives, rules: Rules) -> Timeline:
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


def settle_messages(timeline: Timeline, count: int, rules: Rules) -> Timeline:
    """The first ``count`` messages become part of the moods."""
    if count <= 0:
        return timeline
    last = timeline.messages[count - 1]
    settled, messages = moods.settle(timeline.moods, timeline.messages, count, rules.sentiment, timeline.tiers)
    return replace(timeline, moods=settled, messages=messages, settled_message=(last.time, last.id))
