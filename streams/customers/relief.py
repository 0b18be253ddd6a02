"""The size of a customer's row: a budget in bytes, and what becomes smaller when it is used up.

The row knows its size from above (`Customer.size`): what it had when it was measured, plus `growth` of each record
since. Only when that exceeds ``ROW_BYTES`` is the row encoded and measured, and only when it is larger indeed does it
give up something, the cheapest first, until ``ROW_KEPT`` bytes are left:

1. events that wait for late company are settled, resolved alerts that nothing can call up again forgotten; contacts at
   rest no longer go to another customer with what they counted;
2. contacts at rest that were quiet for longest are gone, a hundred after the other, and what comes of them is late;
   older messages become part of the mood, older journeys and contacts listed in them are no longer kept;
3. contacts keep the latest of their marks, legs and tiers;
4. contacts are condensed, ended ones before open ones, the quietest first; an open one is closed at its last sign of
   life. What still comes of them is late;
5. lists are cut short, replays touched long ago forgotten.

No step counts anything twice or takes anything back: facts, journeys and alerts that are out stay as they are. Before
journeys are dropped all are published, so that each comes out in its last state however the log is cut into batches;
and a row is measured without what only publishing writes into it, so that it is made smaller at the same record.
"""

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from streams.base.records import LIVE, Fact
from streams.contacts import histories, lifecycle
from streams.contacts.contact import replaceable
from streams.customers import loop
from streams.customers.condensing import condense_early, gone_for_good, with_fewer_gone, with_fewer_rested
from streams.customers.follow import Ease, Out
from streams.customers.rules import CustomerRules
from streams.customers.timeline_state import Place, Timeline

ROW_BYTES = 880_000
"""Most JSON bytes of a customer's row, all lines together: below the 1,000,000 that a changelog record may have."""
ROW_KEPT = 512_000
"""Bytes at most that are left of a row that exceeded it."""
LINE_KEPT = ROW_KEPT // 33
"""Bytes that one line may keep at least."""
RECORD_BYTES = 7_000
"""JSON bytes of a record without its texts, at most: seven names of 200 characters and three of 100."""
ALERT_BYTES = 10_000
"""JSON bytes of an alert, at most, its id as the key included."""
LINE_BYTES = 300
"""JSON bytes of a line's deadlines and marks, at most."""
FIRST_BYTES = 7_000
"""JSON bytes that publishing writes of a line of which little is known, at most, beside what each record adds."""

_encode = msgspec.json.Encoder().encode


class _Kept(NamedTuple):
    """How much is kept of each list of a contact, and of contacts at rest; ``ease``: what capabilities give up."""

    marks: int
    legs: int
    said: int
    rested: int
    ease: Ease


_FEWER = _Kept(marks=50, legs=10, said=8, rested=100, ease=Ease.FEWER)
_RESTED = range(900, 100, -100)
"""Contacts at rest that are kept, one number after the other, until the row fits."""
_FEWEST = _Kept(marks=4, legs=2, said=4, rested=3, ease=Ease.FEWEST)


def growth(record_bytes: int, alerts: int, *, first: bool = False) -> int:
    """Bytes that a record of this size and the alerts it caused add to a row at most: its event, leg, marks, message
    and contact, and all of it once more when events settle; names come from earlier records, too. ``first``: of a line.
    """
    return 6 * (min(RECORD_BYTES, record_bytes)) + 4_096 + ALERT_BYTES * alerts + FIRST_BYTES * first


def grown_by_time(size: int, alerts: int) -> int:
    """Bytes of a row at most, after a deadline. Hundreds of contacts may settle at once, each to up to three times what
    it was: a row that may be too large then is to be measured.
    """
    return max(size, ROW_BYTES + 1) if size > ROW_BYTES // 3 else size + growth(0, alerts)


class Relief(NamedTuple):
    """Lines that fit, with the facts of the contacts that were closed, and the records that had to be published on the
    way.
    """

    lines: dict[str, Timeline]
    size: int
    facts: tuple[Fact, ...] = ()
    out: tuple[Out, ...] = ()


class _Case(NamedTuple):
    """One timeline that is made smaller: whose it is, and what is told on the way."""

    place: Place
    rules: CustomerRules
    facts: list[Fact]
    out: list[Out]


def measured(lines: Mapping[str, Timeline], owner: str, rules: CustomerRules) -> int:
    """JSON bytes of a row once it is published, at most; the same whether or not it is."""
    return len(_encode(owner)) + sum(_measured(timeline, owner, line, rules) for line, timeline in lines.items())


def _measured(timeline: Timeline, owner: str, line: str, rules: CustomerRules) -> int:
    if loop.is_bare(timeline, owner, rules):
        return 0  # when it goes hangs on when it was published
    shown = loop.shown_bytes(timeline, Place(owner, line, None), rules)
    return len(_encode(loop.unpublished(timeline, rules))) + shown + LINE_BYTES


