"""What the transition table calls the steps of a contact."""

from streams.contacts.contact import TWO_CLOCKS_MS, Contact
from streams.contacts.steps import CUSTOMER, HUMAN, Step

WORDS = frozenset({"message.sent", "post.answered"})
"""Types that go on with an ended contact when the customer is their author."""


def trigger(contact: Contact, step: Step) -> str:
    """What the transition table calls this step."""
    if step.type == "contact.connected" and step.actor != HUMAN:
        return f"contact.connected:{step.actor}"
    if step.type == "contact.wrapped_up" and step.agent and contact.agent and step.agent != contact.agent:
        return "contact.wrapped_up:other"
    if step.type == "contact.queued" and took_before(contact, step):
        return "contact.queued:late"
    if step.type in WORDS and step.actor == CUSTOMER:
        return f"{step.type}:customer"
    if step.type == "contact.left_queue" and contact.waiting is not None and step.queue != contact.waiting.queue:
        return "contact.left_queue:other"
    return step.type


def took_before(contact: Contact, step: Step) -> bool:
    """Does a queue say that the contact entered after a human had taken it out of no queue, by another clock?"""
    return contact.talking is not None and contact.unqueued and step.time - contact.talking <= TWO_CLOCKS_MS
