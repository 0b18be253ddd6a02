"""How a contact left its customer, as far as it says so: what a silence that follows it means."""

from typing import NamedTuple

from streams.contacts.contact import ABANDONED, ANSWERED, CONTAINED, Contact, Mark

GOOD, BAD, UNKNOWN = VERDICTS = "good", "bad", "unknown"
BAD_SURVEY = {"csat": (1, 5, 0.25), "nps": (0, 10, 0.6), "ces": (1, 7, 0.34)}
"""Metric → scale, and up to which part of it an answer is bad: 1 and 2 of 5; detractors; 1 to 3 of 7."""
GOOD_SURVEY = 0.75
"""From this part of its scale on an answer is good: 4 of 5, 8 of 10."""
ANGRY, PLEASED = -300, 200
"""Mean sentiment of a contact's messages (thousandths): at or below, at or above."""


class Verdict(NamedTuple):
    """``good``, ``bad`` or ``unknown``, and why, as a word of the topic ``customer.quiet``."""

    verdict: str
    reason: str


def verdict_of(contact: Contact, csat_scale: tuple[int, int]) -> Verdict:
    """What is bad counts before what is good; of each the customer's own words first."""
    answers = [part for mark in contact.marks if (part := survey_part(mark, csat_scale)) is not None]
    mood = contact.scored_milli / contact.scored if contact.scored else None
    return _bad(contact, answers, mood) or _good(contact, answers, mood)


def _bad(contact: Contact, answers: list[tuple[str, float]], mood: float | None) -> Verdict | None:
    if any(part <= BAD_SURVEY[metric][2] for metric, part in answers):
        return Verdict(BAD, "bad-survey")
    if mood is not None and mood <= ANGRY:
        return Verdict(BAD, "angry")
    if contact.outcome == ABANDONED:
        return Verdict(BAD, "abandoned")
    if contact.case_said in ("opened", "reopened"):
        return Verdict(BAD, "unsolved")
    # The last word of who was answered, or served by a bot, is often a thank-you.
    unheard = contact.unheard and contact.outcome != ANSWERED and not contact.served
    return Verdict(BAD, "unanswered") if unheard else None


def _good(contact: Contact, answers: list[tuple[str, float]], mood: float | None) -> Verdict:
    if contact.case_said == "solved":
        return Verdict(GOOD, "solved")
    if any(part >= GOOD_SURVEY for _, part in answers) or (mood is not None and mood >= PLEASED):
        return Verdict(GOOD, "content")
    if contact.outcome == CONTAINED:
        return Verdict(GOOD, "self-served")
    if contact.outcome == ANSWERED:
        return Verdict(GOOD, "answered")
    return Verdict(UNKNOWN, "nothing-said")


def survey_part(mark: Mark, csat_scale: tuple[int, int]) -> tuple[str, float] | None:
    """An answer to a survey: metric, and its place between the ends of the scale, from 0 (worst) to 1."""
    if mark.fact != "feedback" or mark.value is None or mark.variant not in BAD_SURVEY:
        return None
    low, high, _ = BAD_SURVEY[mark.variant]
    if mark.variant == "csat":
        low, high = csat_scale
    return mark.variant, (mark.value / 1000 - low) / (high - low)
