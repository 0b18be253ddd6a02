"""What a replay shows: a bar on a terminal, a line every few seconds elsewhere, and the counts at the end."""

import time as wall
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from streams.base.times import iso
from streams.local.text import Terminal
from streams.replay.reader import CallLog
from streams.replay.refused import Verdict
from streams.replay.run import Report

PLAIN_SECONDS = 5.0
"""Time between two lines where there is no terminal."""
SHOWN_FAULTS = 5


class Display:
    """A context manager; call it with (events published, event time in ms)."""

    def __init__(self, console: Terminal, replay_id: str, total: int) -> None:
        self._console = console
        self._replay_id = replay_id
        self._total = total
        self._start = self._printed = wall.monotonic()
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[rate]} events/s  {task.fields[reached]}"),
            TimeElapsedColumn(),
        )
        self._bar = Progress(*columns, console=console) if console.is_terminal else None
        self._task = self._bar.add_task(replay_id, total=total, rate="0", reached="") if self._bar else None

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    def __call__(self, published: int, time: int) -> None:
        now = wall.monotonic()
        rate = f"{published / max(now - self._start, 1e-3):,.0f}"
        if self._bar and self._task is not None:
            self._bar.update(self._task, completed=published, rate=rate, reached=iso(time)[:19])
        elif now - self._printed >= PLAIN_SECONDS:
            self._printed = now
            line = f"{self._replay_id}: {published:,} of {self._total:,} events, at {iso(time)}, {rate} events/s"
            plain(self._console, line)


def plain(console: Terminal, line: str) -> None:
    """One line without wrapping."""
    console.print(line, highlight=False, soft_wrap=True)


def show_read(console: Terminal, log: CallLog) -> None:
    """What the file holds, with its first unreadable rows."""
    left_out = ", ".join(f"{count:,} {reason}" for reason, count in log.left_out.items()) or "none"
    plain(
        console, f"{log.rows:,} rows: {len(log.planned):,} events; left out: {left_out}; unreadable: {log.unreadable:,}"
    )
    for fault in log.faults[:SHOWN_FAULTS]:
        plain(console, f"  line {fault.line}: {fault.message}")
    if log.unreadable > SHOWN_FAULTS:
        plain(console, f"  … and {log.unreadable - SHOWN_FAULTS:,} more")
    if log.twice:
        ids = "1 id" if log.twice == 1 else f"{log.twice:,} ids"
        plain(console, f"  {ids} came twice: such rows are kept apart (…~2); `join: true` makes them one contact")


def show_verdict(console: Terminal, report: Report | CallLog, verdict: Verdict) -> None:
    """What became of the rows: published, left out, unreadable, and refused by the workers, with reasons."""
    if verdict.unread and not verdict.watched:
        plain(console, "refused: not known, as no worker reads; what is refused will be in contacts.dead-letters")
    elif verdict.unread:
        plain(console, f"refused: not known in full, the workers stand still with {verdict.unread:,} records unread")
    for refusal in verdict.refusals[:SHOWN_FAULTS]:
        what = " ".join(filter(None, (refusal.reason, refusal.path)))
        where = "" if refusal.line is None else f", such as line {refusal.line}"
        plain(console, f"refused: {refusal.events:,} × {what}{where}: {refusal.message}")
    if len(verdict.refusals) > SHOWN_FAULTS:
        plain(console, f"refused: … and for {len(verdict.refusals) - SHOWN_FAULTS:,} more reasons")
    if not report.rows:
        return
    left_out = sum(report.left_out.values())
    refused = f", of which {verdict.rows:,} had an event refused" if verdict.rows else ""
    plain(
        console,
        f"{report.rows:,} rows = {report.replayed:,} published{refused} + {left_out:,} left out"
        f" + {report.unreadable:,} unreadable",
    )


def show_report(console: Terminal, report: Report) -> None:
    """What was published."""
    rate = report.published / report.seconds if report.seconds else 0.0
    times = (
        f", {iso(report.first_time)} to {iso(report.last_time)}"
        if report.first_time is not None and report.last_time is not None
        else ""
    )
    plain(
        console,
        f"replay {report.replay_id}: {report.published:,} events in {report.seconds:.1f} s "
        f"({rate:,.0f} events/s){times}",
    )
