"""Policies, and what a span comes to under each of them: as tables, JSON or CSV."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from rich.table import Table

from streams.base.times import SECOND_MS, iso
from streams.inspect.recorded import Query
from streams.local import text
from streams.local.text import Terminal
from streams.policies.compare import BreakEven, break_even
from streams.policies.figures import Groups, Outcome, Sums, Target, whole
from streams.policies.policy import Policy

Format = Literal["table", "json", "csv"]
"""How the comparison is shown."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A record under several policies; the first is what the others are held against."""

    query: Query
    currency: str
    outcomes: tuple[Outcome, ...]
    promises: str | None = None
    """The policy by whose promises all are judged; None: each by its own."""

    @property
    def limits(self) -> str:
        """Whose limits hold, in words."""
        return "each by its own limits" if self.promises is None else f"all by the limits of {self.promises}"

    @property
    def break_evens(self) -> list[BreakEven]:
        """Each of the others against the first."""
        return [break_even(self.outcomes[0], other) for other in self.outcomes[1:]]


def money(cents: Fraction | None, currency: str) -> str:
    """An amount as people read it."""
    if cents is None:
        return "–"
    found = whole(cents)
    return f"{'-' if found < 0 else ''}{abs(found) // 100:,}.{abs(found) % 100:02} {currency}"


def percent(share: Fraction | None) -> str:
    """A share as people read it."""
    return "–" if share is None else f"{float(share):.1f} %"


def _seconds(ms: Fraction | None) -> str:
    return "–" if ms is None else f"{float(ms) / SECOND_MS:.1f} s"


def _met(targets: Sequence[Target]) -> str:
    told = [target for target in targets if target.met is not None]
    return f"{sum(bool(target.met) for target in told)} of {len(told)}" if told else "–"


def _table(title: str, names: Sequence[str], columns: Sequence[str]) -> Table:
    found = Table(title=title, title_justify="left")
    for name in names:
        found.add_column(name, overflow="fold")
    for name in columns:
        found.add_column(name, justify="right", overflow="fold")
    return found


def overview(said: Comparison) -> Table:
    """A row for each policy."""
    total = said.outcomes[0].total
    title = (
        f"{iso(said.query.start)} to {iso(said.query.end)}, line {said.query.name}: {total.contacts:,} contacts of "
        f"{total.customers:,} customers; in time, targets and promises: {said.limits}"
    )
    columns = (
        "in time", "abandoned", "mean wait", "cost", "per contact", "satisfied", "first contact",
        "promises broken", "customers", "value at risk", "targets met",
    )  # fmt: skip
    found = _table(title, ["policy"], columns)
    for each in said.outcomes:
        sums = each.total
        found.add_row(
            each.name,
            percent(sums.service_level),
            percent(sums.abandonment),
            _seconds(sums.mean_wait_ms),
            money(sums.cost, said.currency),
            money(sums.cost_per_contact, said.currency),
            percent(sums.satisfied),
            percent(sums.first_contact_resolution),
            f"{sums.broken:,}",
            f"{sums.customers_broken:,}",
            money(sums.at_risk, said.currency),
            _met(each.targets),
        )
    return found


def services(said: Comparison) -> Table:
    """A row for each service whose promises hold, with its targets, under each policy."""
    goals = ("service_level", "abandonment", "csat", "first_contact_resolution", "cost_per_contact")
    columns = ("contacts", "mean wait", "late", "sentiment", "abandoned", *(goal.replace("_", " ") for goal in goals))
    found = _table("services: found, and the target; ✗ = missed", ["policy", "service"], columns)
    for each in said.outcomes:
        targets = {(target.service, target.name): target for target in each.targets}
        for name, sums in _in_order(each.judge, each.promised):
            counts = (sums.contacts, sums.late, sums.soured, sums.gave_up)
            contacts, late, soured, gave_up = (f"{count:,}" for count in counts)
            cells = [_goal(goal, sums, targets.get((name, goal)), said.currency) for goal in goals]
            found.add_row(each.name, name, contacts, _seconds(sums.mean_wait_ms), late, soured, gave_up, *cells)
    return found


