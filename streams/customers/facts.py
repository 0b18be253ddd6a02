"""What a contact contributes to the KPIs: facts made of its marks, and what changes when the contact changes.

What was emitted follows from the contact as it was; so a change is the difference of two sets, and taking a contact
back is the difference to nothing.
"""

from collections import Counter
from collections.abc import Sequence

from msgspec.structs import replace

from streams.base.records import JUDGED, NO_QUEUE, NO_TIER, Fact
from streams.contacts.contact import Contact, Mark
from streams.contacts.histories import Lives
from streams.contacts.rules import ContactRules
from streams.contacts.verdicts import verdict
from streams.customers.tiers import Tiers, tier_at


def tier_of(contact: Contact, tiers: Tiers) -> str:
    """The tier its events say, else the customer's as of the contact's end (now, while it is open)."""
    at = contact.ended if contact.parted is None else contact.parted
    return contact.tier or tier_at(tiers, at) or NO_TIER


NO_LABELS = (NO_TIER, None, None)
Labels = tuple[str, str | None, str | None]
"""Tier, service type and agent group that a contact counts under; the latter two where KPIs are by them."""


def labels_of(contact: Contact, tiers: Tiers, rules: ContactRules) -> Labels:
    """Under which it counts."""
    tier, asked = tier_of(contact, tiers), rules.labels
    if not asked:
        return tier, None, None
    kind = contact.kind if "service_type" in asked else None
    return tier, kind, contact.agent_group if "agent_group" in asked else None


def difference(
    before: Lives, after: Lives, line: str, tiers: tuple[Tiers, Tiers], rules: ContactRules
) -> tuple[Fact, ...]:
    """What to emit when contacts (and the customer's tiers) change: −1 for what no longer holds, then +1 for what is
    new."""
    gone: list[Fact] = []
    added: list[Fact] = []
    for index in range(max(len(before), len(after))):
        old = before[index] if index < len(before) else None
        new = after[index] if index < len(after) else None
        if old is not new or tiers[0] is not tiers[1]:
            _compare(old, new, line, (tiers, rules), (gone, added))
            if old is not new and ((new and new.proof) or (old and old.proof)):  # it says what it is about
                was, now = _judged(old, line, rules), _judged(new, line, rules)
                if was != now:
                    gone += was
                    added += now
    if not gone:
        return tuple(added)
    old_facts, new_facts = Counter(gone), Counter(added)
    back = tuple(replace(fact, sign=-1) for fact in (old_facts - new_facts).elements())
    return back + tuple((new_facts - old_facts).elements())


def told_anew(old: Sequence[Fact], new: Sequence[Fact]) -> tuple[Fact, ...]:
    """What to tell where these facts held and those hold now; each is there once."""
    gone = [replace(fact, sign=-1) for fact in old if fact not in new]
    return (*gone, *[fact for fact in new if fact not in old])


def _compare(
    old: Contact | None,
    new: Contact | None,
    line: str,
    by: tuple[tuple[Tiers, Tiers], ContactRules],
    into: tuple[list[Fact], list[Fact]],
) -> None:
    """Note the facts of a contact from the first mark on that differs, before and after."""
    tiers, rules = by
    was = labels_of(old, tiers[0], rules) if old else NO_LABELS
    now = labels_of(new, tiers[1], rules) if new else NO_LABELS
    same = 0
    if old and new and was == now and old.first_queue == new.first_queue:
        same = len(old.marks)
        if new.marks[:same] != old.marks:  # rarely: a mark was replaced
            same = next(index for index, mark in enumerate(old.marks) if new.marks[index : index + 1] != (mark,))
    gone, added = into
    if old:
        gone += [_fact(mark, old, line, was) for mark in old.marks[same:]]
    if new:
        added += [_fact(mark, new, line, now) for mark in new.marks[same:]]


def _judged(contact: Contact | None, line: str, rules: ContactRules) -> list[Fact]:
    """What it counts for at the products and topics it is about."""
    found = verdict(contact, rules) if contact else None
    if contact is None or found is None:
        return []
    return [
        Fact(
            JUDGED,
            contact.id,
            found.time,
            contact.channel,
            NO_QUEUE,
            NO_TIER,
            line,
            variant=kind,
            value=int(found.negative),
            about=name,
            event=found.event,
        )
        for kind, name in found.subjects
    ]


def _fact(mark: Mark, contact: Contact, line: str, labels: Labels) -> Fact:
    tier, kind, group = labels
    return Fact(
        fact=mark.fact,
        id=mark.id,
        time=mark.time,
        channel=contact.channel,
        queue=mark.queue or contact.first_queue or NO_QUEUE,
        tier=tier,
        line=line,
        outcome=mark.outcome,
        variant=mark.variant,
        entered=mark.entered,
        value=mark.value,
        talk_ms=mark.talk_ms,
        hold_ms=mark.hold_ms,
        wrap_ms=mark.wrap_ms,
        service_type=kind,
        agent_group=group,
    )
