"""A contact's events while their order can still change, and what they make of it.

``tail``: the events that may still get company, sorted; ``base``: the fold of those before (they are settled, nothing
earlier is taken any more); ``lives``: the fold of all. An event that comes in order is folded into the last life, any
other one refolds the tail, so the lives are a function of the set of events. A contact id that is used again, after its
contact ended by a new ``contact.initiated`` or after it was idle for its channel's timeout, begins another life:
another contact of the same name.
"""

from bisect import bisect_left
from collections.abc import Callable
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from streams.domain.contact_state import Contact, begin
from streams.domain.contacts import close_idle, judge, take
from streams.domain.lifecycle import END, Illegal, Verdict
from streams.domain.policy import Rules
from streams.domain.steps import Order, Step

MAX_TAIL = 1000
"""Events kept in case of late company; of a busier contact the earlier half settles at once."""
MAX_MARKS = 500
"""Marks kept of settled events; earlier ones can no longer be taken back when the contact changes owner."""

MANY_FACTS = 64
"""Facts of one event that are more than an event makes: it came out of order, or changed a label."""
MAX_RECOUNTS = 3
"""Times that a contact is counted anew with that many facts."""

Lives = tuple[Contact, ...]
NEVER = (-(2**62), 0, "", "")


class History(msgspec.Struct, frozen=True, omit_defaults=True):
    """One contact id on one channel."""

    id: str
    channel: str
    tail: tuple[Step, ...] = ()
    lives: Lives = ()
    base: Contact | None = None
    settled: Order = NEVER
    """Order of the last settled event: whatever is not behind it comes too late."""
    touched: int | None = None
    """Stream time when the last event arrived: a history that is sent again after a change of owner is judged only when
    stream time has moved on."""

    recounts: int = 0
    """Events that counted anew most of what was counted before."""

    @property
    def last(self) -> int:
        """Time of the latest event."""
        return self.lives[-1].last


class Arrival(NamedTuple):
    """A history after an event; ``taken`` False = it had come before, or comes too late (``late``)."""

    history: History
    taken: bool = True
    late: bool = False
    illegal: Illegal | None = None


def arrive(history: History, step: Step, now: int | None, rules: Rules) -> Arrival:
    """The history with one more event, wherever its place is."""
    order, tail = step.order, history.tail
    if order > (tail[-1].order if tail else history.settled):
        return _append(history, step, now, rules)
    if order <= history.settled:
        return Arrival(history, taken=False, late=order != history.settled)
    at = bisect_left(tail, order, key=lambda known: known.order)
    if tail[at].order == order:
        return Arrival(history, taken=False)
    lives = run(history, tail[:at], rules)
    contact = _next(lives, step, history, rules)
    move = judge(contact, step)  # judged once, at its place among those known now
    illegal = Illegal(history.id, contact.state, step.type) if move.verdict is Verdict.ILLEGAL else None
    lives = _go_on(_with(lives, contact, take(contact, step, rules, move), rules), history, tail[at:], rules)
    tail = (*tail[:at], step, *tail[at:])
    return Arrival(replace(history, tail=tail, lives=lives, touched=now), illegal=illegal)


def _append(history: History, step: Step, now: int | None, rules: Rules) -> Arrival:
    lives = history.lives
    if lives and lives[-1].timed_out and step.time <= lives[-1].last + rules.tracking.timeout_ms(history.channel):
        lives = run(history, history.tail, rules)  # the time-out was premature
    contact = _next(lives, step, history, rules)
    move = judge(contact, step)
    illegal = Illegal(history.id, contact.state, step.type) if move.verdict is Verdict.ILLEGAL else None
    lives = _with(lives, contact, take(contact, step, rules, move), rules)
    return Arrival(replace(history, tail=(*history.tail, step), lives=lives, touched=now), True, False, illegal)


def run(history: History, steps: tuple[Step, ...], rules: Rules) -> Lives:
    """The lives that sorted steps behind the base make; without steps the base alone."""
    return _go_on(() if history.base is None else (history.base,), history, steps, rules)


def _go_on(lives: Lives, history: History, steps: tuple[Step, ...], rules: Rules) -> Lives:
    """The lives after more steps."""
    for step in steps:
        contact = _next(lives, step, history, rules)
        lives = _with(lives, contact, take(contact, step, rules), rules)
    return lives


def _next(lives: Lives, step: Step, history: History, rules: Rules) -> Contact:
    """The contact the step belongs to, before the step: the last life, or the beginning of another."""
    if lives and not _begins_another(lives[-1], step, rules):
        return lives[-1]
    return begin(history.id, history.channel, step)


def _with(lives: Lives, before: Contact, after: Contact, rules: Rules) -> Lives:
    if not lives:
        return (after,)
    if lives[-1] is before:
        return (*lives[:-1], after)
    return (*lives[:-1], _finished(lives[-1], rules), after)


