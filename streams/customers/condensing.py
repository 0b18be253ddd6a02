"""Contacts that are over, or too many, become part of the past: their sums stay, their state goes."""

from collections.abc import Collection

from msgspec.structs import replace

from streams.alerts.episodes import WITHDRAWN, Gone
from streams.base.claims import mark_of
from streams.base.records import NO_TIER, Event, Fact
from streams.contacts import histories, lifecycle
from streams.contacts.contact import ABOUT, Contact
from streams.contacts.histories import History
from streams.customers import facts, loop
from streams.customers.follow import Change, Out
from streams.customers.rules import CustomerRules
from streams.customers.tiers import Tiers
from streams.customers.timeline_state import LineOutcome, Place, Timeline

MAX_ENDED = 100
"""Contacts of one customer that are over and kept with their state; of more, the quietest is condensed early."""
MAX_OPEN = 500
"""Open contacts of one customer; of more, the quietest is closed. Hundreds are open at once in a replay whose
partitions are read far apart."""
MAX_RESTED = 1000
"""Contacts at rest that can go on, 300 to 780 bytes each with short names; of more, the quietest is gone."""
MAX_GONE = 2000
"""Contacts that are gone and remembered, 35 bytes each; of more, the quietest is forgotten, and what is told about any
that nobody remembers is late."""


def relieved(timeline: Timeline, key: str, place: Place, rules: CustomerRules) -> Timeline:
    """Settle a busy contact's events when there are too many."""
    history, finished = histories.relieve(timeline.histories[key], rules.contacts)
    if history is timeline.histories[key]:
        return timeline
    timeline = replace(timeline, histories=timeline.histories | {key: history})
    return loop.settled(timeline, finished, place, rules)


def uncrowded(timeline: Timeline, place: Place, rules: CustomerRules) -> LineOutcome:
    """Without one contact when there are too many: the ended one that was quiet for longest, or an open one."""
    kept = timeline.histories
    ended = [name for name, history in kept.items() if history.lives[-1].state == lifecycle.END]
    crowd = ended if len(ended) > MAX_ENDED else list(kept) if len(kept) - len(ended) > MAX_OPEN else ()
    if not crowd:
        return LineOutcome(timeline)
    key = min(crowd, key=lambda name: (kept[name].lives[-1].state == lifecycle.END, kept[name].last, name))
    return condense_early(timeline, [key], place, rules)


def expire(timeline: Timeline, key: str, now: int, place: Place, rules: CustomerRules) -> LineOutcome:
    """A contact is closed when it was idle for too long by ``now``, ms."""
    history = timeline.histories[key]
    expired = histories.expire(history, now, rules.contacts)
    if expired is history:
        return LineOutcome(timeline)
    emitted = facts.difference(
        history.lives, expired.lives, place.line, (timeline.tiers, timeline.tiers), rules.contacts
    )
    timeline = replace(timeline, histories=timeline.histories | {key: expired}, stale=True)
    change = Change(Gone(WITHDRAWN, now), key, history, expired)
    timeline, out = loop.changed(timeline, change, place, rules)
    return LineOutcome(timeline, tuple(emitted), out)


def condense_early(timeline: Timeline, keys: list[str], place: Place, rules: CustomerRules) -> LineOutcome:
    """Without these contacts, whose events might still come: open ones are closed at their last sign of life. What
    still comes of one goes on with it, but no longer before the events that have come. Its facts stay as they are.
    """
    kept, resting = dict(timeline.histories), dict[str, History]()
    finished: histories.Lives = ()
    emitted: list[Fact] = []
    published: list[Out] = []
    opened, tiers = False, (timeline.tiers, timeline.tiers)
    for key in keys:
        history = kept.pop(key)
        if history.tail:
            history, complete = histories.settle(history, history.tail[-1].time, rules.contacts)
            finished += complete
        opened = opened or history.lives[-1].state != lifecycle.END
        closed = histories.close(history, rules.contacts)
        emitted += facts.difference(history.lives, closed.lives, place.line, tiers, rules.contacts)
        change = Change(Gone(WITHDRAWN, closed.last), key, history, closed)
        timeline, out = loop.changed(timeline, change, place, rules)
        published += out
        finished += histories.of_group(closed)
        resting[key] = closed
    timeline = _with_rested(replace(timeline, histories=kept), resting, whole=True)
    timeline = loop.settled(timeline, finished, place, rules)
    return LineOutcome(timeline, tuple(emitted), tuple(published), limited=("contacts",) if opened else ())


