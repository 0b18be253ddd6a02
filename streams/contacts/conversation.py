"""What waiting, talking and ending make of a contact: queue legs, the times of humans, the outcome.

A queue leg ends *answered* (a human), *abandoned* (the customer's own act) or *flow_out* (anything else). A contact
*asked for a human* when it was queued, handed off, offered to an agent, or a human acted on it: then it is *offered*
(one that our side opened is not). One that asked for nobody is *contained*, or *left* when the customer went before
anything was done for it; a connector that knows better says ``reason: abandoned``.
"""

from msgspec.structs import replace

from streams.base.channels import LIVE_CHANNELS, MACHINES, WITHOUT_ABANDONMENT
from streams.contacts.askings import MAX_NOTED, asks_anew
from streams.contacts.contact import (
    ABANDONED,
    ANSWERED,
    AT_ONCE_MS,
    CONTAINED,
    FLOW_OUT,
    LEFT,
    MAX_LEGS,
    OPEN,
    Contact,
    Leg,
    Mark,
    one_each,
    solved_at,
    taken_up,
    trouble,
)
from streams.contacts.parts import reopened
from streams.contacts.rules import ContactRules
from streams.contacts.steps import AGENT, CUSTOMER, HUMAN, Step
from streams.contacts.triggers import took_before, trigger

FLOW_OUT_REASONS = frozenset({"callback", "voicemail", "transferred", "timeout"})


def queued(contact: Contact, step: Step, rules: ContactRules) -> Contact:
    """It waits in a queue: a stay of its own, but where it is said of the same stay again, or by a late clock."""
    queue = step.queue or "none"
    if took_before(contact, step):
        contact = _entered(contact, step, queue, contact.talking or step.time)
        return replace(leave(contact, contact.talking or step.time, ANSWERED, rules), unqueued=False)
    waiting = contact.waiting
    if waiting is not None and waiting.queue == queue and not _was_away(waiting, step):
        return contact
    contact = leave(contact if contact.warm else release(contact, step.time), step.time, FLOW_OUT, rules)
    return _entered(contact, step, queue, step.time)


def _was_away(leg: Leg, step: Step) -> bool:
    """Was the contact at an agent in between, who did not take it? A queue that says at once that the contact is back
    tells nothing new."""
    return leg.offered is not None and step.time - leg.offered >= AT_ONCE_MS


def _entered(contact: Contact, step: Step, queue: str, at: int) -> Contact:
    leg = Leg(f"{contact.id}/{step.time}-{step.id}", queue, at)
    return replace(
        contact,
        legs=(*contact.legs, leg)[-MAX_LEGS:],
        marks=(*contact.marks, Mark("leg_opened", leg.id, at, queue)),
    )


def offered(contact: Contact, step: Step, rules: ContactRules) -> Contact:
    """An agent is asked to take it, or did not."""
    leg = contact.waiting
    if leg is not None:
        return replace(contact, legs=(*contact.legs[:-1], replace(leg, offered=step.time)))
    return contact if contact.wants_human else replace(contact, wants_human=True)


def left_queue(contact: Contact, step: Step, rules: ContactRules) -> Contact:
    """It is in the queue no more, and goes on. Of another queue than the one in which it waits, the word is late."""
    if trigger(contact, step) != "contact.left_queue":
        return contact
    return replace(leave(contact, step.time, FLOW_OUT, rules), wants_human=True)


def turned_away(contact: Contact, step: Step, rules: ContactRules) -> Contact:
    """It asked for a queue and was not let in."""
    mark = Mark("turned_away", f"{contact.id}/{step.time}-{step.id}", step.time, step.queue, step.detail)
    return replace(contact, wants_human=True, marks=(*contact.marks, mark))


def leave(contact: Contact, at: int, outcome: str, rules: ContactRules) -> Contact:
    """The open leg, if any, is over."""
    leg = contact.waiting
    if leg is None:
        return contact
    closed = replace(leg, left=at, outcome=outcome)
    contact = replace(
        contact,
        legs=(*contact.legs[:-1], closed),
        wait_ms=contact.wait_ms + (at - leg.entered if contact.answered is None else 0),
        marks=(*contact.marks, Mark("leg_closed", leg.id, at, leg.queue, outcome, entered=leg.entered)),
    )
    return trouble(contact, ABANDONED, at, rules) if outcome == ABANDONED else contact


def transferred(contact: Contact, step: Step, rules: ContactRules) -> Contact:
    """It goes on to somebody else. A cold transfer lets go of the human at once, a warm one when another one has it."""
    if contact.ended is not None:
        return contact
    if step.detail != "warm":
        contact = release(contact, step.time)
    contact = leave(contact, step.time, FLOW_OUT, rules)
    warm = step.detail == "warm" and _has_human(contact)
    contact = replace(contact, transfers=contact.transfers + 1, warm=warm, wants_human=True)
    contact = replace(contact, moves=(*contact.moves, step.time)[-MAX_NOTED:])
    return trouble(contact, "transferred", step.time, rules)


