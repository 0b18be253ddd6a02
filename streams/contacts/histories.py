"""A contact's events while their order can still change, and what they make of it.

``tail``: the events that may still get company, in order of their times, those of one time as they came; ``base``: the
fold of those before (they are settled, nothing earlier is taken any more); ``lives``: the fold of all. An event that
comes in order is folded into the last life, any other one refolds the tail, so the lives are a function of the set of
events, and of the order in which those of one moment came.

Idle is not over: a contact that was idle for its channel's time-out is closed, and what comes later takes that back
and goes on with the same contact; what is only told about it (`contact.ABOUT`) leaves it closed for the figures,
and as it was for whatever goes on with it. What comes so long after an end, or after a time-out, is another *part* of
the contact: a life of its own that knows all the others knew, and counts what is new; what a contact has only once goes
with it (`contact.replaces`). What else the earlier part counted keeps its labels, so nothing depends on whether
it was still here with all it had (`rest`, `revived`). A contact id that is used again after the horizon begins another
contact of the same name.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from streams.contacts import conversation, verdicts
from streams.contacts.contact import ABOUT, Contact, Mark, begin, replaceable, replaces
from streams.contacts.fold import close_idle, judge, take
from streams.contacts.lifecycle import END, Illegal, Verdict
from streams.contacts.parts import another_part, rested
from streams.contacts.rules import ContactRules
from streams.contacts.steps import Step

MAX_TAIL = 1000
"""Events kept in case of late company; of a busier contact the earlier half settles at once."""
MAX_MARKS = 3000
"""Marks kept of settled events: more than those of all events that a contact may have when it changes its owner, see
`streams.identity.owners`. Earlier ones can no longer be taken back, but for those of which a contact has one each."""

MANY_FACTS = 64
"""Facts of one event that are more than an event makes: it came out of order, or changed a label."""
MAX_RECOUNTS = 3
"""Times that a contact is counted anew with that many facts."""

Lives = tuple[Contact, ...]
NEVER = -(2**62)


class History(msgspec.Struct, frozen=True, omit_defaults=True):
    """One contact id on one channel."""

    id: str
    channel: str
    tail: tuple[Step, ...] = ()
    lives: Lives = ()
    base: Contact | None = None
    settled: int = NEVER
    """Time of the last settled event: whatever lies before it comes too late."""
    boundary: tuple[tuple[str, str], ...] = ()
    """Names of the settled events of that time."""
    touched: int | None = None
    """Stream time when the last event arrived: a history that is sent again after a change of owner is judged only when
    stream time has moved on."""

    recounts: int = 0
    """Events that counted anew most of what was counted before."""
    group: str = ""
    """Once it is over, of one that may go to another customer: see `Contact.group`."""
    going: bool = False
    """It has gone on since as another part, which is a contact like any other."""

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


def arrive(history: History, step: Step, now: int | None, rules: ContactRules) -> Arrival:
    """The history with one more event, wherever its place is."""
    tail = history.tail
    if step.time > (tail[-1].time if tail else history.settled):
        return _append(history, step, now, rules)
    if step.time < history.settled:
        return Arrival(history, taken=False, late=True)
    if step.time == history.settled and step.name in history.boundary:
        return Arrival(history, taken=False)
    at = bisect_right(tail, step.time, key=_time)
    if _is_known(tail, at, step):
        return Arrival(history, taken=False)
    if at == len(tail):
        return _append(history, step, now, rules)
    kept, contact = _next(run(history, tail[:at], rules), step, history, rules)
    move = judge(contact, step)  # judged once, at its place among those known now
    illegal = Illegal(history.id, contact.state, step.type) if move.verdict is Verdict.ILLEGAL else None
    lives = _shown(_go_on((*kept, take(contact, step, rules, move)), history, tail[at:], rules), rules)
    tail = (*tail[:at], step, *tail[at:])
    return Arrival(replace(history, tail=tail, lives=lives, touched=now), illegal=illegal)


def _time(step: Step) -> int:
    return step.time


def _is_known(tail: tuple[Step, ...], behind: int, step: Step) -> bool:
    """Is it among the events of its time, which end at ``behind``?"""
    for known in tail[bisect_left(tail, step.time, hi=behind, key=_time) : behind]:  # a thousand, where time stands
        if known.id == step.id and known.source == step.source:
            return True
    return False


def _append(history: History, step: Step, now: int | None, rules: ContactRules) -> Arrival:
    lives = history.lives
    if lives and lives[-1].timed_out:
        lives = run(history, history.tail, rules)  # it was not over
    kept, contact = _next(lives, step, history, rules)
    move = judge(contact, step)
    illegal = Illegal(history.id, contact.state, step.type) if move.verdict is Verdict.ILLEGAL else None
    lives = _shown((*kept, take(contact, step, rules, move)), rules)
    return Arrival(replace(history, tail=(*history.tail, step), lives=lives, touched=now), True, False, illegal)


def _shown(lives: Lives, rules: ContactRules) -> Lives:
    """The lives as they count: the last one is closed when all that came after its time-out was about it."""
    last = lives[-1]
    return lives if last.alive is None or last.state == END else (*lives[:-1], _finished(last, rules))


def run(history: History, steps: tuple[Step, ...], rules: ContactRules) -> Lives:
    """The lives that sorted steps behind the base make; without steps the base alone."""
    return _go_on(() if history.base is None else (history.base,), history, steps, rules)


def _go_on(lives: Lives, history: History, steps: tuple[Step, ...], rules: ContactRules) -> Lives:
    """The lives after more steps."""
    for step in steps:
        kept, contact = _next(lives, step, history, rules)
        lives = (*kept, take(contact, step, rules))
    return lives


def _next(lives: Lives, step: Step, history: History, rules: ContactRules) -> tuple[Lives, Contact]:
    """The lives before the one that the step belongs to, and that one before the step: the last life, another part of
    it, or the beginning of another contact."""
    if not lives:
        return (), begin(history.id, history.channel, step)
    last = lives[-1]
    if step.time - last.heard <= rules.soon_ms:
        return lives[:-1], last
    if begins_another(last, step.time, rules):
        return (*lives[:-1], _finished(last, rules)), begin(history.id, history.channel, step)
    earlier = _parted(last, step, rules)
    if earlier is None:
        return lives[:-1], last
    counted = replace(earlier, marks=tuple(mark for mark in earlier.marks if replaces(mark) is None))
    part = verdicts.resumed(another_part(earlier, step), earlier, step.time, rules)
    return (*lives[:-1], counted), part


def _parted(contact: Contact, step: Step, rules: ContactRules) -> Contact | None:
    """What stays of a contact with which something so late goes on as another part; None: it is not late enough."""
    if contact.state == END:
        late = step.time - contact.last > rules.lateness_ms
        return replace(contact, parted=contact.ended) if late else None
    idle = contact.heard + rules.timeout_ms(contact.channel)
    told = contact.alive is not None and step.time - contact.last <= rules.lateness_ms
    if step.time <= idle or (told and step.type in ABOUT):
        return None
    if step.type == "contact.wrapped_up":  # the talk was over by then
        contact = conversation.release(contact, contact.heard)
    return replace(conversation.idled(contact, idle), parted=idle)


def begins_another(contact: Contact, time: int, rules: ContactRules) -> bool:
    """Does an event at this time (ms) begin another contact of the same name?"""
    return time - contact.last > rules.horizon_ms(contact.channel)


def _finished(contact: Contact, rules: ContactRules) -> Contact:
    """A contact that is proven to be over."""
    if contact.state == END:
        return contact
    return close_idle(contact, contact.heard + rules.timeout_ms(contact.channel), rules)


def before(history: History, since: int, rules: ContactRules) -> History | None:
    """The history without its events from a time (ms) on that can still be taken back; None = nothing is left."""
    base = history.base
    if base is not None and base.origin is not None and base.last >= since > base.origin.last:
        return revived(base.origin, rules)  # some of what goes is settled, and all of its part goes
    tail = tuple(step for step in history.tail if step.time < since)
    lives = run(history, tail, rules)
    if not lives:
        return None
    lives = _shown(lives, rules)
    known = history.lives[: len(lives)]
    if known == history.lives and known[-1].last == lives[-1].last:
        lives = known  # by now it may have timed out; where a later part goes, what that took over comes back
    return replace(history, tail=tail, lives=lives)


# Time passes


def expire(history: History, now: int, rules: ContactRules) -> History:
    """The last life is closed when it has been idle for too long."""
    contact = history.lives[-1]
    if contact.state == END or now <= idle_at(history, rules):
        return history
    return replace(history, lives=(*history.lives[:-1], _finished(contact, rules)))


def close(history: History, rules: ContactRules) -> History:
    """The last life is closed now, at its last sign of life; the history no longer waits for company."""
    contact = history.lives[-1]
    ended = contact if contact.state == END else close_idle(contact, contact.last, rules)
    return replace(history, lives=(*history.lives[:-1], ended), touched=None)


def idle_at(history: History, rules: ContactRules) -> int:
    """The last life is over when stream time passes this."""
    return history.lives[-1].heard + rules.timeout_ms(history.channel)


def settles_at(history: History, rules: ContactRules) -> int | None:
    """Events can be settled when stream time passes this; None = all are. All at once after a quiet lateness, else in
    portions."""
    if not history.tail:
        return None
    lateness_ms, touched = rules.lateness_ms, history.touched
    quiet = max(history.last, history.last if touched is None else touched) + lateness_ms
    return min(quiet, max(history.tail[0].time + 2 * lateness_ms, history.last if touched is None else touched))


def over_at(history: History, rules: ContactRules) -> int | None:
    """Nothing can be added to any life when stream time passes this; None = not to be said yet."""
    contact = history.lives[-1]
    if history.tail or contact.state != END:
        return None
    quiet = contact.last + rules.lateness_ms
    if contact.timed_out:
        quiet = max(quiet, idle_at(history, rules))
    return (quiet if history.touched is None else max(quiet, history.touched)) + rules.lateness_ms


def rest(history: History, tier: str | None, whole: bool = False) -> Contact:
    """What is kept of the last life of a settled history: see `parts.rested`; ``whole``: with all its marks
    when it has ended, for it may still go to another customer as it is. (No identifier has so many open ones.)"""
    base, life = history.base or history.lives[-1], history.lives[-1]
    closed_at = life.ended if life.timed_out and not base.timed_out else None
    group = "" if history.going else history.group
    kept = replace(rested(base), tier=base.tier or tier, before=life.counted, closed_at=closed_at, group=group)
    return replace(kept, marks=base.marks) if whole and closed_at is None else kept


def revived(contact: Contact, rules: ContactRules) -> History:
    """The history of a contact that had come to rest."""
    base = replace(contact, closed_at=None)
    life = base if contact.closed_at is None else close_idle(base, contact.closed_at, rules)
    return History(contact.id, contact.channel, lives=(life,), base=base, settled=contact.last, group=contact.group)


def of_group(history: History) -> Lives:
    """The lives, as they are condensed."""
    group = "" if history.going else history.group
    return tuple(replace(life, group=group) for life in history.lives) if group else history.lives


def settle(history: History, up_to: int, rules: ContactRules) -> tuple[History, Lives]:
    """The events at or before a time become the base; also the lives that are complete by that, which are no longer
    kept here."""
    count = sum(1 for step in history.tail if step.time <= up_to)
    return _settle(history, count, rules) if count else (history, ())


def relieve(history: History, rules: ContactRules) -> tuple[History, Lives]:
    """Settle the earlier half of a tail that has grown too long; all of one that was counted anew too often, so that
    nothing is taken out of order any more."""
    if history.recounts > MAX_RECOUNTS:
        return _settle(history, len(history.tail), rules)
    return _settle(history, MAX_TAIL // 2, rules) if len(history.tail) > MAX_TAIL else (history, ())


def _settle(history: History, count: int, rules: ContactRules) -> tuple[History, Lives]:
    count = bisect_right(history.tail, history.tail[count - 1].time, key=_time)  # a moment is not cut in two
    steps, rest = history.tail[:count], history.tail[count:]
    settled = run(history, steps, rules)
    base = settled[-1]
    known = len(settled) - 1
    lives = history.lives[known:]
    if len(base.marks) > MAX_MARKS:
        base = replace(base, marks=latest_marks(base.marks, MAX_MARKS))
        lives = run(replace(history, base=base), rest, rules)
        if history.lives[-1].timed_out:
            lives = (*lives[:-1], _finished(lives[-1], rules))
    last = steps[-1].time
    names = tuple(step.name for step in steps if step.time == last)
    if last == history.settled:
        names = history.boundary + names
    return replace(history, tail=rest, base=base, settled=last, boundary=names, lives=lives), history.lives[:known]


def latest_marks(marks: tuple[Mark, ...], count: int) -> tuple[Mark, ...]:
    """So many of the latest marks, and those that another one may still replace."""
    return replaceable(marks[:-count]) + marks[-count:]


def lighter(history: History, latest: tuple[int, int, int], rules: ContactRules) -> History:
    """A settled history with the latest marks, legs and tiers that its events said; what is dropped stays counted."""
    if history.base is None or history.tail:
        return history
    marks, legs, said = latest
    base = history.base
    base = replace(base, marks=latest_marks(base.marks, marks), legs=base.legs[-legs:], said=base.said[-said:])
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