def revived(timeline: Timeline, key: str, event: Event, rules: CustomerRules) -> History | None:
    """The history of a contact that had come to rest and goes on with this event; None: the event begins one."""
    contact = timeline.rested.get(key)
    if contact is None or histories.begins_another(contact, event.time, rules.contacts):
        return None
    return histories.revived(contact, rules.contacts)


def is_past(timeline: Timeline, key: str, event: Event, rules: CustomerRules) -> bool:
    """Whether the event belongs to a contact of the past that cannot go on."""
    last = timeline.gone.get(mark_of(key)) if timeline.gone else None
    if last is not None and event.time <= last + rules.contacts.horizon_ms(event.channel):
        return event.type != "contact.initiated" or event.time <= last
    if event.type in ABOUT and event.time <= timeline.forgot + rules.contacts.horizon_ms(event.channel):
        return True  # no contact begins with such a word
    return loop.remembers(timeline, event, rules)


def forgotten(timeline: Timeline, now: int, rules: CustomerRules) -> Timeline:
    """Without the contacts to which nothing can come any more."""
    kept = {key: each for key, each in timeline.rested.items() if now <= rested_until(each, rules)}
    forwards = {group: each for group, each in timeline.forwards.items() if now <= each[1]}
    if len(kept) == len(timeline.rested) and len(forwards) == len(timeline.forwards):
        return timeline
    return replace(timeline, rested=kept, forwards=forwards, stale=True)


def rested_until(contact: Contact, rules: CustomerRules) -> int:
    """Stream time after which nothing comes of a contact any more."""
    return contact.last + rules.contacts.horizon_ms(contact.channel) + rules.contacts.lateness_ms


def labelled(timeline: Timeline, tiers: Tiers, place: Place, rules: CustomerRules) -> Timeline:
    """With contacts that keep the tier they have by ``tiers``; their events are settled, so that they are not counted
    anew.
    """
    for key, open_history in timeline.histories.items():
        history = open_history
        finished: histories.Lives = ()
        if history.tail:
            history, finished = histories.settle(history, history.tail[-1].time, rules.contacts)
        history = histories.labelled(history, lambda contact: facts.tier_of(contact, tiers))
        timeline = replace(timeline, histories=timeline.histories | {key: history})
        timeline = loop.settled(timeline, finished, place, rules)
    return timeline


def condense(timeline: Timeline, key: str, place: Place, rules: CustomerRules) -> Timeline:
    """Without a contact that is over and to which nothing can be added any more."""
    history = timeline.histories[key]
    others = {name: each for name, each in timeline.histories.items() if name != key}
    timeline = _with_rested(replace(timeline, histories=others), {key: history})
    return loop.settled(timeline, histories.of_group(history), place, rules)


def _with_rested(timeline: Timeline, settled: dict[str, History], whole: bool = False) -> Timeline:
    """With contacts that have come to rest; of too many, those that were quiet for longest are forgotten."""
    rested = timeline.rested | {
        key: histories.rest(history, _known_tier(history, timeline.tiers), whole) for key, history in settled.items()
    }
    return with_fewer_rested(replace(timeline, rested=rested), MAX_RESTED)


def with_fewer_rested(timeline: Timeline, most: int) -> Timeline:
    """The contacts at rest that were heard of last; what comes of the others is late."""
    if len(timeline.rested) <= most:
        return timeline
    in_order = sorted(timeline.rested, key=lambda key: (timeline.rested[key].last, key))
    return gone_for_good(timeline, in_order[: len(in_order) - most])


def gone_for_good(timeline: Timeline, keys: Collection[str]) -> Timeline:
    """With contacts at rest that cannot go on any more."""
    if not keys:
        return timeline
    gone = timeline.gone | {mark_of(key): timeline.rested[key].last for key in keys}
    rested = {key: each for key, each in timeline.rested.items() if key not in keys}
    return with_fewer_gone(replace(timeline, rested=rested, gone=gone), MAX_GONE)


def with_fewer_gone(timeline: Timeline, most: int) -> Timeline:
    """Those that are gone and were heard of last are remembered."""
    if len(timeline.gone) <= most:
        return timeline
    in_order = sorted(timeline.gone.items(), key=lambda each: each[1])
    forgot = max(timeline.forgot, in_order[-most - 1][1])
    return replace(timeline, gone=dict(in_order[-most:]), forgot=forgot)


def _known_tier(history: History, tiers: Tiers) -> str | None:
    tier = facts.tier_of(history.lives[-1], tiers)
    return None if tier == NO_TIER else tier