def callback_requested(contact: Contact, step: Step, rules: ContactRules) -> Contact:
    """It waits to be called back, in no queue."""
    asked, before = (step.time, step.value, contact.queue), contact.callback
    if before is not None:
        one = (*before[:2], contact.called_back or step.time, contact.called_back is not None)
        contact = replace(contact, promised=(*contact.promised, one)[-MAX_NOTED:])
    return replace(leave(contact, step.time, FLOW_OUT, rules), wants_human=True, callback=asked, called_back=None)


def release(contact: Contact, at: int) -> Contact:
    """The human, if any, no longer has the contact."""
    if not _has_human(contact):
        return contact
    return replace(
        contact,
        warm=False,
        talk_ms=contact.talk_ms + (0 if contact.talking is None else at - contact.talking),
        hold_ms=contact.hold_ms + (0 if contact.holding is None else at - contact.holding),
        talking=None,
        holding=None,
        released=at,
    )


def _has_human(contact: Contact) -> bool:
    return contact.talking is not None or contact.holding is not None


def connected(contact: Contact, step: Step, rules: ContactRules) -> Contact:
    """A human has it, whose talk begins; anybody else serves it only."""
    if step.actor != HUMAN:
        return served_by(contact, step.actor or "")
    unqueued = contact.waiting is None and (contact.warm or not _has_human(contact))
    contact = answer(release(contact, step.time), step, rules)
    if contact.callback is not None and contact.called_back is None:
        contact = replace(contact, called_back=step.time)
    return replace(contact, talking=step.time, connected=True, unqueued=unqueued)


def served_by(contact: Contact, machine: str) -> Contact:
    """A bot (``bot``), or a menu (anything else), has it."""
    letter = "b" if machine == "bot" else "s"
    if contact.served and letter in contact.machines:
        return contact
    human_first = contact.human_first or (not contact.served and _asked(contact))
    machines = "".join(sorted({*contact.machines, letter}))
    return replace(contact, served=True, machines=machines, human_first=human_first)


def _asked(contact: Contact) -> bool:
    """It asked for a human so far, or one had it."""
    asked = contact.wants_human or contact.handed_off is not None or bool(contact.legs)
    return asked or contact.connected or contact.outcome == ANSWERED


def answer(contact: Contact, step: Step, rules: ContactRules) -> Contact:
    """A human took it, in person or by a message: that ends the wait."""
    contact, agent = leave(contact, step.time, ANSWERED, rules), step.agent or contact.agent
    if agent and contact.agent and agent != contact.agent:
        hands = (*(contact.hands or ((contact.started, contact.agent),)), (step.time, agent))
        contact = replace(contact, hands=hands[-MAX_NOTED:])
    if contact.outcome == ANSWERED:
        return contact if agent == contact.agent else replace(contact, agent=agent)
    return _offered(replace(contact, agent=agent, outcome=ANSWERED, answered=step.time), ANSWERED, step.time)


def _offered(contact: Contact, outcome: str, at: int) -> Contact:
    """It asked for human service, and this is what came of it: the first outcome, but an answer whenever it comes. A
    contact that our side opened asked for nothing."""
    if contact.ours or (contact.offered and outcome != ANSWERED):
        return contact
    mark = Mark("contact_offered", contact.id, at, contact.queue, outcome, value=contact.wait_ms)
    return replace(contact, offered=True, marks=one_each(contact.marks, mark))


def _summed_up(contact: Contact, step: Step) -> Contact:
    """With the sums of talk and hold that a provider gives of an answered contact; they rule where no hold was told."""
    if (step.talk_ms is None and step.hold_ms is None) or contact.hold_ms > contact.summed_hold_ms:
        return contact
    if not contact.connected and contact.outcome != ANSWERED:
        return contact
    hold_ms = contact.hold_ms if step.hold_ms is None else step.hold_ms
    talk_ms = max(0, contact.talk_ms + contact.hold_ms - hold_ms) if step.talk_ms is None else step.talk_ms
    met = contact.connected or talk_ms + hold_ms > 0
    return replace(contact, connected=met, talk_ms=talk_ms, hold_ms=hold_ms, summed_hold_ms=hold_ms)


def held(contact: Contact, step: Step, rules: ContactRules) -> Contact:
    """The talk stops, and the hold begins."""
    if contact.talking is None:
        return contact
    return replace(contact, talk_ms=contact.talk_ms + step.time - contact.talking, talking=None, holding=step.time)


def resumed(contact: Contact, step: Step, rules: ContactRules) -> Contact:
    """The hold stops, and the talk goes on."""
    if contact.holding is None:
        return contact
    return replace(contact, hold_ms=contact.hold_ms + step.time - contact.holding, holding=None, talking=step.time)


