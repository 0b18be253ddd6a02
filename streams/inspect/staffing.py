"""How many people queues need: from the readings that come, as a table or JSON."""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from rich.table import Table

from streams.base.records import LIVE
from streams.base.times import MINUTE_MS, SECOND_MS, iso, to_ms
from streams.inspect.readings import LINES_NAMED, QueryError
from streams.local import text
from streams.local.text import Terminal
from streams.metrics.erlang import UNSTABLE, Queue
from streams.metrics.groups import ALL
from streams.metrics.query import Record, Standing, tiles, window_of
from streams.metrics.rules import KpiPolicy
from streams.metrics.staffing import (
    Arrivals,
    Known,
    Measured,
    Need,
    Needs,
    Plan,
    Staffed,
    Where,
    interval_of,
    measured,
    needs,
    together,
)


class _Window(msgspec.Struct):
    start: str
    end: str
    length_ms: int


class _Dimensions(msgspec.Struct):
    channel: str


class _Head(msgspec.Struct):
    line: str
    window: _Window
    dimensions: _Dimensions
    by: tuple[str, ...] = ()

    @property
    def of_contacts(self) -> bool:
        """Whether its contacts are counted nowhere else: neither a group's, nor of agents, who serve no one channel."""
        return not self.by and self.dimensions.channel != ALL


_head = msgspec.json.Decoder(_Head)


class History(NamedTuple):
    """What readings say of each queue, by intervals."""

    queues: dict[Where, dict[int, Measured]]
    known: Known
    """Whole intervals that the readings cover; the first one is left out, as it may have begun before them."""


class _Line:
    """What passes by of one line: which others there are, and between which times its readings came."""

    def __init__(self, line: str, plan: Plan) -> None:
        self._line, self._plan = line, plan
        self._lines, self._first, self._last = set[str](), "9999", ""

    def has(self, head: _Head) -> bool:
        """Whether the record is of the line, and of no group: those count the same once more."""
        self._lines.add(head.line)
        if head.line != self._line or head.by:
            return False
        if head.window.length_ms <= self._plan.interval_ms:  # longer ones reach beyond what was measured
            self._first, self._last = min(self._first, head.window.end), max(self._last, head.window.end)
        return True

    def known(self) -> Known:
        """The whole intervals. Raises QueryError where there are no readings of the line."""
        if self._line not in self._lines:
            there = ", ".join(each or "live" for each in sorted(self._lines)[:LINES_NAMED]) or "none"
            raise QueryError(
                f"there are no readings of the line {self._line or 'live'}; --line takes those that have some: {there}"
            )
        if not self._last:
            return Known(0, 0)
        length, zone = self._plan.interval_ms, self._plan.zone
        first, last = (interval_of(to_ms(at), length, zone) for at in (self._first, self._last))
        return Known(first + length, last)


async def known(values: AsyncIterator[bytes], plan: Plan, line: str = LIVE) -> Known:
    """The whole intervals that readings of a line cover; of the plan, how long they are. Raises QueryError where there
    are none.
    """
    found = _Line(line, plan)
    async for value in values:
        found.has(_head.decode(value))
    return found.known()


async def collect(values: AsyncIterator[bytes], plan: Plan, policy: KpiPolicy, line: str = LIVE) -> History:
    """What records of ``kpis`` say of a line before the plan begins, in its intervals, all tiers together. Raises
    QueryError when nothing that comes is of the line, or no windows make up the intervals.
    """
    try:
        tiled = {start: tiles(start, start + plan.interval_ms, policy, plan.zone) for start in plan.past}
    except ValueError as error:
        raise QueryError(str(error)) from None
    interval = {window: start for start, windows in tiled.items() for window in windows}
    kept, found = Standing(interval), _Line(line, plan)
    async for value in values:
        head = _head.decode(value)
        if found.has(head) and head.of_contacts and kept.wants(head.window.start, head.window.length_ms):
            kept.add(_reduced(msgspec.json.decode(value)))
    parts: dict[Where, dict[int, list[Measured]]] = defaultdict(lambda: defaultdict(list))
    for record in kept.records():
        dims = record["dimensions"]
        parts[dims["channel"], dims["queue"]][interval[window_of(record)]].append(record["readings"])
    queues = {
        where: {start: together(each) for start, each in sorted(of.items())} for where, of in sorted(parts.items())
    }
    return History(queues, found.known())


def _reduced(record: Record) -> Record:
    """With what counts here in place of the readings, which are most of it."""
    said = {
        (each["kpi"], each["variant"]): (each["numerator"] or 0, each["denominator"]) for each in record["readings"]
    }
    return {name: record[name] for name in ("line", "dimensions", "window", "revision")} | {"readings": measured(said)}


def reckon(history: History, plan: Plan, policy: KpiPolicy, only: Iterable[str] = ()) -> list[Needs]:
    """What each queue needs. Raises QueryError where there is none, or none of those that are asked for."""
    chosen, names = set(only), {queue for _, queue in history.queues}
    if not names:
        raise QueryError("there are no readings of queues: nothing was measured from which to reckon")
    if missing := sorted(chosen - names):
        raise QueryError(f"no readings of the queue {', '.join(missing)}; there are {', '.join(sorted(names)[:20])}")
    return [
        needs(where, of, history.known, replace(plan, zone=policy.zone(*where)), policy.threshold(where[1]))
        for where, of in history.queues.items()
        if not chosen or where[1] in chosen
    ]


