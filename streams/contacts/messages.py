"""What messages, posts and ratings make of a contact: its answer in writing, its sentiment, its response times, its
feedback.

A response time runs from the customer's message to a reply, through idle time. The *first* responses run from the
first message of the asking in which they come: what was written before an end, or before the matter was solved, is
another asking, and the hours in between are nobody's waiting. Every further reply of a human has the time since the
oldest message that nobody had replied to (``next_response``).
"""

from msgspec.structs import replace

from streams.base import decay
from streams.base.channels import SPOKEN
from streams.contacts import conversation, surveys, trend
from streams.contacts.askings import FROM_START, asks_anew
from streams.contacts.contact import CONTAINED, Contact, Mark, one_each, solved_at, taken_up
from streams.contacts.lifecycle import START
from streams.contacts.rules import ContactRules
from streams.contacts.steps import AGENT, CUSTOMER, Step

_BOT = "bot"
_ANY, _FROM_START, _FROM_HANDOFF, _AFTER_REOPEN = "any", FROM_START, "human_from_handoff", "after_reopen"


def wrote(contact: Contact, step: Step, rules: ContactRules) -> Contact:
    """A message: the customer asks, or somebody replies. Where speech is, replies are not counted."""
    contact = replace(contact, messages=contact.messages + 1)
    if step.actor == CUSTOMER:
        return _customer_wrote(contact, step, rules) if step.type != "post.answered" else contact
    if step.actor not in (AGENT, _BOT) or contact.channel in SPOKEN:
        return contact
    if step.actor == _BOT:
        return _responded(_heard(conversation.served_by(contact, _BOT), step), step)
    answers = _answers(contact)
    contact = _heard(contact, step)
    if answers:
        contact = conversation.answer(contact, step, rules)
    elif contact.ended is None:
        contact = replace(contact, wants_human=True)
    return _responded(contact, step)


def _heard(contact: Contact, step: Step) -> Contact:
    """The customer's last message has a reply."""
    if not contact.unheard and contact.turned is not None:
        return contact
    return replace(contact, unheard=False, turned=step.time)


def _answers(contact: Contact) -> bool:
    """Does a human's message answer it? After an end, too, where the customer's last words had no reply; but not one
    that a bot had served."""
    if contact.ended is None:
        return contact.asked is not None or contact.waiting is not None
    return contact.unanswered is not None and (contact.unheard or contact.outcome != CONTAINED)


def _customer_wrote(contact: Contact, step: Step, rules: ContactRules) -> Contact:
    if contact.solved:
        since = step.time if contact.solved_at is None else contact.solved_at
        contact = asks_anew(taken_up(contact, step.time), since, "solved")
    if contact.asked is None or contact.unanswered is None or not contact.unheard:
        asked = step.time if contact.asked is None else contact.asked
        turned = contact.turned if contact.unheard else step.time
        contact = replace(contact, asked=asked, unanswered=contact.unanswered or step.time, unheard=True, turned=turned)
    if step.value is None:
        return contact
    mark = Mark("sentiment", step.id, step.time, contact.queue, value=step.value, tier=contact.tier)
    return replace(
        contact,
        scored=contact.scored + 1,
        scored_milli=contact.scored_milli + step.value,
        mood=decay.add(contact.mood, step.value, step.time, rules.sentiment_half_life_ms),
        marks=(*contact.marks, mark),
        feelings=trend.felt(contact.feelings, (step.time - contact.started, step.value)),
    )


def _responded(contact: Contact, step: Step) -> Contact:
    """A reply of ours. Bots never count as humans."""
    asked, human = contact.asked, step.actor == AGENT
    if asked is None:
        return contact
    since = {_ANY: asked}
    if human:
        since |= {_FROM_START: asked}
        if contact.handed_off is not None:
            since |= {_FROM_HANDOFF: contact.handed_off}
    due = {variant: at for variant, at in since.items() if variant not in contact.responses}
    marks = [_response(contact, step, "first_response", variant, at) for variant, at in due.items()]
    if human and contact.asks_again:
        marks.append(_response(contact, step, "first_response", _AFTER_REOPEN, asked))
    if human and contact.unanswered is not None and (contact.asks_again or _FROM_START not in due):
        marks.append(_response(contact, step, "next_response", None, contact.unanswered))
    if not human and not marks:
        return contact
    return replace(
        contact,
        responses=(*contact.responses, *due),
        asks_again=contact.asks_again and not human,
        unanswered=None if human else contact.unanswered,
        marks=(*contact.marks, *marks),
    )


def _response(contact: Contact, step: Step, fact: str, variant: str | None, since: int) -> Mark:
    name = contact.id if fact == "first_response" and variant != _AFTER_REOPEN else f"{contact.id}/{step.id}"
    return Mark(fact, name, step.time, contact.queue, variant=variant, value=step.time - since)


def initiated(contact: Contact, step: Step, rules: ContactRules) -> Contact:
    """Who opened it, when that is the first thing that was heard of it."""
    if contact.opened or contact.reopened or contact.asked is not None or contact.state != START:
        return contact  # somebody had opened it before
    return replace(contact, opened=True, ours=step.actor != CUSTOMER or step.detail == "outbound")


def handed_off(contact: Contact, step: Step, rules: ContactRules) -> Contact:
    """A bot or menu gave it to humans: the first responses of humans may run from here."""
    return replace(contact, handed_off=step.time) if contact.handed_off is None else contact


def rated(contact: Contact, step: Step, rules: ContactRules) -> Contact:
    """One answer per metric: the last one."""
    name = f"{contact.id}/{step.detail}"
    value = surveys.answer(step, rules)
    mark = Mark("feedback", name, step.time, contact.queue, variant=step.detail, value=value)
    nps = contact.nps if step.detail != "nps" or value is None else (step.time, value, contact.queue)
    place = surveys.part(step.detail, value, rules)
    feelings = contact.feelings
    if place is not None:
        feelings = trend.felt(feelings, (step.time - contact.started, round(2000 * place) - 1000))
    low = _low(contact, step.detail, value, rules)
    return replace(contact, marks=one_each(contact.marks, mark), low=low, nps=nps, feelings=feelings)


def _low(contact: Contact, metric: str | None, value: int | None, rules: ContactRules) -> tuple[str, ...]:
    """The surveys whose last answer is a bad one."""
    others = tuple(each for each in contact.low if each != metric)
    return tuple(sorted((*others, metric))) if metric and surveys.is_low(metric, value, rules) else others


def solved(contact: Contact, step: Step, rules: ContactRules) -> Contact:
    """What the customer writes next is another asking."""
    contact = solved_at(contact, step.time) if contact.solved_at is None else contact
    return contact if contact.solved else replace(contact, solved=True)
