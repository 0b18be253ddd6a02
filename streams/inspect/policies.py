"""Policies, and what a span comes to under each of them: as tables, JSON or CSV."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from rich.table import Table

from streams.base.times import iso
from streams.inspect import policy_tables
from streams.inspect.policy_tables import in_order, money
from streams.inspect.recorded import Query
from streams.local import text
from streams.local.text import Terminal
from streams.policies.compare import BreakEven, break_even
from streams.policies.figures import Outcome, Sums, Target, whole

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


def sentence(each: BreakEven, currency: str) -> str:
    """One policy against the first."""
    cost = f"costs {money(abs(each.extra_cost), currency)} {'more' if each.extra_cost > 0 else 'less'}"
    if each.extra_cost <= 0:
        needs = "it need keep nobody more for that"
    elif each.to_keep is None:
        needs = "customers are worth nothing, so it cannot pay by keeping them"
    else:
        margin = money(each.mean_margin, currency)
        needs = f"with a mean margin of {margin} it pays if it keeps {float(each.to_keep):.2f} customers more"
    kept = f"keeps {abs(float(each.kept)):.2f} {'more' if each.kept >= 0 else 'fewer'}"
    joined = "and" if (each.kept >= 0) == (each.value_kept >= 0) else "but"
    value = f"{money(abs(each.value_kept), currency)} {'more' if each.value_kept >= 0 else 'less'} of their value"
    verdict = "pays" if each.pays else "does not pay"
    return f"{each.other} against {each.base}: {cost}; {needs}: it {kept}, {joined} {value}, so it {verdict}."


def _tables(said: Comparison, width: int) -> Iterator[Table]:
    found, currency = said.outcomes, said.currency
    limits = "by each one's limits" if said.promises is None else f"by {said.promises}"
    yield from policy_tables.overview(found, limits, currency, width)
    for each in found:
        yield from policy_tables.services(each, said.promises or each.name, currency, width)
    yield from policy_tables.by_channel(found, currency, width)
    yield from policy_tables.at_risk(found, currency, width)


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
    total = said.outcomes[0].total
    span = f"{iso(said.query.start)} to {iso(said.query.end)}, line {said.query.name}"
    console.print(f"{span}: {total.contacts:,} contacts of {total.customers:,} customers", highlight=False)
    for table in _tables(said, console.width):
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
        "services": {name: figures(sums) for name, sums in in_order(each.policy, each.services)},
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
