"""What a span comes to under each policy, as tables that fit a terminal: measures are rows, what they are of columns.

Columns that a terminal has no room for come in a further table below.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import chain

from rich.cells import cell_len
from rich.table import Table

from streams.base.times import SECOND_MS
from streams.policies.figures import Groups, Outcome, Sums, Target, whole
from streams.policies.policy import Policy

Cells = Sequence[str]
"""A column: its name, then a cell for each row."""
BESIDE = 3
"""What a column takes beside its text: a space on both sides, and a line."""
GOALS = (
    ("service_level", "in time"),
    ("abandonment", "abandoned"),
    ("csat", "satisfied"),
    ("first_contact_resolution", "first contact"),
    ("cost_per_contact", "cost per contact"),
)
"""Targets, and how they are called."""


def money(cents: Fraction | None, currency: str) -> str:
    """An amount as people read it."""
    if cents is None:
        return "–"
    found = whole(cents)
    return f"{'-' if found < 0 else ''}{abs(found) // 100:,}.{abs(found) % 100:02} {currency}"


def percent(share: Fraction | None) -> str:
    """A share as people read it."""
    return "–" if share is None else f"{float(share):.1f} %"


def seconds(ms: Fraction | None) -> str:
    """A time as people read it."""
    return "–" if ms is None else f"{float(ms) / SECOND_MS:.1f} s"


def in_order(policy: Policy, found: Groups) -> Iterator[tuple[str, Sums]]:
    """Services in the order of the policy, those that nobody had left out."""
    return ((each.name, found[each.name]) for each in policy.services if each.name in found)


def overview(outcomes: Sequence[Outcome], limits: str, currency: str, width: int) -> Iterator[Table]:
    """A column for each policy."""
    names = (
        "contacts", "still open", f"in time ({limits})", "abandoned", "mean wait", "cost", "cost per contact",
        "satisfied", "first contact", "promises broken", "customers of these", "value at risk", "targets met",
    )  # fmt: skip
    return _fitting("", [["", *names]], [_total(each, currency) for each in outcomes], width)


def _total(each: Outcome, currency: str) -> Cells:
    sums, told = each.total, [target for target in each.targets if target.met is not None]
    return (
        each.name,
        f"{sums.contacts:,}",
        f"{sums.still_open:,}",
        percent(sums.service_level),
        percent(sums.abandonment),
        seconds(sums.mean_wait_ms),
        money(sums.cost, currency),
        money(sums.cost_per_contact, currency),
        percent(sums.satisfied),
        percent(sums.first_contact_resolution),
        f"{sums.broken:,}",
        f"{sums.customers_broken:,}",
        money(sums.at_risk, currency),
        f"{sum(bool(target.met) for target in told)} of {len(told)}" if told else "–",
    )


def services(each: Outcome, whose: str, currency: str, width: int) -> Iterator[Table]:
    """A column for each service whose promises hold, with its targets."""
    targets = {(target.service, target.name): target for target in each.targets}
    counts = ("contacts", "mean wait", "late", "soured", "gave up")
    columns = [
        (
            name,
            f"{sums.contacts:,}",
            seconds(sums.mean_wait_ms),
            f"{sums.late:,}",
            f"{sums.soured:,}",
            f"{sums.gave_up:,}",
            *(_goal(goal, sums, targets.get((name, goal)), currency) for goal, _ in GOALS),
        )
        for name, sums in in_order(each.judge, each.promised)
    ]
    by = "" if whose == each.name else f" by services of {whose}"
    title = f"{each.name}{by}; ✗ = target missed"
    return _fitting(title, [["", *counts, *(word for _, word in GOALS)]], columns, width)


def _goal(goal: str, sums: Sums, target: Target | None, currency: str) -> str:
    def said(value: Fraction | None) -> str:
        return money(value, currency) if goal == "cost_per_contact" else percent(value)

    if target is None:
        return said(getattr(sums, "satisfied" if goal == "csat" else goal))
    sign, missed = "≥" if target.at_least else "≤", " ✗" if target.met is False else ""
    return f"{said(target.found)}{missed}\n{sign} {said(target.wanted)}"


def by_channel(outcomes: Sequence[Outcome], currency: str, width: int) -> Iterator[Table]:
    """Costs of each channel, a column for each policy."""
    channels = outcomes[0].channels
    counts = ["contacts", *(f"{sums.contacts:,}" for sums in channels.values())]
    columns = [(each.name, *(money(each.channels[name].cost, currency) for name in channels)) for each in outcomes]
    return _fitting("cost by channel", [["channel", *channels], counts], columns, width)


def at_risk(outcomes: Sequence[Outcome], currency: str, width: int) -> Iterator[Table]:
    """Value at risk by tier and service type, a column for each policy."""
    risks = outcomes[0].risks
    heads = [["tier", *(tier for tier, _ in risks)], ["type", *(kind for _, kind in risks)]]
    heads.append(["customers", *(f"{sums.customers:,}" for sums in risks.values())])
    columns = [(each.name, *(_risk(each.risks[key], currency) for key in risks)) for each in outcomes]
    return _fitting("value at risk: customers with a broken promise", heads, columns, width)


def _risk(sums: Sums, currency: str) -> str:
    return f"{sums.customers_broken:,}: {money(sums.at_risk, currency)}"


def _fitting(title: str, heads: Sequence[Cells], columns: Sequence[Cells], width: int) -> Iterator[Table]:
    """As many columns in a table as there is room for beside the heads, at least one."""
    room = width - 1 - sum(_wide(head) for head in heads)
    held: list[Cells] = []
    for column in columns:
        if held and sum(map(_wide, [*held, column])) > room:
            yield _table(title, heads, held)
            held = []
        held.append(column)
    yield _table(title, heads, held)


def _wide(column: Cells) -> int:
    return max(cell_len(line) for line in chain.from_iterable(cell.split("\n") for cell in column)) + BESIDE


def _table(title: str, heads: Sequence[Cells], columns: Sequence[Cells]) -> Table:
    found = Table(title=title or None, title_justify="left")
    for place, (name, *_) in enumerate([*heads, *columns]):
        found.add_column(name, justify="left" if place == 0 or name == "type" else "right", overflow="fold")
    for cells in zip(*(column[1:] for column in [*heads, *columns]), strict=True):
        found.add_row(*cells)
    return found