def _in_order(policy: Policy, found: Groups) -> Iterator[tuple[str, Sums]]:
    """Services in the order of the policy, those that nobody had left out."""
    return ((each.name, found[each.name]) for each in policy.services if each.name in found)


def _goal(goal: str, sums: Sums, target: Target | None, currency: str) -> str:
    show = (lambda value: money(value, currency)) if goal == "cost_per_contact" else percent
    if target is None:
        return show(getattr(sums, "satisfied" if goal == "csat" else goal))
    sign = "≥" if target.at_least else "≤"
    return f"{show(target.found)} ({sign} {show(target.wanted)}){' ✗' if target.met is False else ''}"


def by_channel(said: Comparison) -> Table:
    """Costs of each channel, a column for each policy."""
    found = _table("cost by channel", ["channel"], ["contacts", *(each.name for each in said.outcomes)])
    for name, sums in said.outcomes[0].channels.items():
        costs = (money(each.channels[name].cost, said.currency) for each in said.outcomes)
        found.add_row(name, f"{sums.contacts:,}", *costs)
    return found


def at_risk(said: Comparison) -> Table:
    """Value at risk by tier and service type, a column for each policy."""
    found = _table(
        "value at risk: customers with a promise that was not kept",
        ["tier", "type"],
        ["customers", *(each.name for each in said.outcomes)],
    )
    for (tier, kind), sums in said.outcomes[0].risks.items():
        risks = [each.risks[tier, kind] for each in said.outcomes]
        cells = (f"{each.customers_broken:,}: {money(each.at_risk, said.currency)}" for each in risks)
        found.add_row(tier, kind, f"{sums.customers:,}", *cells)
    return found


def sentence(each: BreakEven, currency: str) -> str:
    """One policy against the first."""
    if each.extra_cost <= 0:
        paid = f"costs {money(-each.extra_cost, currency)} less"
        needs = "It need keep nobody more for that"
    else:
        paid = f"costs {money(each.extra_cost, currency)} more"
        margin = money(each.mean_margin, currency)
        keep = "no number of customers" if each.to_keep is None else f"{float(each.to_keep):.2f} customers"
        needs = f"It pays from {keep} kept on (mean margin {margin})"
    kept = f"{'keeps' if each.value_kept >= 0 else 'risks'} {money(abs(each.value_kept), currency)}"
    more = "" if each.value_kept >= 0 else " more"
    verdict = "it pays" if each.pays else "it does not pay"
    customers = f"{float(each.kept):+.2f} customers"
    return f"{each.other} against {each.base}: {paid} and {kept}{more}, {customers}. {needs}: {verdict}."


NOTES = (
    "Replayed: the same arrivals, agents free at the same moments, in each policy's order. Nobody's patience or handle "
    "time changes, and nobody is hired."
)


def show(said: Comparison, how: Format, console: Terminal) -> None:
    """Write the comparison; JSON and CSV for other programs."""
    if how == "json":
        console.plain(text.as_json(as_plain(said)))
        return
    if how == "csv":
        console.plain(as_csv(said))
        return
    for table in (overview(said), services(said), by_channel(said), at_risk(said)):
        console.print(table)
    for each in said.break_evens:
        console.print(sentence(each, said.currency), highlight=False)
    console.note(f"{NOTES} In time, targets and promises: {said.limits}. docs/policies.md says what follows from that.")
    for outcome in said.outcomes:
        if outcome.unpriced:
            console.note(f"{outcome.name} says no cost of {', '.join(outcome.unpriced)}: 0 for each contact there.")


def _number(value: Fraction | None, digits: int = 4) -> float | None:
    return None if value is None else round(float(value), digits)


def _cents(value: Fraction | None) -> int | None:
    return None if value is None else whole(value)


COUNTS = (
    "contacts", "still_open", "offered", "answered", "abandoned", "rescued", "csat_answers", "resolved", "unresolved",
    "broken", "late", "soured", "gave_up", "customers", "customers_broken",
)  # fmt: skip


