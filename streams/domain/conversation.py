"""What waiting, talking and ending make of a contact: queue legs, the times of humans, the outcome.

A queue leg ends *answered* (a human), *abandoned* (the customer's own act) or *flow_out* (anything else). A contact is
*offered* when it asked for a human: connected to one, or gone without one from a queue or, by the customer's own act,
from a live channel.
"""

from msgspec.structs import replace

from streams.domain.contact_state import (
    ABANDONED,
    ANSWERED,
    CONTAINED,
    FLOW_OUT,
    MAX_LEGS,
    OPEN,
    Contact,
    Leg,
    Mark,
    trigger,
    trouble,
)
from streams.domain.policy import LIVE_CHANNELS, WITHOUT_ABANDONMENT, Rules
from streams.domain.steps import CUSTOMER, HUMAN, Step

FLOW_OUT_REASONS = frozenset({"callback", "voicemail", "transferred", "timeout"})


def queued(contact: Contact, step: Step, rules: Rules) -> Contact:
    queue = step.queue or "none"
    waiting = contact.waiting
    if waiting is not None and waiting.queue == queue:
        return contact
    contact = leave(release(contact, step.time), step.time, FLOW_OUT, rules)
    leg = Leg(f"{contact.id}/{step.time}-{step.id}", queue, step.time)
    return replace(
        contact,
        legs=(*contact.legs, leg)[-MAX_LEGS:],
        marks=(*contact.marks, Mark("leg_opened", leg.id, step.time, queue)),
    )


def leave(contact: Contact, at: int, outcome: str, rules: Rules) -> Contact:
    """The open leg, if any, is over."""
    leg = contact.waiting
    if leg is None:
        return contact
    closed = replace(leg, left=at, outcome=outcome)
    contact = replace(
        contact,
        legs=(*contact.legs[:-1], closed),
        wait_ms=contact.wait_ms + (at - leg.entered if contact.outcome == OPEN else 0),
        marks=(*contact.marks, Mark("leg_closed", leg.id, at, leg.queue, outcome, entered=leg.entered)),
    )
    return trouble(contact, ABANDONED, at, rules) if outcome == ABANDONED else contact


def transferred(contact: Contact, step: Step, rules: Rules) -> Contact:
    if step.detail != "warm":
        contact = release(contact, step.time)
    contact = leave(contact, step.time, FLOW_OUT, rules)
    return trouble(replace(contact, transfers=contact.transfers + 1), "transferred", step.time, rules)


def callback_requested(contact: Contact, step: Step, rules: Rules) -> Contact:
    return leave(contact, step.time, FLOW_OUT, rules)


def release(contact: Contact, at: int) -> Contact:
    """The human, if any, no longer has the contact."""
    if contact.talking is None and contact.holding is None:
        return contact
    return replace(
        contact,
        talk_ms=contact.talk_ms + (0 if contact.talking is None else at - contact.talking),
        hold_ms=contact.hold_ms + (0 if contact.holding is None else at - contact.holding),
        talking=None,
        holding=None,
        released=at,
    )


def connected(contact: Contact, step: Step, rules: Rules) -> Contact:
    if step.actor != HUMAN:
        return contact
    contact = leave(release(contact, step.time), step.time, ANSWERED, rules)
    contact = replace(contact, talking=step.time, agent=step.agent or contact.agent)
    if contact.answered is not None:
        return contact
    contact = replace(contact, answered=step.time, outcome=ANSWERED)
    return _offered(contact, ANSWERED, step.time)


def _offered(contact: Contact, outcome: str, at: int) -> Contact:
    """It asked for human service, and this is what came of it; a contact that our side opened asked for nothing."""
    if contact.ours:
        return contact
    mark = Mark("contact_offered", contact.id, at, contact.queue, outcome, value=contact.wait_ms)
    return replace(contact, marks=(*contact.marks, mark))


def held(contact: Contact, step: Step, rules: Rules) -> Contact:
    if contact.talking is None:
        return contact
    return replace(contact, talk_ms=contact.talk_ms + step.time - contact.talking, talking=None, holding=step.time)


def resumed(contact: Contact, step: Step, rules: Rules) -> Contact:
    if contact.holding is None:
        return contact
    return replace(contact, hold_ms=contact.hold_ms + step.time - contact.holding, holding=None, talking=step.time)


def wrapped_up(contact: Contact, step: Step, rules: Rules) -> Contact:
    if trigger(contact, step) == "contact.wrapped_up":
        contact = release(contact, step.time)
    since = None if contact.talking is not None or contact.holding is not None else contact.released
    wrap_ms = step.value if step.value is not None else 0 if since is None else step.time - since
    contact = replace(contact, wrap_ms=contact.wrap_ms + wrap_ms, wrapped=step.time)
    return _handled(contact) if contact.ended is not None else contact


def _handled(contact: Contact) -> Contact:
    """Note that a human has dealt with the contact, in place of an earlier note."""
    if contact.answered is None or contact.ended is None:
        return contact
    handled = Mark(
        "contact_handled",
        contact.id,
        max(contact.ended, contact.wrapped or 0),
        contact.queue,
        talk_ms=contact.talk_ms,
        hold_ms=contact.hold_ms,
        wrap_ms=contact.wrap_ms,
    )
    return replace(contact, marks=(*(mark for mark in contact.marks if mark.fact != handled.fact), handled))


def ended(contact: Contact, step: Step, rules: Rules) -> Contact:
    if contact.ended is not None:
        return contact
    return close(contact, step.time, step.actor or "system", step.detail or "completed", rules)


def close(contact: Contact, at: int, by: str, reason: str, rules: Rules) -> Contact:
    """The contact is over. ``by`` and ``reason`` as in ``contact.ended``."""
    outcome, waited = _outcome(contact, by, reason), contact.waiting is not None
    contact = leave(release(contact, at), at, ABANDONED if _gives_up(contact, by, reason) else FLOW_OUT, rules)
    if contact.outcome == OPEN:
        contact = replace(contact, outcome=ANSWERED if outcome == CONTAINED and contact.replied else outcome)
        if outcome != CONTAINED:
            contact = _offered(contact, outcome, at)
        if outcome == ABANDONED and not waited:
            contact = trouble(contact, ABANDONED, at, rules)
    return _handled(replace(contact, ended=at))


def _gives_up(contact: Contact, by: str, reason: str) -> bool:
    """Whether an end like this, while waiting, is the customer's own act."""
    if contact.channel in WITHOUT_ABANDONMENT or reason == "self-served" or reason in FLOW_OUT_REASONS:
        return False
    return reason == ABANDONED or by == CUSTOMER


def _outcome(contact: Contact, by: str, reason: str) -> str:
    """How a contact comes out that was never connected to a human."""
    if reason == "self-served":
        return CONTAINED
    waited = FLOW_OUT if contact.legs else CONTAINED
    if contact.state == "callback" or not _gives_up(contact, by, reason):
        return waited
    return ABANDONED if reason == ABANDONED or contact.channel in LIVE_CHANNELS or contact.waiting else waited
