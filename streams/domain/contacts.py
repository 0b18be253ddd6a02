"""The fold of one contact: ``take`` makes a new contact of a contact and its next step, in event order.

What counts in a KPI is noted as *marks*, in the order in which it happened; ``streams.domain.facts`` makes facts of
them.
"""

from collections.abc import Callable

from msgspec.structs import replace

from streams.domain import conversation, lifecycle, messages
from streams.domain.contact_state import ABOUT, MANY_MARKS, MAX_LABELS, MAX_SAID, Contact, trigger, trouble
from streams.domain.lifecycle import END, Move, Verdict
from streams.domain.policy import Rules
from streams.domain.steps import Step


def judge(contact: Contact, step: Step) -> Move:
    """What the step does to the contact's state."""
    return lifecycle.move(contact.state, trigger(contact, step))


def take(contact: Contact, step: Step, rules: Rules, move: Move | None = None) -> Contact:
    """The contact after the step, which must not lie before any step taken. An illegal step only counts as a sign of
    life."""
    state, verdict = move or judge(contact, step)
    if verdict is Verdict.ILLEGAL:
        return replace(contact, last=step.time, alive=None, only_told=False)
    if contact.state == END != state:
        contact = conversation.reopen(contact, step.time)
    if step.named and contact.known is None:
        contact = replace(contact, known=step.time)
    about = step.type in ABOUT
    contact = replace(
        contact, last=step.time, alive=contact.alive if about else None, only_told=contact.only_told and about
    )
    if not (contact.state == END == state or contact.alive is not None):
        contact = _labelled(contact, step)  # what is told of one that is over belongs to it as it was
    handle = _HANDLERS.get(step.type)
    if handle is not None:
        contact = handle(contact, step, rules)
    return contact if state == contact.state else replace(contact, state=state)


def _labelled(contact: Contact, step: Step) -> Contact:
    """With the queue and the tier that the step names."""
    if contact.first_queue is None and step.queue is not None:
        contact = replace(contact, first_queue=step.queue)
    if step.tier is not None and step.tier != (contact.said[-1][1] if contact.said else contact.tier):
        fixed = len(contact.marks) > MANY_MARKS and len(contact.said) >= MAX_LABELS
        said = (*contact.said, (step.time, step.tier))[-MAX_SAID:]
        contact = replace(contact, tier=contact.tier if fixed else step.tier, said=said)
    return contact


def close_idle(contact: Contact, at: int, rules: Rules) -> Contact:
    """The contact closed because nothing was heard of it until ``at``; talk ends with the last sign of life."""
    contact = conversation.release(contact, contact.heard)
    return replace(conversation.close(contact, at, "system", "timeout", rules), state=END, timed_out=True)


def _search_failed(contact: Contact, step: Step, rules: Rules) -> Contact:
    return trouble(contact, "search failed", step.time, rules)


def _case_reopened(contact: Contact, step: Step, rules: Rules) -> Contact:
    return trouble(contact, "case reopened", step.time, rules)


_HANDLERS: dict[str, Callable[[Contact, Step, Rules], Contact]] = {
    "contact.initiated": messages.initiated,
    "contact.queued": conversation.queued,
    "contact.offered": conversation.offered,
    "contact.missed": conversation.offered,
    "contact.left_queue": conversation.left_queue,
    "contact.turned_away": conversation.turned_away,
    "contact.connected": conversation.connected,
    "contact.held": conversation.held,
    "contact.resumed": conversation.resumed,
    "contact.transferred": conversation.transferred,
    "contact.handed_off": messages.handed_off,
    "contact.callback_requested": conversation.callback_requested,
    "contact.wrapped_up": conversation.wrapped_up,
    "contact.ended": conversation.ended,
    "message.sent": messages.wrote,
    "post.made": messages.wrote,
    "post.answered": messages.wrote,
    "feedback.given": messages.rated,
    "search.failed": _search_failed,
    "case.solved": messages.solved,
    "case.reopened": _case_reopened,
}
"""What each type does beyond moving the state; a type that is not named here does nothing more."""
