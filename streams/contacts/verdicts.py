"""How a contact turned out that says which product or topic it is about: badly, or not."""

from typing import NamedTuple

from msgspec.structs import replace

from streams.contacts.contact import ABANDONED, Contact
from streams.contacts.rules import ContactRules
from streams.contacts.steps import CUSTOMER, Step


class Verdict(NamedTuple):
    """Counted once it is over, for each of its subjects."""

    time: int
    """When it was over, ms."""
    negative: bool
    event: str
    """That shows it."""
    subjects: tuple[tuple[str, str], ...]
    """(product or topic, its name)."""


def heard(before: Contact, contact: Contact, step: Step, rules: ContactRules) -> Contact:
    """The contact after a step, which is its proof if it shows that it goes badly; ``before``: without the step. Only
    of one that says what it is about.
    """
    shows = not contact.proof or _shows(before, contact, step, rules)
    return replace(contact, proof=step.id) if shows else contact


def _shows(before: Contact, contact: Contact, step: Step, rules: ContactRules) -> bool:
    if contact.outcome == ABANDONED != before.outcome or contact.reopened > before.reopened:
        return True
    if step.type == "feedback.given":
        return step.detail in contact.low
    spoke = step.value is not None and step.actor == CUSTOMER
    return spoke and contact.scored > before.scored and rules.negative.is_sad(step.value or 0, 1)


def is_negative(contact: Contact, rules: ContactRules) -> bool:
    """Did it turn out badly so far?"""
    limits = rules.negative
    return (
        bool(contact.low)
        or (limits.abandoned and contact.outcome == ABANDONED)
        or (limits.reopened and contact.reopened > 0)
        or is_angry(contact, rules)
    )


def is_angry(contact: Contact, rules: ContactRules) -> bool:
    """By the mean of the customer's messages."""
    return rules.negative.is_sad(contact.scored_milli, contact.scored)


def resumed(part: Contact, earlier: Contact, at: int, rules: ContactRules) -> Contact:
    """Another part of a contact, which begins at a time (ms): it counts as one more if it makes bad what was not."""
    if not (earlier.product or earlier.topic):
        return part
    return replace(part, resumed=(at, is_negative(earlier, rules)))


def verdict(contact: Contact, rules: ContactRules) -> Verdict | None:
    """How it counts; None = it is not over, says nothing of what it is about, or counts already. What it is when it is
    parted is what it was when it was closed.
    """
    if not (contact.product or contact.topic):
        return None
    if contact.resumed is not None:
        began, was = contact.resumed
        return (
            Verdict(began, True, contact.proof, _subjects(contact)) if not was and is_negative(contact, rules) else None
        )
    over = contact.ended if contact.parted is None else contact.parted
    return None if over is None else Verdict(over, is_negative(contact, rules), contact.proof, _subjects(contact))


def _subjects(contact: Contact) -> tuple[tuple[str, str], ...]:
    named = (("product", contact.product), ("topic", contact.topic))
    return tuple([(kind, name) for kind, name in named if name])
