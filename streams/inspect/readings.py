"""The published readings of a span of time, as a table, JSON or CSV."""

import csv
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec
from rich.table import Table

from streams.base.errors import UserError
from streams.base.records import LIVE
from streams.base.times import SECOND_MS, day_start, iso
from streams.local import text
from streams.local.text import Terminal
from streams.metrics.groups import name_of
from streams.metrics.query import Row, Standing, ends_at, group_asked, table, tiles
from streams.metrics.rules import KpiPolicy

TOPIC = "kpis"
ALL_LINES = "all"
LINES_NAMED = 10
"""How many replays are named to whoever asks for one that is not there."""

Format = Literal["table", "json", "csv"]
"""How the readings are shown."""


class QueryError(UserError):
    """The question cannot be answered as it was put; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Query:
    """What to show: a span in ms (end exclusive), the dimensions of the rows, the line (``None`` = each on its own)."""

    start: int
    end: int
    by: tuple[str, ...] = ("channel", "queue")
    line: str | None = LIVE
    typed: tuple[str, str] | None = None
    """The span as it was asked for: queues with a zone of their own have it by their clocks."""

    def span(self, zone: ZoneInfo) -> tuple[int, int]:
        """Start and end in a zone."""
        return span(*self.typed, zone) if self.typed else (self.start, self.end)


class _Window(msgspec.Struct):
    start: str
    length_ms: int


class _Dimensions(msgspec.Struct):
    channel: str
    queue: str
    tier: str
    service_type: str | None = None
    agent_group: str | None = None


class _Head(msgspec.Struct):
    """As much of a record as decides whether it is wanted: most are of other windows, and readings are their bulk."""

    line: str
    window: _Window
    dimensions: _Dimensions
    by: tuple[str, ...] = ()


class _WholeWindow(_Window):
    end: str


class _Reading(msgspec.Struct):
    kpi: str
    variant: str
    unit: str
    numerator: int | None
    denominator: int


class _Whole(msgspec.Struct):
    """All that is looked at of a record."""

    line: str
    dimensions: _Dimensions
    window: _WholeWindow
    revision: int
    readings: list[_Reading]
    sums: dict[str, int] = {}
    histograms: dict[str, dict[str, int]] = {}


_head, _whole = msgspec.json.Decoder(_Head), msgspec.json.Decoder(_Whole)


def span(first: str, last: str, zone: ZoneInfo) -> tuple[int, int]:
    """From the start of ``first`` to the end of ``last``, ms: both dates inclusive; a date-time is that very moment.

    Date-times without an offset are local times of the zone. Raises QueryError for what is neither.
    """
    return moment(first, zone, 0), moment(last, zone, 1)


def moment(text: str, zone: ZoneInfo, days: int = 0) -> int:
    """A date-time as it was typed, or so many days after a date; ms. Raises QueryError."""
    try:
        if len(text) <= len("YYYY-MM-DD"):
            return day_start(date.fromisoformat(text) + timedelta(days=days), zone)
        found = datetime.fromisoformat(text)
        return round((found if found.tzinfo else found.replace(tzinfo=zone)).timestamp() * SECOND_MS)
    except (ValueError, OverflowError):
        raise QueryError(
            f"{text!r} is neither a date such as 1999-02-01 nor a date-time such as 1999-02-01T08:30"
        ) from None


async def recorded(path: Path) -> AsyncIterator[bytes]:
    """Records of ``kpis`` from a file, one a line, as ``kcat -C -t kpis -e -q`` writes them. Raises QueryError for what
    is none, with its line.
    """
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    try:
                        _whole.decode(line)
                    except msgspec.MsgspecError as error:
                        raise QueryError(f"{path}, line {number} is no record of {TOPIC}: {error}") from None
                    yield line
    except OSError as error:
        raise QueryError(f"{path} cannot be read: {error.strerror}") from None


async def collect(values: AsyncIterator[bytes], query: Query, policy: KpiPolicy) -> list[Row]:
    """Rows of the records that come. Raises QueryError when no windows make up the span, a dimension is unknown, or
    nothing that comes is of the line.
    """
    try:
        kept = {zone: Standing(tiles(*query.span(zone), policy, zone, query.by)) for zone in policy.zones}
        by = query.by if query.line is not None else ("line", *query.by)
        group = group_asked(query.by, policy)
        table((), by, lambda _: False)
    except ValueError as error:
        raise QueryError(str(error)) from None
    lines = {LIVE}
    async for value in values:
        head = _head.decode(value)
        lines.add(head.line)
        if query.line in (None, head.line) and name_of(head.by) == group:
            of = kept[policy.zone(head.dimensions.channel, head.dimensions.queue)]
            if of.wants(head.window.start, head.window.length_ms):
                of.add(msgspec.json.decode(value))
    if query.line is not None and query.line not in lines:
        raise QueryError(f"{no_line(query.line, lines)}. all: each on its own")
    last = {zone: ends_at(query.span(zone)[1]) for zone in policy.zones}

    def is_last(record: dict[str, Any]) -> bool:
        dims = record["dimensions"]
        return last[policy.zone(dims["channel"], dims["queue"])](record)

    return table(chain.from_iterable(each.records() for each in kept.values()), by, is_last)


def no_line(line: str, lines: set[str], what: str = "readings") -> str:
    """That there is nothing of a line, in words."""
    names = sorted(lines - {LIVE})
    more = f" and {len(names) - LINES_NAMED} more" if len(names) > LINES_NAMED else ""
    there = ", ".join(["live", *names[:LINES_NAMED]])
    return f"there is no line {line} with {what}; there {'are' if names else 'is'} {there}{more}"


COLUMNS: tuple[tuple[str, str, str], ...] = (
    ("offered", "contacts_offered", "all"),
    ("service level", "service_level", "reached_threshold"),
    ("in time, of offered", "answered_in_time", "of_offered"),
    ("abandoned, of offered", "abandonment", "of_offered"),
    ("abandoned, of legs", "abandonment", "of_left"),
    ("ASA, legs", "speed_of_answer", "answered_legs"),
    ("ASA, all", "speed_of_answer", "all_contacts"),
    ("handle time", "handle_time", "all"),
    ("first response", "first_response", "human_from_start"),
    ("FCR", "fcr", "of_solved"),
    ("open", "backlog", "open"),
    ("occupancy", "occupancy", "of_ready_time"),
    ("CSAT", "csat", "satisfied"),
    ("sentiment", "sentiment", "mean"),
    ("longest wait", "longest_wait", "left"),
)
"""Of the table: title, kpi, variant. JSON and CSV hold all of them."""


ABSENT = "–"


def shown(reading: dict[str, Any] | None) -> str:
    """A reading as people read it: percent, seconds; ``–`` where there is none."""
    if reading is None or reading["value"] is None:
        return ABSENT
    value = reading["value"]
    match reading["unit"]:
        case "ratio":
            return f"{100 * value:.2f} %"
        case "ms":
            return f"{value / SECOND_MS:.2f} s"
        case "milli":
            return f"{value / 1000:+.2f}"
        case "points":
            return f"{value:+.0f}"
    return str(value)


def as_table(rows: list[Row], query: Query) -> Table:
    """The readings most asked for, one row per dimensions; those that no row has are left out."""
    found = Table(title=f"{iso(query.start)} to {iso(query.end)}", title_justify="left")
    names = list(rows[0].dimensions) if rows else list(query.by)
    for name in names:
        found.add_column(name)
    told = [{(each["kpi"], each["variant"]): shown(each) for each in row.readings} for row in rows]
    columns = [
        (title, kpi, variant)
        for title, kpi, variant in COLUMNS
        if any(each.get((kpi, variant), ABSENT) != ABSENT for each in told)
    ]
    for title, _, _ in columns:
        found.add_column(title, justify="right", overflow="fold")
    for row, said in zip(rows, told, strict=True):
        cells = [_name(name, row.dimensions[name]) for name in names]
        found.add_row(*cells, *(said.get((kpi, variant), ABSENT) for _, kpi, variant in columns))
    return found


def as_json(rows: list[Row], query: Query) -> str:
    """``{from, to, rows: [{dimensions, readings}]}``."""
    found = [{"dimensions": row.dimensions, "readings": row.readings} for row in rows]
    return text.as_json({"from": iso(query.start), "to": iso(query.end), "rows": found})


def as_csv(rows: list[Row], query: Query) -> str:
    """One line per reading: the dimensions, then kpi, variant, grain, value, numerator, denominator, unit. A name that
    a spreadsheet would take for a formula has an apostrophe before it.
    """
    names = list(rows[0].dimensions) if rows else list(query.by)
    fields = ["kpi", "variant", "grain", "value", "numerator", "denominator", "unit"]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names + fields)
    for row in rows:
        for reading in row.readings:
            values = [*(row.dimensions[name] for name in names), *(reading[field] for field in fields)]
            writer.writerow([text.cell(value) for value in values])
    return out.getvalue().rstrip("\n")


def _name(dimension: str, value: str) -> str:
    return "live" if dimension == "line" and value == LIVE else text.shown(value)


def show(rows: list[Row], query: Query, how: Format, console: Terminal) -> None:
    """Write the rows; JSON and CSV for other programs."""
    if how == "table":
        if rows:
            console.print(as_table(rows, query))
        else:
            console.print(
                f"no readings from {iso(query.start)} to {iso(query.end)}. The running day is read every hour; "
                "for less, give date-times, such as --from 2026-03-02T09:00 --to 2026-03-02T09:15.",
                highlight=False,
            )
        return
    console.plain(as_json(rows, query) if how == "json" else as_csv(rows, query))


def make_query(first: str, last: str, by: str, line: str, zone: ZoneInfo) -> Query:
    """The query as it was typed; raises QueryError."""
    start, end = span(first, last, zone)
    names = tuple(name for part in by.split(",") if (name := part.strip()))
    lines = {"live": LIVE, ALL_LINES: None}
    return Query(start, end, names, lines.get(line, line), (first, last))
