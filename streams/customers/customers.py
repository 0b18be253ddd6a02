"""The fold that joins contacts, journeys, segment and alerts of one customer: the state behind ``track``.

Everything is a function of the *set* of records and of stream time, not of the order in which they came (inside the
lateness) or of how they were cut into batches::

    outcome = fold(customer, record, clock, rules)        # for each record of a batch: facts and alerts
    outcome = publish(outcome.customer, clock, rules)     # once per customer: journeys and segment

Then ``scheduled`` puts into the row whose deadline is when: ``advance`` is due when stream time passes one. Nothing is
changed in place; ``Outcome.customer`` is None when nothing is left of one.
"""

import msgspec
from msgspec.structs import replace

from streams.base.records import (
    LIVE,
    CustomerEvent,
    Event,
    Fact,
    Grouped,
    Handed,
    Left,
    Moved,
    Profile,
)
from streams.base.watermarks import Watermarks
from streams.contacts.lifecycle import Illegal
from streams.customers import handing, loop, relief, timelines
from streams.customers.follow import Out, alerts_in
from streams.customers.rules import CustomerRules
from streams.customers.timeline_state import LineOutcome, Place, Timeline
from streams.customers.upgrades import ANYBODY

MAX_REPLAYS = 32
"""Replays kept of one customer beside the live line; one that has ended gives way to another."""


class Refused(Exception):
    """A record that cannot be taken in: reason and path as in a dead letter, ``limited`` as in an `Outcome`."""

    def __init__(self, reason: str, path: str, message: str, limited: str | None = None) -> None:
        super().__init__(message)
        self.reason, self.path, self.limited = reason, path, limited


NUMBER_BYTES = 32
"""JSON bytes of ``ruled``, at most."""
Dues = dict[str, dict[str, int]]


