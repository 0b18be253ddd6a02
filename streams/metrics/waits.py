"""What each leg was to expect when it entered its queue, held against what it waited when it is answered.

Both are functions of the legs: `expect` says and judges what stream time has passed, once it knows all that happened
before, and says it anew where late facts change the legs. The judgement is an amount in the pane of the answer, as if a
fact had told it. What happened longer ago than late facts amend windows stays as it was judged.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from operator import itemgetter

from msgspec.structs import replace

from streams.base.records import SEP
from streams.base.times import MINUTE_MS
from streams.metrics.accumulators import LONGEST_MS
from streams.metrics.calendar_windows import change
from streams.metrics.forecast import UNKNOWN, WINDOW_MS, Stay, Wait, walk
from streams.metrics.groups import is_group
from streams.metrics.panes import EMPTY, pane_start, plus
from streams.metrics.queues import until_of
from streams.metrics.rules import KpiPolicy
from streams.metrics.tables import FOREVER, Flow, LaneFault, Late, Leg, Tables, of_line, split_leg

Deltas = dict[tuple[str, int], Counter[str]]
"""Dimensions and start of a pane → what is added to its accumulators."""
Span = tuple[int, int]
"""From a moment (inclusive) until another."""


def expect(tables: Tables, line: str, span: Span, ended: bool, late: list[str], policy: KpiPolicy) -> list[str]:
    """Say and judge what happened in the span; ``ended``: and what lies behind it. ``late``: marks of legs that changed
    before it. Call it before the panes of the span are read.

    Returns the marks of days, and of panes whose windows tell of it, that changed by that. Raises `LaneFault`.
    """
    marks = _passed(tables, line, span, _changed(tables, late, span[0], policy), policy)
    if ended:
        marks += _passed(tables, line, (span[1], FOREVER), {}, policy)
    return marks


def forget_flows(tables: Tables, line: str, sealed: int, policy: KpiPolicy) -> None:
    """Forget of queues in which nobody waits what no forecast asks for any more."""
    for key in of_line(tables.flows, line):
        last = tables.flows[key].points[-1]
        if not last.waiting and last.at < _needed_from(sealed, policy):
            del tables.flows[key]


def _needed_from(sealed: int, policy: KpiPolicy) -> int:
    return _minute(sealed - policy.legs_ms) - WINDOW_MS


def _minute(at: int) -> int:
    return at - at % MINUTE_MS


def _changed(tables: Tables, late: list[str], before: int, policy: KpiPolicy) -> dict[str, int]:
    """By queue, from which whole minute on its legs are not what they were thought to be."""
    found: dict[str, int] = {}
    for mark in late:
        line, channel, queue, tier, kind, rest = mark.split(SEP, 5)
        if kind != "leg" or is_group(mark):
            continue
        was, now = tables.late[mark].until, until_of(tables, SEP.join((line, channel, queue, tier, rest)))
        first, last = min(was, now), max(was, now)
        if first < before and last >= before - policy.legs_ms:
            key = SEP.join((line, channel, queue))
            found[key] = min(found.get(key, FOREVER), _minute(max(first, before - policy.legs_ms)))
    return found


def _passed(tables: Tables, line: str, span: Span, since: dict[str, int], policy: KpiPolicy) -> list[str]:
    legs: defaultdict[str, list[str]] = defaultdict(list)
    others: Counter[str] = Counter()  # those that wait all the time, and of which all is said
    for key in of_line(tables.legs, line):
        leg, (queue, _, entered, _) = tables.legs[key], key.rsplit(SEP, 3)
        if int(entered) >= span[1] or is_group(key):
            continue
        if leg.said is None or leg.closed or leg.opened != 1 or leg.judged is not None or queue in since:
            legs[queue].append(key)
        else:
            others[queue] += 1
    if since:
        for key in of_line(tables.left, line):
            queue = key.rsplit(SEP, 3)[0]  # a group by channel and queue has the same
            if queue in since and not is_group(key) and tables.left[key].until(split_leg(key)[1]) >= since[queue]:
                legs[queue].append(key)
    deltas: Deltas = defaultdict(Counter)
    for queue in sorted(legs.keys() | since.keys()):
        start = since.get(queue, span[0])
        try:
            expected = _expected(tables, queue, legs[queue], others[queue], (start, span[1]), policy)
            for key in legs[queue]:
                _judge(tables, key, expected, (start, span[1]), span[0] - policy.legs_ms, deltas)
        except Exception as error:
            raise LaneFault(queue) from error
    return [mark for pane in sorted(deltas) for mark in _add(tables, *pane, deltas[pane], span[0], policy)]


def _expected(
    tables: Tables, queue: str, keys: Iterable[str], others: int, span: Span, policy: KpiPolicy
) -> dict[str, Wait]:
    """By key of those that entered in the span; what the queue did is kept for what comes."""
    names, stays = {}, []
    for key in keys:
        leg, (_, tier, entered, ident) = _leg(tables, key), key.rsplit(SEP, 3)
        name = f"{ident}{SEP}{tier}"
        names[name] = key
        stays.append(Stay(int(entered), name, leg.until(int(entered)), leg.answered(int(entered)) is not None))
    before = tables.flows.get(queue) or Flow()
    points, expected = walk(before.points, stays, *span, others)
    if span[1] < FOREVER and points:
        needed = max(0, bisect_right(points, _needed_from(span[1], policy), key=itemgetter(0)) - 1)
        after = Flow(tuple(points[needed:]))
        if after != before:
            tables.flows[queue] = after
    return {names[name]: wait for name, wait in expected.items()}


def _leg(tables: Tables, key: str) -> Leg:
    return tables.legs.get(key) or tables.left[key]


def _judge(tables: Tables, key: str, expected: dict[str, Wait], span: Span, limit: int, deltas: Deltas) -> None:
    """Count how the forecast of a leg came out; ``limit``: what happened before it stays as it was judged."""
    table = tables.legs if key in tables.legs else tables.left
    leg, (dims, entered) = table[key], split_leg(key)
    said, at = expected.get(key, leg.said), leg.answered(entered)
    if said is None and entered < span[0]:
        said = UNKNOWN  # it came too late to be told
    if at is not None and at >= span[1]:
        at = None
    if leg.judged is not None and leg.judged >= limit:
        deltas[dims, pane_start(leg.judged)].subtract(_amounts(leg.said, leg.judged - entered))
    judged = at if at is not None and (at >= limit or at == leg.judged) else None
    if judged is not None and judged >= limit:
        deltas[dims, pane_start(judged)].update(_amounts(said, judged - entered))
    if not (leg.opened or leg.closed or leg.answers):
        del table[key]
    elif (said, judged) != (leg.said, leg.judged):
        table[key] = replace(leg, said=said, judged=judged)


def _amounts(said: Wait | None, wait_ms: int) -> dict[str, int]:
    """Accumulator → amount."""
    if said is None or said == UNKNOWN:
        return {"forecast_unknown": 1}
    error = said - min(wait_ms, LONGEST_MS)
    return {"forecast_judged": 1, "forecast_error_ms": error, "forecast_absolute_ms": abs(error)}


def _add(tables: Tables, dims: str, start: int, delta: Counter[str], before: int, policy: KpiPolicy) -> Iterator[str]:
    """Add to a pane; to the row of its day, too, when that holds the pane already. Yields the marks of what changed."""
    more = {name: amount for name, amount in delta.items() if amount}
    if not more:
        return
    key = f"{dims}{SEP}{start}"
    tables.panes[key] = plus(tables.panes.get(key) or EMPTY, more)
    if start >= before:
        return
    yield from change(tables, dims, start, more, policy)
    if policy.details == "everywhere":
        mark = f"{dims}{SEP}pane{SEP}{start}"
        tables.late[mark] = Late()
        yield mark
