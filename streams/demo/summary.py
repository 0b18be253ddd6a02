"""What the demo prints at its end: each group of figures beside the simulator's truth, and how to look further."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from streams.demo.check import WAITING, Check
from streams.demo.measures import MEASURES, MOMENTS
from streams.demo.served import GROUP as QUALITY
from streams.demo.truth import Truth
from streams.local.text import Terminal
from streams.metrics.occupancy import ANY_CHANNEL


@dataclass(frozen=True)
class Column:
    """A figure that is shown of each channel and queue; every other one is compared as well, and named when it is
    wrong."""

    heading: str
    figure: str
    scale: int = 1


_COLUMNS = (
    Column("offered", "contacts_offered.all"),
    Column("aband.", "abandonment.of_offered"),
    Column("legs", "legs_entered.all"),
    Column("in time", "service_level.answered_only"),
    Column("waiting", WAITING),
    Column("wait s", "speed_of_answer.answered_legs", 1000),
    Column("talk s", "handle_time.talk", 1000),
    Column("CSAT", "csat.satisfied, of how many"),
)
_ORDER = (*(each.kpi for each in MEASURES), *(each.kpi for each in MOMENTS))
NAMED = 20
"""Wrong figures that are named one by one."""


@dataclass(frozen=True)
class Group:
    """Figures that are about one thing: a KPI with its variants, say."""

    name: str
    checks: tuple[Check, ...]

    @property
    def right(self) -> int:
        """How many agree."""
        return sum(check.right for check in self.checks)


def groups(checks: Sequence[Check]) -> list[Group]:
    """In the order of what is compared, whatever of it there is."""
    there = {check.group for check in checks}
    names = dict.fromkeys([*(name for name in _ORDER if name in there), *(check.group for check in checks)])
    return [Group(name, tuple(check for check in checks if check.group == name)) for name in names]


def print_summary(console: Terminal, checks: Sequence[Check], truth: Truth) -> bool:
    """Print the tables; True when every figure is right."""
    console.print(_by_queue(checks))
    console.print(_groups(checks))
    console.print(_centre(checks, truth))
    wrong = [check for check in checks if not check.right]
    for check in wrong[:NAMED]:
        where = " · ".join(check.where) + ": " if check.where else ""
        console.print(
            f"✗ {where}{check.name}: the simulator says {check.truth}, the pipeline {check.pipeline}", style="red"
        )
    if len(wrong) > NAMED:
        console.print(f"✗ … and {len(wrong) - NAMED} more of {len(checks)} figures", style="red")
    if not wrong:
        console.print(f"✓ all {len(checks)} figures agree with the simulator's own truth", style="bold green")
    return not wrong


def as_json(checks: Sequence[Check], line: str) -> dict[str, Any]:
    """How many figures agree, by group; each one that does not, and what it should be."""
    return {
        "line": line,
        "figures": len(checks),
        "agree": sum(check.right for check in checks),
        "groups": {each.name: {"figures": len(each.checks), "agree": each.right} for each in groups(checks)},
        "wrong": [
            {"figure": c.name, "where": c.where and list(c.where), "simulator": c.truth, "pipeline": c.pipeline}
            for c in checks
            if not c.right
        ],
    }


def print_commands(
    console: Terminal, bootstrap: str, prefix: str, line: str, times: tuple[int, int], customer: str = "customer:C1000"
) -> None:
    """How to look further; ``times`` in ms since the epoch, ``customer``: one of whom something is known."""
    first, last = (f"{datetime.fromtimestamp(time / 1000, UTC):%Y-%m-%d}" for time in times)
    option = f" --topic-prefix {prefix}" if prefix else ""
    console.print("\nLook further:", style="bold")
    for command in (
        f"contact-streams kpis --line {line} --from {first} --to {last} --by channel,queue{option}",
        f"contact-streams customer show {customer} --line {line}{option}",
        f"kcat -b {bootstrap} -t {prefix}alerts -C -e -q | grep {line}",
        f"kcat -b {bootstrap} -t {prefix}journeys -C -e -q | grep {line} | tail -1",
        f"kcat -b {bootstrap} -t {prefix}contacts.dead-letters -C -e -q | tail -1",
    ):
        console.print(f"  {command}", soft_wrap=True, highlight=False)


def _by_queue(checks: Sequence[Check]) -> Table:
    table = Table(box=None, header_style="grey62 underline", padding=(0, 1, 0, 0))
    table.add_column("channel · queue", no_wrap=True)
    for column in _COLUMNS:
        table.add_column(column.heading, justify="right", no_wrap=True)
    table.add_column("")
    pairs = dict.fromkeys(check.where for check in checks if check.where is not None)
    for pair in pairs:
        if pair[0] == ANY_CHANNEL:
            continue  # of agents: the whole centre has them
        mine = {check.name: check for check in checks if check.where == pair}
        table.add_row(
            " · ".join(pair),
            *(_cell(mine.get(column.figure), column.scale) for column in _COLUMNS),
            _mark(all(check.right for check in mine.values())),
        )
    return table


def _groups(checks: Sequence[Check]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, header_style="grey62")
    table.add_column("per channel and queue, quality by contact", no_wrap=True)
    for name in ("figures", "agree"):
        table.add_column(name, justify="right")
    table.add_column("")
    for group in groups([check for check in checks if not _is_named(check)]):
        right = group.right
        table.add_row(group.name, str(len(group.checks)), str(right), _mark(right == len(group.checks)))
    return table


def _centre(checks: Sequence[Check], truth: Truth) -> Table:
    table = Table(box=box.SIMPLE_HEAD, header_style="grey62")
    table.add_column("whole centre", no_wrap=True)
    for name in ("simulator", "pipeline"):
        table.add_column(name, justify="right")
    table.add_column("")
    for check in checks:
        if _is_named(check):
            table.add_row(check.name, str(check.truth), str(check.pipeline), _mark(check.right))
    table.add_row("events published", f"{truth.events:,}", "", "")
    table.add_row("… of them sent twice, counted once", str(truth.duplicates), "", "")
    return table


def _is_named(check: Check) -> bool:
    """Figures of the whole centre have a line each; of quality the behaviours are too many."""
    return check.where is None and check.group != QUALITY


def _cell(check: Check | None, scale: int) -> Text:
    """The pipeline's figure; a wrong one in red, what it should be is said below the tables."""
    if check is None:
        return Text("0")
    return Text(f"{check.pipeline / scale:,.0f}", "" if check.right else "bold red")


def _mark(right: bool) -> Text:
    return Text("✓", "green") if right else Text("✗", "bold red")