def wrapped_up(contact: Contact, step: Step, rules: ContactRules) -> Contact:
    """The work after the talk is done: as long as it is said to be, else since the human let go of it."""
    if trigger(contact, step) == "contact.wrapped_up":
        since = contact.talking if contact.holding is None else contact.holding
        # Told when it is done: the talk ended before it.
        contact = release(contact, max(since or 0, step.time - (step.value or 0)))
    since = None if _has_human(contact) else contact.released
    contact = _summed_up(contact, step)
    wrap_ms = step.value if step.value is not None else 0 if since is None else step.time - since
    contact = replace(contact, wrap_ms=contact.wrap_ms + wrap_ms)
    return replace(contact, wants_human=True) if contact.ended is None else _handled(contact)


def _handled(contact: Contact) -> Contact:
    """Note that a human has dealt with the contact, in place of an earlier note."""
    if not contact.connected or contact.ended is None:
        return contact
    handled = Mark(
        "contact_handled",
        contact.id,
        contact.ended,
        contact.queue,
        talk_ms=contact.talk_ms,
        value=contact.transfers or None,
        hold_ms=contact.hold_ms,
        wrap_ms=contact.wrap_ms,
    )
    return replace(contact, marks=one_each(contact.marks, handled))


def ended(contact: Contact, step: Step, rules: ContactRules) -> Contact:
    """It is over, the first time that this is said."""
    if contact.ended is not None:
        return contact
    contact = _summed_up(release(contact, step.time), step)
    return close(contact, step.time, step.actor or "system", step.detail or "completed", rules)


def close(contact: Contact, at: int, by: str, reason: str, rules: ContactRules) -> Contact:
    """The contact is over. ``by`` and ``reason`` as in ``contact.ended``."""
    outcome, waited = _outcome(contact, by, reason), contact.waiting is not None
    contact = leave(release(contact, at), at, ABANDONED if _gives_up(contact, by, reason) else FLOW_OUT, rules)
    if contact.only_told:
        contact = replace(contact, outcome=CONTAINED)
    elif contact.outcome == OPEN:
        contact = replace(contact, outcome=outcome)
        if outcome in (CONTAINED, LEFT):
            mark = Mark("contact_unasked", contact.id, at, contact.queue, outcome)
            contact = contact if contact.ours else replace(contact, marks=one_each(contact.marks, mark))
        else:
            contact = _offered(contact, outcome, at)
        if outcome == ABANDONED and not waited:
            contact = trouble(contact, ABANDONED, at, rules)
    return _handled(_by_machine(replace(contact, ended=at), at))


def _by_machine(contact: Contact, at: int) -> Contact:
    """Note how one that a menu or a bot had first came out, in place of an earlier note."""
    if contact.human_first or contact.ours or contact.only_told:
        return contact
    if not contact.served and contact.channel not in MACHINES:
        return contact
    outcome = CONTAINED if contact.outcome == CONTAINED else None
    mark = Mark("contact_by_machine", contact.id, at, contact.queue, outcome)
    return replace(contact, marks=one_each(contact.marks, mark))


def reopen(contact: Contact, at: int) -> Contact:
    """It goes on after its end. One that had asked for nobody may still ask; what came of any other stays."""
    outcome, well = OPEN if contact.outcome in (CONTAINED, LEFT) else contact.outcome, contact.served_well
    ended, before = contact.ended or at, contact.outcome
    if well is not None:
        contact = solved_at(contact, well)
    pauses = (*contact.pauses, (ended, at, before))[-MAX_NOTED:]
    contact = replace(taken_up(contact, at), ended=None, timed_out=False, outcome=outcome, pauses=pauses)
    return reopened(asks_anew(contact, ended, before), at)


def idled(contact: Contact, at: int) -> Contact:
    """It was taken for over at a moment while it waited, and goes on."""
    leg = contact.waiting
    if leg is None or leg.idle is not None:
        return contact
    return replace(contact, legs=(*contact.legs[:-1], replace(leg, idle=at)))


def _gives_up(contact: Contact, by: str, reason: str) -> bool:
    """Whether an end like this, while waiting, is the customer's own act."""
    if contact.channel in WITHOUT_ABANDONMENT or reason == "self-served" or reason in FLOW_OUT_REASONS:
        return False
    return reason == ABANDONED or by == CUSTOMER


def _outcome(contact: Contact, by: str, reason: str) -> str:
    """How a contact comes out that no human answered."""
    if contact.legs or contact.wants_human or contact.handed_off is not None or by == AGENT:
        return _unanswered(contact, by, reason)
    if reason == ABANDONED and contact.channel not in WITHOUT_ABANDONMENT:
        return ABANDONED
    went = by == CUSTOMER and reason != "self-served" and (not contact.served or contact.unheard)
    return LEFT if went else CONTAINED


def _unanswered(contact: Contact, by: str, reason: str) -> str:
    """Of one that had asked for a human."""
    if reason == "self-served":
        return CONTAINED
    if contact.state == "callback" or not _gives_up(contact, by, reason):
        return FLOW_OUT
    if reason == ABANDONED or contact.waiting is not None:
        return ABANDONED
    return ABANDONED if contact.channel in LIVE_CHANNELS else FLOW_OUT
