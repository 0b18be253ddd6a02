"""Contacts that are over go to another customer: all of a group, with what they count for.

The one who has them hands them over in one record, and forgets them; the other takes that in. Figures of windows that
are over stay where they are. What is still said of such a contact comes to who had it first, and is sent on.
"""

import msgspec
from msgspec.structs import replace

from streams.alerts.episodes import WITHDRAWN, Gone
from streams.base.records import Event, Fact, Grouped, Handed, Left, Moved, contact_key
from streams.contacts import histories
from streams.contacts.contact import Contact
from streams.customers import facts, loop
from streams.customers.condensing import MAX_RESTED, condense_early, expire, with_fewer_rested
from streams.customers.follow import Change, Out
from streams.customers.rules import CustomerRules
from streams.customers.timeline_state import LineOutcome, Place, Timeline

MAX_FORWARDS = 200
"""Groups whose words are sent on; of more, those that went first are not."""
_encode = msgspec.json.Encoder().encode
_contact = msgspec.json.Decoder(Contact).decode


def grouped(timeline: Timeline, told: Grouped) -> Timeline:
    """A contact is over, and goes with its group from now on. One that was condensed before stays."""
    key = contact_key(told.channel, told.contact)
    history = timeline.histories.get(key)
    if history is None:
        return timeline
    return replace(timeline, histories=timeline.histories | {key: replace(history, group=told.group, going=False)})


def hand(timeline: Timeline, moved: Moved, place: Place, rules: CustomerRules) -> LineOutcome:
    """Without a group, and with what is sent to who gets it. What still waits for late company waits no more."""
    over = [key for key, history in timeline.histories.items() if history.group == moved.group and not history.going]
    emitted: list[Fact] = []
    published: list[Out] = []
    for key in over:  # who says that it is over knows more of time
        idle = histories.idle_at(timeline.histories[key], rules.contacts)
        expired = expire(timeline, key, idle + 1, place, rules)
        timeline = expired.timeline
        emitted += expired.facts
        published += expired.out
    early = condense_early(timeline, over, place, rules)
    timeline = early.timeline
    going = {key: contact for key, contact in timeline.rested.items() if contact.group == moved.group}
    timeline, pieces = loop.handed(timeline, moved.group, place, rules)
    forwards = {**timeline.forwards, moved.group: (moved.to, _until(place, rules))}
    timeline = replace(
        timeline,
        rested={key: contact for key, contact in timeline.rested.items() if key not in going},
        forwards=dict(list(forwards.items())[-MAX_FORWARDS:]),
        stale=True,
    )
    handed = Handed(
        moved.to,
        moved.group,
        moved.owner,
        moved.line,
        {key: msgspec.Raw(_encode(contact)) for key, contact in going.items()},
        {name: msgspec.Raw(piece) for name, piece in pieces.items()},
    )
    return LineOutcome(timeline, (*emitted, *early.facts), (*published, *early.out), sent=(handed,))


def left_behind(change: LineOutcome, left: Left, place: Place, rules: CustomerRules) -> LineOutcome:
    """A part of a contact went to another customer. What was over before that goes where its group has gone."""
    timeline = change.timeline
    history = timeline.histories.get(contact_key(left.channel, left.contact))
    gone = timeline.forwards.get(history.group) if history and not history.going else None
    if history is None or gone is None:
        return change
    handed = hand(timeline, Moved(left.owner, history.group, gone[0], left.line), place, rules)
    return LineOutcome(handed.timeline, change.facts + handed.facts, change.out + handed.out, sent=handed.sent)


def absorb(timeline: Timeline, handed: Handed, place: Place, rules: CustomerRules) -> LineOutcome:
    """With a group that another customer had. A contact that went on here before that came is told behind it."""
    came = {key: _contact(raw) for key, raw in handed.contacts.items() if key not in timeline.rested}
    resting = {key: contact for key, contact in came.items() if key not in timeline.histories}
    forwards = {group: each for group, each in timeline.forwards.items() if group != handed.group}
    timeline = with_fewer_rested(replace(timeline, rested=timeline.rested | resting, forwards=forwards), MAX_RESTED)
    emitted: list[Fact] = []
    published: list[Out] = []
    for key in came.keys() - resting.keys():
        told = _gone_on(timeline, key, came[key], place, rules)
        timeline = told.timeline
        emitted += told.facts
        published += told.out
    pieces = {name: bytes(raw) for name, raw in handed.pieces.items()}
    timeline = loop.absorbed(timeline, handed.group, pieces, place, rules)
    return LineOutcome(timeline, tuple(emitted), tuple(published))


def _gone_on(timeline: Timeline, key: str, contact: Contact, place: Place, rules: CustomerRules) -> LineOutcome:
    """A contact whose latest part came before what it had been: what that part was taken for is taken back."""
    known = timeline.histories[key]
    if known.base is not None:
        return LineOutcome(timeline)  # some of it is settled
    before = after = histories.revived(contact, rules.contacts)
    for step in known.tail:
        after = histories.arrive(after, step, place.now, rules.contacts).history
    after = replace(after, group=known.group)
    tiers = (timeline.tiers, timeline.tiers)
    emitted = facts.difference(known.lives, (), place.line, tiers, rules.contacts)
    emitted += facts.difference(before.lives, after.lives, place.line, tiers, rules.contacts)
    timeline = replace(timeline, histories=timeline.histories | {key: after}, stale=True)
    timeline, out = loop.changed(timeline, Change(Gone(WITHDRAWN, contact.last), key, known, after), place, rules)
    return LineOutcome(timeline, emitted, out)


def forwarded(timeline: Timeline, event: Event) -> Event | None:
    """A word about a contact that went to another customer, as it is sent on; None: it is for this one."""
    to = timeline.forwards.get(event.group) if event.group else None
    return None if to is None else replace(event, owner=to[0])


def _until(place: Place, rules: CustomerRules) -> int:
    """Until when something may be said of them: stream time, ms."""
    contacts = rules.contacts
    longest = max((contacts.horizon, *contacts.channel_horizons.values()))
    return (place.now or 0) + longest + contacts.lateness_ms
