"""A contact at rest, and another part of it: how it goes on after an end or a rest in which it was taken for over."""

from msgspec.structs import replace

from streams.base import decay
from streams.contacts import lifecycle
from streams.contacts.contact import ABOUT, Contact, Mark, replaceable
from streams.contacts.steps import Step


def rested(contact: Contact) -> Contact:
    """The contact without what only matters while it goes on: a few hundred bytes, to which something may still come.
    What is counted of it stays counted.

    ``contact``: not closed because it was idle, so that it can go on.
    """
    leg = contact.waiting
    return replace(
        contact,
        said=contact.said[-1:],
        legs=(replace(leg, told=True),) if leg else (),
        rested_queue=contact.queue,
        wants_human=contact.wants_human or bool(contact.legs),
        marks=replaceable(contact.marks),
        origin=None,
        turns=(),
        intents=(),
        mood=decay.NOTHING,
        friction=decay.NOTHING,
        moves=(),
        hands=(),
        pauses=(),
        lapsed=(),
    )


def another_part(earlier: Contact, step: Step) -> Contact:
    """The contact as it is before the first step of another part, which counts what the earlier one has counted."""
    tier = earlier.said[-1][1] if earlier.said else None
    before = replace(rested(earlier), before=earlier.counted, parted=None, closed_at=None)
    over = before.state == lifecycle.END
    origin = before if over else replace(before, closed_at=earlier.parted)
    acts = (None, before.acts[1]) if before.acts else None
    part = replace(before, tier=tier, origin=origin, acts=acts)
    if over:
        return part
    return replace(part, alive=earlier.heard) if step.type in ABOUT else reopened(part, step.time)


def reopened(contact: Contact, at: int) -> Contact:
    """It was over, or taken for over, and goes on."""
    number = contact.reopened + 1
    mark = Mark("contact_reopened", f"{contact.id}/{number}", at, contact.queue)
    return replace(contact, reopened=number, marks=(*contact.marks, mark))