def show(found: list[Needs], history: History, plan: Plan, as_json: bool, console: Terminal) -> None:
    """Write them; JSON for other programs."""
    if as_json:
        console.plain(text.as_json(as_plain(found, history, plan)))
        return
    for each in found:
        if each.refused is not None:
            console.print(f"{' '.join(each.where)}: {each.refused}", highlight=False, soft_wrap=True)
            continue
        console.print(as_table(each, plan))
        if isinstance(each.patience_ms, str):
            console.note(f"no Erlang A: {each.patience_ms}")
        if any(need.arrivals.basis == "recent" for need in each.needs):
            console.note(
                "Where it says recent, readings do not reach back a week: arrivals are the mean of the last intervals, "
                "whatever the hour."
            )


def as_table(of: Needs, plan: Plan) -> Table:
    """One row per interval: arrivals with their spread, handle time, load, then what Erlang C and A say."""
    patience = "" if isinstance(of.patience_ms, str) else f", patience {_seconds(of.patience_ms)}"
    title = f"{text.shown(' '.join(of.where))}: {_target(of, plan)}{patience}"
    found = Table(title=title, title_justify="left")
    found.add_column("interval")
    impatient = () if isinstance(of.patience_ms, str) else (*_columns("A"), "gone A")
    for name in ("arrivals", "of", "AHT", "load", *_columns("C"), *impatient):
        found.add_column(name, justify="right")
    for need in of.needs:
        expected = need.arrivals
        spread = f"{expected.expected:.1f} ({expected.least}–{expected.most})"
        basis = f"{len(expected.of)} {'wk' if expected.basis == 'weekday' else 'recent'}"
        load = f"{need.load:.1f}"
        at = f"{datetime.fromtimestamp(need.start // SECOND_MS, plan.zone):%a %Y-%m-%d %H:%M}"
        rest = (*_cells(need.c, plan), *((*_cells(need.a, plan), _gone(need.a)) if impatient else ()))
        found.add_row(
            at,
            spread,
            basis,
            _seconds(need.handle_ms),
            load,
            *rest,
        )
    return found


def _columns(model: str) -> tuple[str, ...]:
    return f"agents {model}", f"SL {model}", f"ASA {model}", f"occ {model}"


def _cells(said: Staffed | str, plan: Plan) -> tuple[str, ...]:
    if isinstance(said, str):
        return (said if said == UNSTABLE else "–", "–", "–", "–")
    agents = f"{said.agents} ({said.scheduled})" if plan.shrinkage else str(said.agents)
    if said.queue is None:
        return (agents, "–", "–", "–")
    queue = said.queue
    return agents, f"{100 * queue.service_level:.1f} %", _seconds(queue.asa_ms), f"{100 * queue.occupancy:.1f} %"


def _gone(said: Staffed | str) -> str:
    return "–" if isinstance(said, str) or said.queue is None else f"{100 * said.queue.abandonment:.1f} %"


def _target(of: Needs, plan: Plan) -> str:
    target = plan.target
    if plan.agents is not None:
        return f"what {plan.agents} agents come to, within {_seconds(of.within_ms)}"
    parts = []
    if target.share is not None:
        parts.append(f"{100 * target.share:g} % within {_seconds(of.within_ms)}")
    if target.asa_ms is not None:
        parts.append(f"ASA up to {_seconds(target.asa_ms)}")
    if target.occupancy is not None:
        parts.append(f"occupancy up to {100 * target.occupancy:g} %")
    return ", ".join(parts)


def _seconds(ms: float) -> str:
    return f"{ms / SECOND_MS:.1f} s" if ms % SECOND_MS else f"{ms / SECOND_MS:.0f} s"


def as_plain(found: list[Needs], history: History, plan: Plan) -> dict[str, Any]:
    """For JSON. Of a model what is needed, or a word: ``unstable``, or why it does not say."""
    target = plan.target
    return {
        "from": iso(plan.start),
        "to": iso(plan.start + plan.intervals * plan.interval_ms),
        "interval_minutes": plan.interval_ms // MINUTE_MS,
        "target": {
            "service_level": target.share,
            "asa_ms": target.asa_ms,
            "occupancy": target.occupancy,
            "agents_given": plan.agents,
            "shrinkage": plan.shrinkage,
        },
        "readings": {"from": iso(history.known.start), "to": iso(history.known.end)},
        "queues": [
            {
                "channel": each.where[0],
                "queue": each.where[1],
                "within_ms": each.within_ms,
                "patience_ms": each.patience_ms,
                "refused": each.refused,
                "intervals": [_plain_need(need, plan) for need in each.needs],
            }
            for each in found
        ],
    }


def _plain_need(need: Need, plan: Plan) -> dict[str, Any]:
    return {
        "from": iso(need.start),
        "to": iso(need.start + plan.interval_ms),
        "arrivals": _plain_arrivals(need.arrivals),
        "handle_ms": need.handle_ms,
        "handle_of": need.handle_of,
        "load": need.load,
        "erlang_c": _plain_staffed(need.c),
        "erlang_a": _plain_staffed(need.a),
    }


def _plain_arrivals(expected: Arrivals) -> dict[str, Any]:
    return {
        "expected": expected.expected,
        "least": expected.least,
        "most": expected.most,
        "deviation": expected.deviation,
        "basis": expected.basis,
        "of": [iso(start) for start in expected.of],
    }


def _plain_staffed(said: Staffed | str) -> dict[str, Any] | str:
    if isinstance(said, str):
        return said
    return {"agents": said.agents, "scheduled": said.scheduled} | _plain_queue(said.queue)


def _plain_queue(queue: Queue | None) -> dict[str, float | None]:
    names = ("service_level", "asa_ms", "occupancy", "wait_probability", "abandonment")
    return {name: None if queue is None else getattr(queue, name) for name in names}
