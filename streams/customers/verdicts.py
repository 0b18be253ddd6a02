"""How a contact left its customer, as far as it says so: what a silence that follows it means."""

from typing import NamedTuple

from streams.contacts import surveys
from streams.contacts.contact import ABANDONED, ANSWERED, CONTAINED, Contact
from streams.contacts.rules import ContactRules
from streams.contacts.verdicts import is_angry

GOOD, BAD, UNKNOWN = VERDICTS = "good", "bad", "unknown"
GOOD_SURVEY = 0.75
"""From this part of its scale on an answer is good: 4 of 5, 8 of 10."""
PLEASED = 200
"""Mean sentiment of a contact's messages (thousandths): at or above."""


class Verdict(NamedTuple):
    """``good``, ``bad`` or ``unknown``, and why, as a word of the topic ``customer.quiet``."""

    verdict: str
    reason: str


def verdict_of(contact: Contact, rules: ContactRules) -> Verdict:
    """What is bad counts before what is good; of each the customer's own words first."""
    return _bad(contact, rules) or _good(contact, rules)


def _bad(contact: Contact, rules: ContactRules) -> Verdict | None:
    if any(mark.fact == "feedback" and surveys.is_low(mark.variant, mark.value, rules) for mark in contact.marks):
        return Verdict(BAD, "bad-survey")
    if is_angry(contact, rules):
        return Verdict(BAD, "angry")
    if contact.outcome == ABANDONED:
        return Verdict(BAD, "abandoned")
    if contact.case_said in ("opened", "reopened"):
        return Verdict(BAD, "unsolved")
    # The last word of who was answered, or served by a bot, is often a thank-you.
    unheard = contact.unheard and contact.outcome != ANSWERED and not contact.served
    return Verdict(BAD, "unanswered") if unheard else None


def _good(contact: Contact, rules: ContactRules) -> Verdict:
    if contact.case_said == "solved":
        return Verdict(GOOD, "solved")
    given = [surveys.part(mark.variant, mark.value, rules) for mark in contact.marks if mark.fact == "feedback"]
    pleased = contact.scored > 0 and contact.scored_milli >= PLEASED * contact.scored
    if pleased or any(part is not None and part >= GOOD_SURVEY for part in given):
        return Verdict(GOOD, "content")
    if contact.outcome == CONTAINED:
        return Verdict(GOOD, "self-served")
    if contact.outcome == ANSWERED:
        return Verdict(GOOD, "answered")
    return Verdict(UNKNOWN, "nothing-said")
