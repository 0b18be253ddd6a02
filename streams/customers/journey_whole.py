"""A journey as it stands: its contacts and sums (`journey_sums`) taken together, a function of them.

What hangs on the order of contacts (changes of channel, repeats, …) is counted at the contact that makes it.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from operator import attrgetter

import msgspec

from streams.base.records import NO_TIER
from streams.contacts.contact import ABANDONED, ANSWERED, Counted
from streams.contacts.standing import SILENT, SOLVED
from streams.customers.journey_rules import JourneyRules
from streams.customers.journey_sums import (
    MAX_CONTACTS,
    ORDERED,
    SUMS,
    Journey,
    Ordered,
    machine_first,
    node_of,
    span,
)
from streams.customers.touchpoints import BOT, HUMAN, MENU, SELF_SERVICE, Touchpoint, one_each

_RANKS = {MENU: 0, BOT: 1, HUMAN: 2}


class Whole(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A journey as it stands, with its latest contacts, oldest first."""

    started: int
    last: int
    first: tuple[str, str]
    """Channel and id of its earliest contact, which tell it from another one that began in the same moment."""
    points: tuple[Touchpoint, ...]
    stitches: tuple[tuple[str, str] | None, ...]
    """Of each listed contact: why it is here, and by which other one."""
    channels: tuple[str, ...]
    sums: Counted
    open: bool
    standing: str
    heard: int
    solved: tuple[int, int] | None
    served: str
    machine_first: bool
    tier: str
    cases: tuple[str, ...]
    topic: str | None
    intent: str | None
    switches: int = 0
    repeats: int = 0
    reopens: int = 0
    dead_ends: int = 0
    escalations: int = 0


def ordered(parts: Sequence[Touchpoint | Journey], rules: JourneyRules) -> tuple[Ordered, ...]:
    """Of each part of a journey, in order: of a sum what it had when its contacts were summed up."""
    if len(parts) == 1 and isinstance(parts[0], Touchpoint):
        return (_alone(parts[0]),)
    overs: list[int] = []
    told: list[tuple[int, bool]] = []
    failed = False
    for part in parts:
        if isinstance(part, Touchpoint):
            overs.append(part.last if part.ended is None else part.ended)
            failed = failed or part.failed > 0
        else:
            overs.append(part.last)
        if part.standing != SILENT:
            told.append((part.heard, part.standing == SOLVED))
    overs.sort()
    told.sort()
    human = max([part.started for part in parts if _has_human(part)], default=-1) if failed else -1
    found: list[Ordered] = []
    channel, rank, place, solved = "", -1, 0, False
    for part in parts:
        if isinstance(part, Journey):
            found.append(Ordered(*_order_of(part)))
            channel = node_of(part).channel or channel
            rank = _RANKS[part.served[-1]] if part.served else rank
            continue
        started, ours = part.started, part.ours
        while place < len(told) and told[place][0] < started:
            solved, place = told[place][1], place + 1
        before = bisect_left(overs, started)
        again = before > 0 and not ours and started - overs[before - 1] <= rules.repeat_ms
        ups, rank = _ups(part, rank) if part.served else (0, rank)
        reopens = part.taken_ups + (solved and not ours)
        dead_end = part.failed > 0 and human >= started
        found.append(Ordered(int(channel not in ("", part.channel)), int(again), reopens, int(dead_end), ups))
        channel, solved = part.channel, False
    return tuple(found)


def _has_human(part: Touchpoint | Journey) -> bool:
    return isinstance(part, Touchpoint) and part.level != SELF_SERVICE


def _alone(point: Touchpoint) -> Ordered:
    dead_end = point.failed > 0 and point.level != SELF_SERVICE
    return Ordered(reopens=point.taken_ups, dead_ends=int(dead_end), escalations=_ups(point, -1)[0])


def _ups(part: Touchpoint, rank: int) -> tuple[int, int]:
    """How often one who can do more took over, and who has it in the end; −1 = nobody yet."""
    ups = 0
    for each in part.served:
        ups += 0 <= rank < _RANKS[each]
        rank = _RANKS[each]
    return ups, rank