def relieve(lines: Mapping[str, Timeline], place_of: Callable[[str], Place], rules: CustomerRules) -> Relief:
    """Lines whose bytes are too many together, made smaller, the largest first."""
    lines, owner = dict(lines), place_of(LIVE).owner
    sizes = {line: _measured(timeline, owner, line, rules) for line, timeline in lines.items()}
    case = _Case(place_of(LIVE), rules, [], [])
    for line in sorted(sizes, key=lambda line: -sizes[line]):
        over = sum(sizes.values()) - ROW_KEPT
        if over > 0 and sizes[line] > LINE_KEPT:
            room = max(LINE_KEPT, sizes[line] - over)
            lines[line] = _fitting(lines[line], case._replace(place=place_of(line)), room)
            sizes[line] = _measured(lines[line], owner, line, rules)
    for line in [line for line in lines if line != LIVE]:
        if sum(sizes.values()) > ROW_BYTES:
            timeline, out, _, facts = loop.published(lines[line], None, place_of(line), rules)
            place = place_of(line)
            case.facts.extend((*facts, *loop.going(timeline, place.now or 0, place, rules)))
            case.out.extend((*out, *loop.removed(timeline, place_of(line), rules)))
            del lines[line], sizes[line]
    size = len(_encode(owner)) + sum(sizes.values())
    return Relief(lines, size, tuple(case.facts), tuple(case.out))


def _fitting(timeline: Timeline, case: _Case, room: int) -> Timeline:
    """The timeline in no more than ``room`` bytes, as far as it can be."""

    def over() -> int:
        return _measured(timeline, case.place.owner, case.place.line, case.rules) - room

    for stage in (_settled, *map(_fewer_rested, _RESTED), _shorter, _lighter):
        smaller = stage(timeline, case, _FEWER)
        if smaller is timeline and timeline.stale:
            continue  # there was nothing to take away, and it is as large as when it was measured
        timeline = replace(smaller, stale=True)
        if over() <= 0:
            return timeline
    timeline = with_fewer_rested(timeline, _FEWEST.rested)
    while (excess := over()) > 0 and (keys := _quietest(timeline, excess)):
        change = condense_early(timeline, keys, case.place, case.rules)
        case.facts.extend(change.facts)
        case.out.extend(change.out)
        timeline = with_fewer_rested(change.timeline, _FEWEST.rested)
        timeline = _shorter(_settled(timeline, case, _FEWER), case, _FEWER)
    if over() > 0:
        timeline = _lighter(_shorter(timeline, case, _FEWEST), case, _FEWEST)
        timeline = with_fewer_gone(replace(timeline, tiers=timeline.tiers[-2:]), 200)
    return timeline


def _quietest(timeline: Timeline, over: int) -> list[str]:
    """Contacts that take up that many bytes, ended ones first; never the last one."""
    kept = timeline.histories
    order = sorted(kept, key=lambda key: (kept[key].lives[-1].state != lifecycle.END, kept[key].last, key))
    found: list[str] = []
    for key, _ in pairwise(order):
        if over <= 0:
            break
        over -= len(_encode(kept[key]))
        found.append(key)
    return found


def _settled(timeline: Timeline, case: _Case, kept: _Kept) -> Timeline:
    """No event waits for late company any more; resolved alerts are forgotten where nothing calls them up again."""
    place, rules = case.place, case.rules
    for key, history in timeline.histories.items():
        if history.tail:
            settled, finished = histories.settle(history, history.tail[-1].time, rules.contacts)
            timeline = replace(timeline, histories=timeline.histories | {key: settled})
            timeline = loop.settled(timeline, finished, place, rules)
    rested = {key: replace(each, marks=replaceable(each.marks)) for key, each in timeline.rested.items()}
    return loop.eased(replace(timeline, rested=rested), Ease.UNNEEDED, place, rules)


def _fewer_rested(most: int) -> Callable[[Timeline, _Case, _Kept], Timeline]:
    return lambda timeline, case, kept: with_fewer_rested(timeline, most)


def _shorter(timeline: Timeline, case: _Case, kept: _Kept) -> Timeline:
    """Fewer contacts at rest, and of what each capability lists."""
    timeline = _later(with_fewer_rested(timeline, kept.rested), case, kept)
    return loop.eased(timeline, kept.ease, case.place, case.rules)


def _later(timeline: Timeline, case: _Case, kept: _Kept) -> Timeline:
    """Without what capabilities give up, all of which is published before it goes."""
    going = loop.gives_up(timeline, kept.ease, case.place, case.rules)
    if not going:
        return timeline
    over = [span for spans in going.values() for span in spans]
    resting = {
        key
        for key, contact in timeline.rested.items()
        if any(started <= contact.started <= last for started, last in over)
    }
    timeline, out, _, facts = loop.published(gone_for_good(timeline, resting), None, case.place, case.rules)
    case.facts.extend(facts)
    case.out.extend(out)
    return loop.gave_up(timeline, going, case.rules)


def _lighter(timeline: Timeline, case: _Case, kept: _Kept) -> Timeline:
    """Contacts with fewer marks, legs and tiers."""
    latest = (kept.marks, kept.legs, kept.said)
    lighter = {
        key: histories.lighter(history, latest, case.rules.contacts) for key, history in timeline.histories.items()
    }
    return _settled(replace(timeline, histories=lighter), case, kept)
