"""The fold of one contact: ``take`` makes a new contact of a contact and its next step, in event order.

What counts in a KPI is noted as *marks*, in the order in which it happened; ``streams.customers.facts`` makes facts of
them.
"""

from collections.abc import Callable

from msgspec.structs import replace

from streams.contacts import conversation, lifecycle, messages, verdicts
from streams.contacts.acts import is_his, with_act
from streams.contacts.contact import (
    ABOUT,
    MANY_MARKS,
    MAX_CASES,
    MAX_LABELS,
    MAX_SAID,
    Contact,
    taken_up,
    trouble,
)
from streams.contacts.lifecycle import END, Move, Verdict
from streams.contacts.rules import ContactRules
from streams.contacts.service import NO_ANSWER, WATCHED, served
from streams.contacts.standing import with_turn
from streams.contacts.steps import AGENT, Step
from streams.contacts.triggers import trigger


def judge(contact: Contact, step: Step) -> Move:
    """What the step does to the contact's state."""
    return lifecycle.move(contact.state, trigger(contact, step))


def take(contact: Contact, step: Step, rules: ContactRules, move: Move | None = None) -> Contact:
    """The contact after the step, which must not lie before any step taken. An illegal step only counts as a sign of
    life."""
    state, verdict = move or judge(contact, step)
    if verdict is Verdict.ILLEGAL:
        return replace(contact, last=step.time, alive=None, only_told=False)
    before = contact
    if contact.state == END != state:
        contact = conversation.reopen(contact, step.time)
    about = step.type in ABOUT
    alive = contact.alive if about else None
    # What is told of one that is over belongs to it as it was.
    over = contact.state == END == state or alive is not None
    queue, tier, said = _labels_of(contact) if over else _labels(contact, step)
    contact = replace(
        contact,
        last=step.time,
        alive=alive,
        only_told=contact.only_told and about,
        known=step.time if contact.known is None and step.named else contact.known,
        first_queue=queue,
        tier=tier,
        said=said,
        acts=with_act(contact.acts, step.time) if is_his(step, contact.channel, contact.ours) else contact.acts,
    )
    if step.case or step.topic or step.intent or step.product:
        contact = _about(contact, step, over)
    if step.agent_group is not None and step.agent_group != contact.agent_group and _may_move(contact):
        contact = replace(contact, agent_group=step.agent_group)
    wish = step.wish
    if wish is not None and wish in rules.intents and not over:
        contact = _wants(contact, wish, step.time, rules)
    handle = _HANDLERS.get(step.type)
    if handle is not None:
        contact = handle(contact, step, rules)
    answers = contact.answered is not None and before.answered is None
    if answers or (step.word is not None and step.actor == AGENT) or step.type in WATCHED or step.type in rules.checked:
        answered = (before.asked, contact.answered) if answers else NO_ANSWER
        service = served(contact.service, step, answered, rules)
        contact = contact if service is contact.service else replace(contact, service=service)
    if contact.product or contact.topic:
        contact = verdicts.heard(before, contact, step, rules)
    return with_turn(before, contact if state == contact.state else replace(contact, state=state), step.time)


def _wants(contact: Contact, intent: str, at: int, rules: ContactRules) -> Contact:
    """What the customer wants is noted once for each intent."""
    if any(intent == each for each, _ in contact.intents):
        return contact
    intents = (*contact.intents, (intent, at))
    kind = rules.kind_of([each for each, _ in intents]) if _may_move(contact) else contact.kind
    return replace(contact, intents=intents, kind=kind)


def _may_move(contact: Contact) -> bool:
    """Whether it may count elsewhere from now on: of one with many marks that counts them all anew."""
    return len(contact.marks) <= MANY_MARKS


Labels = tuple[str | None, str | None, tuple[tuple[int, str], ...]]
"""``first_queue``, ``tier`` and ``said`` of a contact."""


def _labels_of(contact: Contact) -> Labels:
    return contact.first_queue, contact.tier, contact.said


def _labels(contact: Contact, step: Step) -> Labels:
    """With the queue and the tier that the step names."""
    queue, tier, said = _labels_of(contact)
    if queue is None:
        queue = step.queue
    if step.tier is None or step.tier == (said[-1][1] if said else tier):
        return queue, tier, said
    fixed = len(contact.marks) > MANY_MARKS and len(said) >= MAX_LABELS
    return queue, tier if fixed else step.tier, (*said, (step.time, step.tier))[-MAX_SAID:]


def _about(contact: Contact, step: Step, over: bool) -> Contact:
    """With what the step says it is about: a case and a product at any time, topic and intent as long as it goes
    on.
    """
    cases = contact.cases
    if step.case and step.case not in cases:
        cases = (*cases, step.case)[:MAX_CASES]
    topic, intent = contact.topic, contact.intent
    if not over:
        topic, intent = step.topic or topic, step.intent or intent
    return replace(contact, cases=cases, topic=topic, intent=intent, product=step.product or contact.product)


def close_idle(contact: Contact, at: int, rules: ContactRules) -> Contact:
    """The contact closed because nothing was heard of it until ``at``; talk ends with the last sign of life."""
    contact = conversation.release(contact, contact.heard)
    return replace(conversation.close(contact, at, "system", "timeout", rules), state=END, timed_out=True)


def _search_failed(contact: Contact, step: Step, rules: ContactRules) -> Contact:
    return trouble(replace(contact, failed=contact.failed + 1), "search failed", step.time, rules)


def _case_reopened(contact: Contact, step: Step, rules: ContactRules) -> Contact:
    return replace(trouble(taken_up(contact, step.time), "case reopened", step.time, rules), case_said="reopened")


def _case_opened(contact: Contact, step: Step, rules: ContactRules) -> Contact:
    return replace(contact, case_said="opened")


def _case_solved(contact: Contact, step: Step, rules: ContactRules) -> Contact:
    return replace(messages.solved(contact, step, rules), case_said="solved")


_HANDLERS: dict[str, Callable[[Contact, Step, ContactRules], Contact]] = {
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
    "case.opened": _case_opened,
    "case.solved": _case_solved,
    "case.reopened": _case_reopened,
}
"""What each type does beyond moving the state; a type that is not named here does nothing more."""