def whole(
    parts: Sequence[Touchpoint | Journey], stitches: Sequence[tuple[str, str] | None], turns: Sequence[Ordered]
) -> Whole:
    """The journey of parts that are in order, with why each is in it, and what its place makes it count for."""
    if len(parts) == 1 and isinstance(parts[0], Touchpoint):
        return _single(parts[0], turns[0])
    first, last, is_open, served = parts[0], 0, False, ""
    heard = (0, False, SILENT)
    cases: tuple[str, ...] = ()
    topic, intent = None, None
    firsts: dict[str, int] = {}
    for part in parts:
        if part.started < first.started:
            first = part
        last = max(last, part.last)
        is_open = is_open or part.open
        served += part.served
        if part.standing != SILENT:
            heard = max(heard, (part.heard, part.standing == SOLVED, part.standing))
        cases += part.cases
        topic = topic if part.topic is None else part.topic
        intent = intent if part.intent is None else part.intent
        for channel, at in ((part.channel, part.started),) if isinstance(part, Touchpoint) else part.firsts.items():
            if at < firsts.get(channel, at + 1):
                firsts[channel] = at
    listed, why = _listed(parts, stitches)
    return Whole(
        first.started,
        last,
        (first.channel, first.contact if isinstance(first, Touchpoint) else ""),
        listed,
        why,
        tuple(sorted(firsts, key=lambda channel: (firsts[channel], channel))) if len(firsts) > 1 else (*firsts,),
        added(parts),
        is_open,
        heard[2],
        heard[0],
        span([part.solved for part in parts]),
        "".join(dict.fromkeys(served)) if len(served) > 1 else served,
        machine_first(first),
        _tier(parts),
        tuple(dict.fromkeys(cases))[:MAX_CONTACTS] if cases else (),
        topic,
        intent,
        *_added_up(turns),
    )


def _added_up(turns: Iterable[Ordered]) -> tuple[int, int, int, int, int]:
    switches = repeats = reopens = dead_ends = escalations = 0
    for turn in turns:
        switches += turn.switches
        repeats += turn.repeats
        reopens += turn.reopens
        dead_ends += turn.dead_ends
        escalations += turn.escalations
    return switches, repeats, reopens, dead_ends, escalations


def _listed(
    parts: Sequence[Touchpoint | Journey], stitches: Sequence[tuple[str, str] | None]
) -> tuple[tuple[Touchpoint, ...], tuple[tuple[str, str] | None, ...]]:
    """The latest contacts, and why each is in the journey."""
    points = tuple([part for part in parts if isinstance(part, Touchpoint)])
    if len(points) == len(parts):
        return points[-MAX_CONTACTS:], tuple(stitches[-MAX_CONTACTS:])
    why = {part.key: each for part, each in zip(parts, stitches, strict=True) if isinstance(part, Touchpoint)}
    before = [point for part in parts if isinstance(part, Journey) for point in part.listed]
    listed = one_each((*before, *points))[-MAX_CONTACTS:]
    return listed, tuple([why.get(point.key) for point in listed])


def _single(point: Touchpoint, turn: Ordered) -> Whole:
    """The journey of one contact."""
    return Whole(
        point.started,
        point.last,
        (point.channel, point.contact),
        (point,),
        (None,),
        (point.channel,),
        point.counted,
        point.open,
        point.standing,
        point.heard if point.standing != SILENT else 0,
        point.solved,
        point.served,
        machine_first(point),
        point.tier,
        point.cases,
        point.topic,
        point.intent,
        *_order_of(turn),
    )


def _tier(parts: Sequence[Touchpoint | Journey]) -> str:
    """The tier of the latest contact that has one."""
    for part in reversed(parts):
        if part.tier not in ("", NO_TIER):
            return part.tier
        for point in reversed(part.listed) if isinstance(part, Journey) else ():
            if point.tier not in ("", NO_TIER):
                return point.tier
    return NO_TIER


def added(parts: Sequence[Touchpoint | Journey]) -> Counted:
    """What they add up to."""
    new = [part for part in parts if isinstance(part, Touchpoint) and part.before is None]
    counted = Counted(
        len(new),
        [each.outcome for each in new].count(ANSWERED),
        [each.outcome for each in new].count(ABANDONED),
        sum([each.messages for each in new]),
        sum([each.transfers for each in new]),
        sum([each.wait_ms for each in new]),
        sum([each.scored for each in new]),
        sum([each.scored_milli for each in new]),
        sum([each.talk_ms for each in new]),
        sum([each.hold_ms for each in new]),
        sum([each.wrap_ms for each in new]),
    )
    if len(new) == len(parts):
        return counted
    others = [part for part in parts if not isinstance(part, Touchpoint) or part.before is not None]
    counts = [_sums_of(part.counted if isinstance(part, Touchpoint) else part) for part in others]
    return Counted(*map(sum, zip(_sums_of(counted), *counts, strict=True)))


_sums_of, _order_of = attrgetter(*SUMS), attrgetter(*ORDERED)