def figures(sums: Sums) -> dict[str, int | float | None]:
    """By name; shares in percent, money in whole cents, times in ms."""
    return {
        **{name: getattr(sums, name) for name in COUNTS},
        "service_level": _number(sums.service_level),
        "abandonment": _number(sums.abandonment),
        "mean_wait_ms": _number(sums.mean_wait_ms, 1),
        "handle_ms": sums.handle_ms,
        "cost": whole(sums.cost),
        "cost_per_contact": _cents(sums.cost_per_contact),
        "csat_satisfied": _number(sums.satisfied),
        "first_contact_resolution": _number(sums.first_contact_resolution),
        "value_at_risk": whole(sums.at_risk),
    }


def _risk(sums: Sums) -> dict[str, int]:
    return {
        "customers": sums.customers,
        "customers_broken": sums.customers_broken,
        "value_at_risk": whole(sums.at_risk),
    }


def _target(target: Target) -> dict[str, Any]:
    cents = target.name == "cost_per_contact"
    found, wanted = (_cents(each) if cents else _number(each) for each in (target.found, target.wanted))
    at = "at_least" if target.at_least else "at_most"
    return {"service": target.service, "target": target.name, at: wanted, "found": found, "met": target.met}


def _outcome(each: Outcome) -> dict[str, Any]:
    return {
        "policy": each.name,
        "title": each.policy.title,
        "total": figures(each.total),
        "services": {name: figures(sums) for name, sums in _in_order(each.policy, each.services)},
        "tiers": {name: figures(sums) for name, sums in each.tiers.items()},
        "types": {name: figures(sums) for name, sums in each.types.items()},
        "channels": {
            name: {"contacts": sums.contacts, "cost": whole(sums.cost)} for name, sums in each.channels.items()
        },
        "at_risk": [{"tier": tier, "type": kind, **_risk(sums)} for (tier, kind), sums in each.risks.items()],
        "targets": [_target(target) for target in each.targets],
        "unpriced_channels": list(each.unpriced),
    }


def _break_even(each: BreakEven) -> dict[str, Any]:
    return {
        "base": each.base,
        "other": each.other,
        "extra_cost": whole(each.extra_cost),
        "value_kept": whole(each.value_kept),
        "mean_margin": whole(each.mean_margin),
        "customers_to_keep": _number(each.to_keep),
        "customers_kept": _number(each.kept),
        "pays": each.pays,
    }


def as_plain(said: Comparison) -> dict[str, Any]:
    """All of it, for JSON."""
    return {
        "from": iso(said.query.start),
        "to": iso(said.query.end),
        "line": said.query.line,
        "currency": said.currency,
        "promises": said.promises,
        "policies": [_outcome(each) for each in said.outcomes],
        "break_even": [_break_even(each) for each in said.break_evens],
    }


def as_csv(said: Comparison) -> str:
    """One line per figure: policy, what it is of (total, service, tier, type, channel, tier and type, target,
    break-even against the first), its name, figure, value. A name that a spreadsheet would take for a formula has
    an apostrophe before it.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["policy", "of", "name", "figure", "value", "currency"])
    for row in _rows(said):
        writer.writerow([*(text.cell(value) for value in row), said.currency])
    return out.getvalue().rstrip("\n")


def _rows(said: Comparison) -> Iterator[tuple[object, ...]]:
    for each in map(_outcome, said.outcomes):
        name = each["policy"]
        for figure, value in each["total"].items():
            yield name, "total", "", figure, value
        for of in ("services", "tiers", "types", "channels"):
            for which, found in each[of].items():
                yield from ((name, of.removesuffix("s"), which, figure, value) for figure, value in found.items())
        for risk in each["at_risk"]:
            which = f"{risk.pop('tier')} {risk.pop('type')}"
            yield from ((name, "tier and type", which, figure, value) for figure, value in risk.items())
        for target in each["targets"]:
            yield name, "target", target["service"], target["target"], target["met"]
    for found in map(_break_even, said.break_evens):
        base, other = found.pop("base"), found.pop("other")
        yield from ((other, "break-even", base, figure, value) for figure, value in found.items())
