"""A customer is erased: the row goes, and what was published of the customer is taken back.

Figures stay: what was counted of contacts that are over names nobody. A contact that is open is taken back instead, or
its queue would wait for somebody who is never heard of again; a journey that is open leaves the backlog. What is still
to be told of what counts is told before, however batches are cut: a contact that went to another customer counts there.
"""

from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from streams.alerts.episodes import ERASED, Gone
from streams.base.records import Erase, Fact, Handed, Unforwarded
from streams.base.watermarks import Watermarks
from streams.contacts.contact import Contact
from streams.contacts.lifecycle import END
from streams.customers import facts, loop
from streams.customers.customers import Customer
from streams.customers.follow import Out
from streams.customers.rules import CustomerRules
from streams.customers.timeline_state import Place, Timeline

_contact = msgspec.json.Decoder(Contact).decode


class Outcome(NamedTuple):
    """What is left of the row (None = nothing), and what to send."""

    customer: Customer | None
    facts: tuple[Fact, ...] = ()
    out: tuple[Out, ...] = ()
    contacts: tuple[tuple[str, str], ...] = ()
    """(contact, line) of all that were known."""
    judged: tuple[tuple[str, str], ...] = ()
    """(line, contact) of those that say what they are about."""


def erase(customer: Customer | None, told: Erase, rules: CustomerRules, clock: Watermarks) -> Outcome:
    """Without the lines that the erasure is of. Figures of those that have ended are final."""
    if customer is None:
        return Outcome(None)
    back: list[Fact] = []
    out: list[Out] = []
    contacts: list[tuple[str, str]] = []
    judged: list[tuple[str, str]] = []
    kept: dict[str, Timeline] = {}
    for line, timeline in customer.lines.items():
        if not told.every and line != told.line:
            kept[line] = timeline
            continue
        tiers = (timeline.tiers, timeline.tiers)
        for history in timeline.histories.values():
            if history.lives[-1].state != END and not clock.ended(line):
                back += facts.difference(history.lives, history.lives[:-1], line, tiers, rules.contacts)
        place = Place(customer.owner, line, None)
        if not clock.ended(line):
            back += _counted(timeline, told.time, Place(customer.owner, line, clock.stream_time(line)), rules)
        out += loop.erased(timeline, Gone(ERASED, told.time), place, rules)
        contacts += [(key, line) for key in (*timeline.histories, *timeline.rested)]
        judged += [(line, key) for key, each in timeline.histories.items() if any(one.proof for one in each.lives)]
        judged += [(line, key) for key, contact in timeline.rested.items() if contact.proof]
    due = {line: each for line, each in customer.due.items() if line in kept}
    left = replace(customer, lines=kept, due=due) if kept else None
    return Outcome(left, tuple(back), tuple(out), tuple(contacts), tuple(judged))


def _counted(timeline: Timeline, at: int, place: Place, rules: CustomerRules) -> tuple[Fact, ...]:
    """What was to be told next of what counts, and then what counts no more."""
    due: tuple[Fact, ...] = ()
    if timeline.stale:
        timeline, _, _, due = loop.published(timeline, None, place, rules)
    return due + loop.going(timeline, at, place, rules)


def lasting(handed: Handed, until: int) -> Handed | None:
    """What comes of another owner to one that is erased until then: contacts that went on later. What they count for
    does not tell them from the others and is taken only when all of them did. None = nothing.
    """
    contacts = {key: raw for key, raw in handed.contacts.items() if _contact(raw).last > until}
    if len(contacts) == len(handed.contacts) and contacts:
        return handed
    return replace(handed, contacts=contacts, pieces={}) if contacts else None


def unforwarded(customer: Customer | None, told: Unforwarded) -> Customer | None:
    """Without the name of who got a group of contacts."""
    timeline = customer.lines.get(told.line) if customer is not None else None
    if customer is None or timeline is None or told.group not in timeline.forwards:
        return customer
    forwards = {group: each for group, each in timeline.forwards.items() if group != told.group}
    lines = customer.lines | {told.line: replace(timeline, forwards=forwards, stale=True)}
    due = {line: each for line, each in customer.due.items() if line != told.line}
    return replace(customer, lines=lines, due=due)