class Customer(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of one owner, by line; the line touched last is last."""

    owner: str
    lines: dict[str, Timeline] = {}
    size: int = 0
    """JSON bytes of the row, at most; 0 = not known, in a row of the version before."""
    due: Dues = msgspec.field(default_factory=lambda: {})  # noqa: PIE807 - written even when it is empty
    """Line → whose deadline is when (ms of stream time); without a line it is not known since something changed."""
    ruled: int = 0
    """Number of the alert rules by which it was judged before its turn among all rows."""


class Outcome(msgspec.Struct, frozen=True):
    """The customer after a record or deadline, and what to send: facts, and records of each capability's topic.
    ``late``: the record came after its place was settled and was left out. ``limited``: what was made smaller because
    there was too much of it: "row", and what a `LineOutcome` says."""

    customer: Customer | None
    facts: tuple[Fact, ...] = ()
    out: tuple[Out, ...] = ()
    illegal: tuple[Illegal, ...] = ()
    late: bool = False
    limited: tuple[str, ...] = ()
    sent: tuple[Event | Handed, ...] = ()
    """For other customers."""


Told = Event | Profile | CustomerEvent | Left | Grouped | Moved | Handed
"""What is told of a customer."""


def owner_of(record: Told) -> str | None:
    """Whose record it is; None = a command on an alert whose name does not tell."""
    if isinstance(record, Profile | CustomerEvent):
        return f"customer:{record.customer}"
    return record.owner


def fold(
    customer: Customer | None,
    record: Told,
    clock: Watermarks,
    rules: CustomerRules,
    size: int = relief.RECORD_BYTES,
) -> Outcome:
    """One record, without publishing journeys and segment yet; ``size``: its JSON bytes, where the caller knows them.
    Raises `Refused`, and ValueError for a record without an owner."""
    owner, line = owner_of(record), record.line
    if not owner:
        raise ValueError(f"the {type(record).__name__} has no owner: only records that passed identify can be folded")
    if isinstance(record, Left | Grouped) and (customer is None or _nothing_of(customer, line, rules)):
        return Outcome(customer)  # nothing of it is here
    if customer is not None and line != LIVE and line not in customer.lines and len(customer.lines) >= MAX_REPLAYS:
        room = _room(customer, line, clock, rules)
        if room.customer is not customer:
            return _after(room, fold(room.customer, record, clock, rules, size))
    customer = customer or Customer(owner)
    timeline, place = customer.lines.get(line, EMPTY), Place(owner, line, clock.stream_time(line))
    outcome = _outcome(customer, line, _change(timeline, record, place, rules), size, rules)
    after = outcome.customer
    return outcome if after is None or after.size <= relief.ROW_BYTES else _fitting(outcome, clock, rules)


EMPTY = Timeline()


def _change(
    timeline: Timeline,
    record: Event | Profile | CustomerEvent | Left | Grouped | Moved | Handed,
    place: Place,
    rules: CustomerRules,
) -> LineOutcome:
    if isinstance(record, Event):
        if (onward := handing.forwarded(timeline, record)) is not None:
            return LineOutcome(timeline, sent=(onward,))
        return timelines.arrive(timeline, record, place, rules)
    if isinstance(record, Profile):
        return timelines.know(timeline, record, place, rules)
    if isinstance(record, CustomerEvent):
        return timelines.happened(timeline, record, place, rules)
    if isinstance(record, Grouped):
        return LineOutcome(handing.grouped(timeline, record))
    tiers = timeline.tiers
    if isinstance(record, Left):
        left = timelines.leave(timeline, record, place, rules)
        tiers, change = left.timeline.tiers, handing.left_behind(left, record, place, rules)
    elif isinstance(record, Moved):
        change = handing.hand(timeline, record, place, rules)
    else:
        change = handing.absorb(timeline, record, place, rules)
    return timelines.regrouped(change, tiers, place, rules)


def _nothing_of(customer: Customer, line: str, rules: CustomerRules) -> bool:
    return line not in customer.lines or loop.is_bare(customer.lines[line], customer.owner, rules)


def _room(customer: Customer, line: str, clock: Watermarks, rules: CustomerRules) -> Outcome:
    """The customer with room for another replay. Of one there may be names alone, whether or not it has ended: which
    hangs on how batches are cut, so it goes first. What is known of one that has ended is out, and nothing more comes
    of it. Any other keeps what it has. Raises `Refused`."""
    if len(customer.lines) - (LIVE in customer.lines) < MAX_REPLAYS:
        return Outcome(customer)
    room = publish(customer, clock, rules)  # a line of which nothing is left goes
    lines = room.customer.lines if room.customer else {}
    if room.customer is None or len(lines) - (LIVE in lines) < MAX_REPLAYS:
        return room
    replays = [name for name in lines if name != LIVE]
    over = [name for name in replays if loop.is_bare(lines[name], room.customer.owner, rules)]
    over += [name for name in replays if _over(room.customer, name, clock, rules)]
    if not over:
        raise Refused(
            "replay-refused",
            "replayid",
            f"{MAX_REPLAYS} replays that have not ended are known of this customer, and this is another one; "
            "end them, or wait until they are forgotten",
            "lines",
        )
    return _after(room, without_line(room.customer, over[0], rules))


def without_line(customer: Customer, line: str, rules: CustomerRules) -> Outcome:
    """The customer when a replay is forgotten, and what is taken back of it."""
    timeline = customer.lines.get(line)
    out = () if timeline is None else loop.removed(timeline, Place(customer.owner, line, None), rules)
    kept = {name: each for name, each in customer.lines.items() if name != line}
    left = replace(customer, lines=kept, due=_without(customer.due, line)) if kept else None
    return Outcome(left, out=out)


def _over(customer: Customer, line: str, clock: Watermarks, rules: CustomerRules) -> bool:
    """It has ended, and no deadline of it is to be looked after."""
    timeline, now = customer.lines[line], clock.stream_time(line)
    due = min(timelines.dues(timeline, Place(customer.owner, line, now), rules).values(), default=None)
    return clock.ended(line) and (due is None or now is None or now <= due)


def _after(before: Outcome, outcome: Outcome) -> Outcome:
    """Both, one after the other."""
    return replace(outcome, facts=before.facts + outcome.facts, out=before.out + outcome.out)


def _outcome(customer: Customer, line: str, change: LineOutcome, size: int, rules: CustomerRules) -> Outcome:
    """``size``: JSON bytes of the record."""
    first = _nothing_of(customer, line, rules)
    after = _with(customer, line, change.timeline, relief.growth(size, alerts_in(change.out), first=first))
    return Outcome(
        after if after.lines else None,
        change.facts,
        change.out,
        illegal=() if change.illegal is None else (change.illegal,),
        late=change.late,
        limited=change.limited,
        sent=change.sent,
    )


def _with(customer: Customer, line: str, timeline: Timeline, growth: int) -> Customer:
    known = customer.lines.get(line)
    if timeline is (EMPTY if known is None else known):
        return customer
    size = (customer.size or _size(customer)) + growth
    if len(customer.lines) <= 1 and (known or not customer.lines):
        return replace(customer, lines={line: timeline}, size=size, due={})
    lines = {name: each for name, each in customer.lines.items() if name != line} | {line: timeline}
    return replace(customer, lines=lines, size=size, due=_without(customer.due, line))


def _without(due: Dues, line: str) -> Dues:
    return {name: each for name, each in due.items() if name != line} if line in due else due


def _size(customer: Customer) -> int:
    """As the row says; so large that it is measured, where it does not."""
    return customer.size or (relief.ROW_BYTES if customer.lines else 0)


def _fitting(outcome: Outcome, clock: Watermarks, rules: CustomerRules) -> Outcome:
    """The same with a row that is not too large."""
    customer = outcome.customer
    if customer is None or customer.size <= relief.ROW_BYTES:
        return outcome
    owner = customer.owner
    if any(
        loop.spent(each, Place(owner, line, clock.stream_time(line)), rules) for line, each in customer.lines.items()
    ):
        outcome = _published(outcome, clock, rules)  # what need not be kept any more goes first
        if (customer := outcome.customer) is None:
            return outcome
    size = relief.measured(customer.lines, owner, rules)
    if size <= relief.ROW_BYTES:
        return replace(outcome, customer=replace(customer, size=size))
    eased = relief.relieve(customer.lines, lambda line: Place(owner, line, clock.stream_time(line)), rules)
    return replace(
        outcome,
        customer=replace(customer, lines=eased.lines, size=eased.size, due={}),
        facts=outcome.facts + eased.facts,
        out=outcome.out + eased.out,
        limited=(*outcome.limited, "row"),
    )


def publish(customer: Customer | None, clock: Watermarks, rules: CustomerRules) -> Outcome:
    """What is to be published since the last time, and what of it counts."""
    if customer is None:
        return Outcome(None)
    out: tuple[Out, ...] = ()
    facts: tuple[Fact, ...] = ()
    lines, due = dict(customer.lines), customer.due
    for line, timeline in customer.lines.items():
        if not timeline.stale:
            continue
        place = Place(customer.owner, line, clock.stream_time(line))
        after, its, its_due, its_facts = loop.published(timeline, due.get(line), place, rules)
        out += its
        facts += its_facts
        if loop.is_bare(after, customer.owner, rules) and not loop.names(after, rules):
            due = _without(due, line)
            if (rest := loop.rest(after, rules)) is not None:
                lines[line] = rest
            else:
                del lines[line]
        else:
            lines[line] = after
            if its_due is not None and its_due is not due[line]:
                due = due | {line: its_due}
    return Outcome(replace(customer, lines=lines, due=due) if lines else None, facts, out)


def _published(outcome: Outcome, clock: Watermarks, rules: CustomerRules) -> Outcome:
    after = publish(outcome.customer, clock, rules)
    return replace(outcome, customer=after.customer, facts=outcome.facts + after.facts, out=outcome.out + after.out)


def advance(customer: Customer | None, clock: Watermarks, rules: CustomerRules, only: str | None = None) -> Outcome:
    """Every deadline that stream time has passed, with what is to be published of it; ``only``: of this line. Another
    one is looked after when its own progress is told: how often this one is due may hang on when it was published."""
    if customer is None:
        return Outcome(None)
    facts: list[Fact] = []
    out: list[Out] = []
    grown = False
    for line, timeline in customer.lines.items():
        if only is not None and line != only:
            continue
        place = Place(customer.owner, line, clock.stream_time(line))
        known = customer.due.get(line)
        if known is not None and ANYBODY in known:
            known, customer = None, replace(customer, due=_without(customer.due, line))
        change = timelines.advance(timeline, place, rules, known)
        if change.timeline is timeline:
            continue
        facts += change.facts
        out += change.out
        size = customer.size
        after = change.timeline
        if not loop.only_looks(timeline, after, rules):
            size, grown = relief.grown_by_time(_size(customer), alerts_in(change.out)), True
            customer = replace(customer, due=_without(customer.due, line))
        customer = replace(customer, lines=customer.lines | {line: after}, size=size)
    outcome = Outcome(customer, tuple(facts), tuple(out))
    return _published(_fitting(outcome, clock, rules) if grown else outcome, clock, rules)


def rejudged(customer: Customer, clock: Watermarks, rules: CustomerRules, number: int) -> Outcome:
    """The alert rules are others than those of a number: what was told is held against them, on every line that has not
    ended, and what holds by them is told."""
    out: tuple[Out, ...] = ()
    for line, timeline in customer.lines.items():
        if clock.ended(line):
            continue
        place, known = Place(customer.owner, line, clock.stream_time(line)), customer.due.get(line)
        after, told, due = loop.rejudged(timeline, known, place, rules, number)
        out += told
        if after is not timeline:
            size, dues = relief.grown_by_time(_size(customer), alerts_in(told)), _without(customer.due, line)
            customer = replace(customer, lines=customer.lines | {line: after}, size=size, due=dues)
        elif due is not None and due is not known:
            customer = replace(customer, due=customer.due | {line: due})
    return _fitting(Outcome(customer, out=out), clock, rules)


def judged_by(customer: Customer, number: int) -> Customer:
    """It says that it was judged by the rules of a number."""
    size = customer.size + NUMBER_BYTES if customer.size and not customer.ruled else customer.size
    return replace(customer, ruled=number, size=size)


def scheduled(customer: Customer, rules: CustomerRules) -> Customer:
    """With the deadlines of each line where they are not known."""
    if len(customer.due) == len(customer.lines):
        return customer
    due = {
        line: timelines.dues(timeline, Place(customer.owner, line, None), rules)
        for line, timeline in customer.lines.items()
        if line not in customer.due
    }
    return replace(customer, due=customer.due | due)