def _begins_another(contact: Contact, step: Step, rules: Rules) -> bool:
    if contact.state == END and step.type == "contact.initiated":
        return True
    return step.time - contact.last > rules.tracking.timeout_ms(contact.channel)


def _finished(contact: Contact, rules: Rules) -> Contact:
    """A contact that is proven to be over."""
    if contact.state == END:
        return contact
    return close_idle(contact, contact.last + rules.tracking.timeout_ms(contact.channel), rules)


def before(history: History, since: int, rules: Rules) -> History | None:
    """The history without its events from a time (ms) on that can still be taken back; None = nothing is left."""
    tail = tuple(step for step in history.tail if step.time < since)
    lives = run(history, tail, rules)
    if not lives:
        return None
    known = history.lives[: len(lives)]
    if known[-1].last == lives[-1].last:
        lives = known  # by now it may have timed out
    return replace(history, tail=tail, lives=lives)


# Time passes


def expire(history: History, now: int, rules: Rules) -> History:
    """The last life is closed when it has been idle for too long."""
    contact = history.lives[-1]
    if contact.state == END or now <= idle_at(history, rules):
        return history
    return replace(history, lives=(*history.lives[:-1], _finished(contact, rules)))


def close(history: History, rules: Rules) -> History:
    """The last life is closed now, at its last sign of life; the history no longer waits for company."""
    contact = history.lives[-1]
    ended = contact if contact.state == END else close_idle(contact, contact.last, rules)
    return replace(history, lives=(*history.lives[:-1], ended), touched=None)


def idle_at(history: History, rules: Rules) -> int:
    """The last life is over when stream time passes this."""
    return history.last + rules.tracking.timeout_ms(history.channel)


def settles_at(history: History, rules: Rules) -> int | None:
    """Events can be settled when stream time passes this; None = all are. All at once after a quiet lateness, else in
    portions."""
    if not history.tail:
        return None
    lateness_ms, touched = rules.tracking.lateness_ms, history.touched
    quiet = max(history.last, history.last if touched is None else touched) + lateness_ms
    return min(quiet, max(history.tail[0].time + 2 * lateness_ms, history.last if touched is None else touched))


def over_at(history: History, rules: Rules) -> int | None:
    """Nothing can be added to any life when stream time passes this; None = not to be said yet."""
    if history.tail or history.lives[-1].state != END:
        return None
    idle = idle_at(history, rules)
    return (idle if history.touched is None else max(idle, history.touched)) + rules.tracking.lateness_ms


def settle(history: History, up_to: int, rules: Rules) -> tuple[History, Lives]:
    """The events at or before a time become the base; also the lives that are complete by that, which are no longer
    kept here."""
    count = sum(1 for step in history.tail if step.time <= up_to)
    return _settle(history, count, rules) if count else (history, ())


def relieve(history: History, rules: Rules) -> tuple[History, Lives]:
    """Settle the earlier half of a tail that has grown too long; all of one that was counted anew too often, so that
    nothing is taken out of order any more."""
    if history.recounts > MAX_RECOUNTS:
        return _settle(history, len(history.tail), rules)
    return _settle(history, MAX_TAIL // 2, rules) if len(history.tail) > MAX_TAIL else (history, ())


def _settle(history: History, count: int, rules: Rules) -> tuple[History, Lives]:
    steps, rest = history.tail[:count], history.tail[count:]
    settled = run(history, steps, rules)
    base = settled[-1]
    known = len(settled) - 1
    lives = history.lives[known:]
    if len(base.marks) > MAX_MARKS:
        base = replace(base, marks=base.marks[-MAX_MARKS:])
        lives = run(replace(history, base=base), rest, rules)
        if history.lives[-1].timed_out:
            lives = (*lives[:-1], _finished(lives[-1], rules))
    return replace(history, tail=rest, base=base, settled=steps[-1].order, lives=lives), history.lives[:known]


def lighter(history: History, latest: tuple[int, int, int], rules: Rules) -> History:
    """A settled history with the latest marks, legs and tiers that its events said; what is dropped stays counted."""
    if history.base is None or history.tail:
        return history
    marks, legs, said = latest
    base = history.base
    handled = tuple(mark for mark in base.marks[:-marks] if mark.fact == "contact_handled")
    base = replace(base, marks=handled + base.marks[-marks:], legs=base.legs[-legs:], said=base.said[-said:])
    lives: Lives = (base,)
    if history.lives[-1].timed_out:
        lives = (_finished(base, rules),)
    return replace(history, base=base, lives=lives)


def labelled(history: History, tier: Callable[[Contact], str]) -> History:
    """A settled history whose contacts keep the tier they count under, until an event says another."""
    if history.base is None or history.tail:
        return history
    base = replace(history.base, tier=tier(history.lives[0]))
    return replace(history, base=base, lives=tuple(replace(life, tier=tier(life)) for life in history.lives))
