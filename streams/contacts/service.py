"""How a contact was served, as far as its quality is scored by it: what agents were seen to do in their texts, holds,
promises, steps of the procedure. Names and numbers, no text.
"""

from collections.abc import Collection

import msgspec
from msgspec.structs import replace

from streams.base.times import MINUTE_MS
from streams.contacts.rules import ContactRules
from streams.contacts.steps import AGENT, HUMAN, Step

CALLBACK = "callback"
"""The promise that is made when a customer asks to be called back; the behaviour of that name is the same one."""
MAX_SEEN = 24
SOON_MS = 10 * MINUTE_MS
"""What an agent does within this of a promise is not its keeping yet, but the same talk."""
HELD, RESUMED, CONNECTED, SOLVED = "contact.held", "contact.resumed", "contact.connected", "case.solved"
REQUESTED = "contact.callback_requested"
WATCHED = frozenset({HELD, CONNECTED, SOLVED, REQUESTED})


class Seen(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A behaviour; times in ms."""

    name: str
    event: str
    """Id of the event that shows it first."""
    times: int
    last: int
    """When it was shown last."""
    kept: int | None = None
    """Of a promise: when we were heard of again in the contact."""
    due: int | None = None
    """Of a promise: by when it is to be kept, as it said itself."""


class Service(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Of a contact that a human served."""

    read: int = 0
    """Texts of human agents that were read."""
    seen: tuple[Seen, ...] = ()
    """In the order in which they were first shown."""
    held: int = 0
    """Holds that were told."""
    steps: tuple[tuple[str, str], ...] = ()
    """Event types that are steps of some queue, each with the id of the first one."""
    first_ms: int | None = None
    """From the customer's first message to the first answer."""


NOTHING = Service()
Answered = tuple[int | None, int | None]
NO_ANSWER: Answered = (None, None)


def served(known: Service | None, step: Step, answered: Answered, rules: ContactRules) -> Service | None:
    """With another step of the contact. ``answered``: when the customer first wrote and when a human answered, if this
    step is that answer.
    """
    service = known or NOTHING
    asked, at = answered
    if asked is not None and at is not None:
        service = replace(service, first_ms=max(0, at - asked))
    if step.type in rules.checked and all(step.type != each for each, _ in service.steps):
        service = replace(service, steps=(*service.steps, (step.type, step.id)))
    if step.type == HELD:
        service = replace(service, held=service.held + 1)
    by_human = step.actor == AGENT or (step.type == CONNECTED and step.actor == HUMAN) or step.type == SOLVED
    if by_human and service.seen:
        service = _kept(service, step, rules)
    shown = step.shown
    if shown is not None:
        service = replace(service, read=service.read + 1, seen=_with(service.seen, shown, step, rules.promises))
    if step.type == REQUESTED:
        service = replace(service, seen=_with(service.seen, (CALLBACK,), step, ()))
    return known if service == NOTHING else service


def _with(seen: tuple[Seen, ...], names: tuple[str, ...], step: Step, promises: Collection[str]) -> tuple[Seen, ...]:
    due = step.due
    for name in names:
        known = next((each for each in seen if each.name == name), None)
        if known is not None:
            again = replace(
                known, times=known.times + 1, last=step.time, kept=None, due=due if name in promises else None
            )
            seen = tuple(again if each is known else each for each in seen)
        elif len(seen) < MAX_SEEN:
            seen = (*seen, Seen(name, step.id, 1, step.time, due=due if name in promises else None))
    return seen


def _soon(promise: Seen) -> int:
    """Of one that is to be kept within minutes half of them."""
    return SOON_MS if promise.due is None else min(SOON_MS, (promise.due - promise.last) // 2)


def _kept(service: Service, step: Step, rules: ContactRules) -> Service:
    """A human was heard of again, or the matter is solved: that keeps what was promised before."""
    solved = step.type == SOLVED
    seen = tuple(
        replace(each, kept=step.time)
        if each.kept is None and each.name in rules.promises and step.time >= each.last + (0 if solved else _soon(each))
        else each
        for each in service.seen
    )
    return service if seen == service.seen else replace(service, seen=seen)
