"""What messages, posts and ratings make of a contact: its sentiment, its first response times, its feedback."""

from msgspec.structs import replace

from streams.domain import decay
from streams.domain.contact_state import Contact, Mark
from streams.domain.policy import Rules
from streams.domain.steps import AGENT, CUSTOMER, Step

SPOKEN = frozenset({"voice", "in-person"})
"""No written replies: they have no first response time."""
_RESPONSES = ("any", "human_from_start", "human_from_handoff")


def wrote(contact: Contact, step: Step, rules: Rules) -> Contact:
    contact = replace(contact, messages=contact.messages + 1)
    if step.actor == CUSTOMER:
        return _customer_wrote(contact, step, rules) if step.type != "post.answered" else contact
    if step.actor == AGENT and not contact.replied:
        contact = replace(contact, replied=True)
    return contact if contact.channel in SPOKEN else _responded(contact, step)


def _customer_wrote(contact: Contact, step: Step, rules: Rules) -> Contact:
    if contact.asked is None:
        contact = replace(contact, asked=step.time)
    if step.value is None:
        return contact
    mark = Mark("sentiment", step.id, step.time, contact.queue, value=step.value, tier=contact.tier)
    return replace(
        contact,
        scored=contact.scored + 1,
        scored_milli=contact.scored_milli + step.value,
        mood=decay.add(contact.mood, step.value, step.time, rules.segments.sentiment_half_life_ms),
        marks=(*contact.marks, mark),
    )


def _responded(contact: Contact, step: Step) -> Contact:
    """A reply of ours: the first one of each kind has a response time. Bots never count as humans."""
    if step.actor not in (AGENT, "bot") or len(contact.responses) == len(_RESPONSES):
        return contact
    asked = contact.asked if contact.ours else contact.started
    since = {"any": asked, "human_from_start": asked, "human_from_handoff": contact.handed_off}
    due = [
        variant
        for variant in (_RESPONSES if step.actor == AGENT else _RESPONSES[:1])
        if variant not in contact.responses and since[variant] is not None
    ]
    if not due:
        return contact
    marks = tuple(
        Mark(
            "first_response",
            contact.id,
            step.time,
            contact.queue,
            variant=variant,
            value=step.time - (since[variant] or 0),
        )
        for variant in due
    )
    return replace(contact, responses=(*contact.responses, *due), marks=contact.marks + marks)


def initiated(contact: Contact, step: Step, rules: Rules) -> Contact:
    return replace(contact, ours=step.actor != CUSTOMER or step.detail == "outbound")


def handed_off(contact: Contact, step: Step, rules: Rules) -> Contact:
    return replace(contact, handed_off=step.time) if contact.handed_off is None else contact


def rated(contact: Contact, step: Step, rules: Rules) -> Contact:
    mark = Mark("feedback", step.id, step.time, contact.queue, variant=step.detail, value=step.value)
    return replace(contact, marks=(*contact.marks, mark))
