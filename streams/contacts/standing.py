"""How a contact stands: who is to act, or whether it is solved; and how that turned in the course of it."""

from typing import NamedTuple

from msgspec.structs import replace

from streams.base.channels import LIVE_CHANNELS
from streams.contacts.contact import ABANDONED, ANSWERED, CONTAINED, LEFT, OPEN, Contact
from streams.contacts.lifecycle import END

SOLVED, GAVE_UP, FOR_US, FOR_CUSTOMER, GOING, SILENT = "s", "a", "u", "c", "o", ""
"""How a contact stands: solved; the customer gave up; it waits for us; for the customer; it goes on; no word."""
_WAITING = frozenset({"queued", "offered", "callback", "transferring"})
MAX_TURNS = 8
"""Turns that a contact knows, the latest."""


class Standing(NamedTuple):
    """A letter, and since when (ms)."""

    letter: str
    since: int


def is_open(contact: Contact) -> bool:
    """It has not ended, nor does another part of it go on."""
    return contact.state != END and contact.parted is None


def standing(contact: Contact) -> Standing:
    """How the contact stands."""
    if contact.only_told and contact.solved_at is None:
        return Standing(SILENT, contact.started)
    if contact.solved_at is not None:
        return Standing(SOLVED, contact.solved_at)
    if contact.state != END:
        return _going(contact)
    at = contact.heard if contact.timed_out or contact.ended is None else contact.ended
    if contact.outcome in (ABANDONED, LEFT):
        return Standing(GAVE_UP, at)
    if contact.served_well is not None:
        return Standing(SOLVED, at)
    if contact.outcome == CONTAINED:
        for_us = contact.cases or contact.reached_nobody
        return Standing(GAVE_UP if contact.failed else FOR_US if for_us else SOLVED, at)
    spoken_last = contact.timed_out and contact.outcome == ANSWERED and not contact.unheard
    return Standing(FOR_CUSTOMER if spoken_last else FOR_US, at)


def _going(contact: Contact) -> Standing:
    leg = contact.waiting
    if leg is not None:
        return Standing(FOR_US, leg.entered)
    since = contact.started if contact.turned is None else contact.turned
    if contact.state in _WAITING:
        return Standing(FOR_US, since)
    if contact.channel in LIVE_CHANNELS or contact.outcome not in (OPEN, ANSWERED):
        return Standing(GOING, contact.started)
    if contact.unheard:
        return Standing(FOR_US, since)
    replied = contact.messages > 0 and (contact.turned is not None or contact.ours)
    return Standing(FOR_CUSTOMER, since) if replied else Standing(GOING, contact.started)


def turned(before: Contact, after: Contact) -> Standing | None:
    """Whom it waits for now, where that has just changed; it is asked of every event. Where customers sit and wait, a
    contact turns when it is over, or is to be called back.
    """
    if after.channel in LIVE_CHANNELS and after.state not in (END, "callback"):
        return None
    if (
        before.state == after.state
        and before.unheard == after.unheard
        and before.turned == after.turned
        and before.waiting == after.waiting
        and before.solved_at == after.solved_at
    ):
        return None
    now = standing(after)
    if now.letter not in (FOR_US, FOR_CUSTOMER) or standing(before) == now:
        return None
    return now


def with_turn(before: Contact, after: Contact, at: int) -> Contact:
    """The contact after a step at a time (ms), which may have turned it."""
    standing = turned(before, after)
    if standing is None:
        return after
    return replace(after, turns=(*after.turns, (at, standing.letter))[-MAX_TURNS:])
