"""What rules may look at of a KPI, as signals: its readings as they are published.

Of rolling windows those are final, or amended. Windows of the calendar are read while they go on, and those readings
count, too: an alert of a day that comes when the day is over is too late. A single reading that may change by what
happens next, such as first contact resolution for seven days, does not count before it has settled: it only ever gets
worse until then.

A reading holds from the end of its window on (of the calendar: from when it was read) until the next one, as no record
is published where a window reads like the one before; and for as long as the window is (of the calendar: until the next
one would be read), as all that is in it is gone by then. A number of things is 0 from there on.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from streams.alerts.signals import Piece, Signal
from streams.base.times import calendar_unit, to_ms
from streams.metrics.catalogue import Kpi


class Read(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One reading."""

    at: int
    """From when on it holds, ms."""
    until: int
    """It holds no longer."""
    value: float | None
    """None: the window says nothing of it."""
    cases: int = 0
    end: int = 0
    """Of the window."""


def is_count(kpi: Kpi) -> bool:
    """Whether it is a number of things, which is 0 where nothing is said."""
    return kpi.formula.merge == "count"


def read_of(record: Mapping[str, Any], at: int, kpi: Kpi) -> Read:
    """What a record of ``kpis`` says of a KPI; ``at``: the moment of it."""
    window = record["window"]
    end, length, every = to_ms(window["end"]), window["length_ms"], window["every_ms"]
    until = end + (every if calendar_unit(length) else length)
    for each in record["readings"]:
        if each["kpi"] == kpi.name and each["variant"] == kpi.variant:
            if each.get("status") == "provisional":
                break
            return Read(at, until, each["value"], each["denominator"], end)
    return Read(at, until, 0 if is_count(kpi) else None, 0, end)


def taken(reads: Sequence[Read], new: Read) -> tuple[Read, ...]:
    """With one more, which replaces the one before of its moment."""
    return (*(each for each in reads if each.at < new.at), new, *(each for each in reads if each.at > new.at))


def kept(reads: Sequence[Read], since: int, kpi: Kpi) -> tuple[Read, ...]:
    """Without those that hold no longer at a moment, but for what a number of things goes on from."""
    left = tuple([each for each in reads if each.until > since])
    return left if left or not reads or not is_count(kpi) else (reads[-1],)


def readings(reads: Sequence[Read], kpi: Kpi, min_cases: int) -> Signal:
    """Its value."""
    return tuple(_pieces(reads, kpi, min_cases))


def _pieces(reads: Sequence[Read], kpi: Kpi, min_cases: int) -> Iterator[Piece]:
    counts = is_count(kpi)
    for number, read in enumerate(reads):
        after = reads[number + 1].at if number + 1 < len(reads) else None
        until = read.until if after is None else min(read.until, after)
        if read.value is not None and (counts or read.cases >= min_cases):
            yield Piece(read.at, until, read.value, anchor=str(read.end))
        if counts and (after is None or until < after):
            yield Piece(until, after, 0, anchor=str(until))


def value_at(reads: Sequence[Read], at: int, kpi: Kpi) -> tuple[float, int] | None:
    """The reading and its cases that hold at a moment."""
    read = next((each for each in reversed(reads) if each.at <= at), None)
    if read is None:
        return None
    if at < read.until and read.value is not None:
        return read.value, read.cases
    return (0.0, 0) if is_count(kpi) else None


def goes_on(signal: Iterable[Piece], at: int) -> bool:
    """Whether there is a value at a moment."""
    return any(each.start <= at and (each.end is None or at < each.end) for each in signal)
