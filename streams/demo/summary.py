"""What the demo prints at its end: each figure beside the simulator's truth, and how to look further."""

from collections.abc import Sequence
from datetime import UTC, datetime

from rich import box
from rich.table import Table
from rich.text import Text

from streams.demo.check import Check
from streams.demo.truth import Truth
from streams.local.text import Terminal
from streams.metrics.occupancy import ANY_CHANNEL

_COLUMNS = ("offered", "abandoned", "legs", "in time", "waiting", "wait ms", "talk ms", "CSAT answers")
"""Those shown; every other figure is checked as well, and named when it is wrong."""

_HEADINGS = {"abandoned": "aband.", "wait ms": "wait s", "talk ms": "talk s", "CSAT answers": "CSAT"}
NAMED = 20
"""Wrong figures that are named one by one."""


def print_summary(console: Terminal, checks: Sequence[Check], truth: Truth) -> bool:
    """Print the tables; True when every figure is right."""
    console.print(_by_queue(checks))
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
    for name in _COLUMNS:
        table.add_column(_HEADINGS.get(name, name), justify="right", no_wrap=True)
    table.add_column("")
    pairs = dict.fromkeys(check.where for check in checks if check.where is not None)
    for pair in pairs:
        if pair[0] == ANY_CHANNEL:
            continue  # of agents: the whole centre has them
        mine = {check.name: check for check in checks if check.where == pair}
        if any(check.truth or check.pipeline for check in mine.values()):
            table.add_row(
                " · ".join(pair),
                *(_cell(mine[name]) for name in _COLUMNS),
                _mark(all(check.right for check in mine.values())),
            )
    return table


def _centre(checks: Sequence[Check], truth: Truth) -> Table:
    table = Table(box=box.SIMPLE_HEAD, header_style="grey62")
    table.add_column("whole centre", no_wrap=True)
    for name in ("simulator", "pipeline"):
        table.add_column(name, justify="right")
    table.add_column("")
    for check in checks:
        if check.where is None:
            table.add_row(check.name, str(check.truth), str(check.pipeline), _mark(check.right))
    table.add_row("events published", f"{truth.events:,}", "", "")
    table.add_row("… of them sent twice, counted once", str(truth.duplicates), "", "")
    return table


def _cell(check: Check) -> Text:
    """The pipeline's figure; a wrong one in red, what it should be is said below the tables."""
    scale = 1000 if check.name.endswith(" ms") else 1
    return Text(f"{check.pipeline / scale:,.0f}", "" if check.right else "bold red")


def _mark(right: bool) -> Text:
    return Text("✓", "green") if right else Text("✗", "bold red")
