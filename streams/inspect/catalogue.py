"""The catalogue of KPIs explained: one of them on the terminal, all of them as a page of the documents.

Everything said here is made of `streams.metrics`: the catalogue and its formulas, the definitions, the rules.
"""

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import NamedTuple

from rich.table import Table

from streams.base.times import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, UNITS
from streams.inspect.readings import QueryError, shown
from streams.local.text import Terminal
from streams.metrics.accumulators import percentile
from streams.metrics.catalogue import BUSINESS, BUSINESS_INSTANT, CATALOGUE, INSTANT, OF_AGENTS, Kpi
from streams.metrics.definitions import DEFINITIONS
from streams.metrics.formulas import NOTHING, Totals
from streams.metrics.groups import DIMENSIONS
from streams.metrics.kpis import reading
from streams.metrics.rules import KpiPolicy
from streams.metrics.terms import TERMS, Definition

_NOW = INSTANT + BUSINESS_INSTANT
_ALL = CATALOGUE + BUSINESS + _NOW
KPIS = {name: tuple(kpi for kpi in _ALL if kpi.name == name) for name in dict.fromkeys(kpi.name for kpi in _ALL)}
"""By name, each with its variants; in the catalogue's order."""
BACKLOG = "backlog"
"""It is read at the end of a day; no longer window has it."""
_NAME = re.compile(r"[a-z_]+")


class Variant(NamedTuple):
    """A line of the catalogue."""

    kpi: Kpi
    says: str
    formula: str
    example: str


def find(name: str) -> tuple[str, Definition, list[Variant]]:
    """A KPI by its name. Raises QueryError for one that is not there, with the nearest."""
    if name not in KPIS:
        near = get_close_matches(name, KPIS, n=3, cutoff=0.5)
        meant = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(KPIS)}"
        raise QueryError(f"there is no KPI {name}; {meant}")
    definition = DEFINITIONS[name]
    found = [
        Variant(kpi, definition.said(kpi.variant), kpi.formula.text, example(kpi, definition)) for kpi in KPIS[name]
    ]
    return name, definition, found


def example(kpi: Kpi, definition: Definition) -> str:
    """The formula with the definition's amounts, and the value it gives."""
    totals: Totals = {**NOTHING, **definition.amounts(kpi.formula.histogram)}
    formula = kpi.formula
    value = shown(reading(kpi, formula.above(totals), formula.below(totals)))
    if formula.percent:
        counts = totals[formula.histogram]
        waits = ", ".join(f"{n} × {step / SECOND_MS:g} s" for step, n in counts.items())
        assert percentile(counts, formula.percent) is not None, "an example has amounts"
        return f"{waits}: {value}"
    if formula.merge == "max" and isinstance(totals[min(formula.names)], tuple):
        amounts = totals[min(formula.names)]
        return ", ".join(f"{n} × {wait / SECOND_MS:g} s" for wait, n in amounts) + f": {value}"
    numbers = _NAME.sub(lambda name: f"{totals[name[0]]:,}", formula.text)
    return f"{numbers} = {value}" if formula.merge != "count" or numbers != value else value


def windows(policy: KpiPolicy, kpis: Sequence[Kpi] = ()) -> str:
    """In which windows there are readings."""
    shortest = f"the shortest alone, {_length(policy.rolling[0][0])}"
    now = [kpi.variant for kpi in kpis if kpi in _NOW]
    if now and len(now) == len(kpis):
        return shortest
    if kpis and all(kpi.name == BACKLOG for kpi in kpis):
        return _calendar(policy, ("day",))[0] if "day" in policy.calendar else "none: there are no days"
    if policy.details == "days" and kpis and all(kpi.of_days for kpi in kpis):
        return "; ".join(_calendar(policy))
    of_agents = bool(kpis) and all(kpi.formula.names <= OF_AGENTS for kpi in kpis)
    rolling = [(each, tier) for tier in (True, False) for each in policy.rolling_by(tier=tier)]
    found = [
        f"{_length(each[0])} every {_length(each[1])}" + ("" if tier else ", all tiers together")
        for each, tier in sorted(rolling)
        if not of_agents or policy.of_agents(each)
    ]
    found += _calendar(policy)
    details = [kpi.variant for kpi in kpis if kpi.detail or kpi.of_days] if policy.details == "days" else []
    if details:
        found.append(
            f"those of the calendar alone: {', '.join(details)} (the records of other windows hold the sums of most)"
        )
    return "; ".join([*found, *(f"{variant}: {shortest}" for variant in now)])


def _calendar(policy: KpiPolicy, only: Sequence[str] = UNITS) -> list[str]:
    units: dict[int, list[str]] = {}
    for unit, every in policy.calendar.items():
        if unit not in only:
            continue
        units.setdefault(every, []).append(unit)
    zone = policy.time_zone.key
    return [f"calendar {' and '.join(some)} of {zone}, read every {_length(every)}" for every, some in units.items()]


def final(policy: KpiPolicy) -> str:
    """When a reading is final."""
    later = "those of the calendar" if len(policy.calendar) > 1 else f"the {next(iter(policy.calendar), 'day')}"
    return (
        "when stream time has passed the window's end, those of the calendar at local midnight; what comes within "
        f"{_length(policy.lateness_ms)} behind it amends it, what comes later {later} alone, "
        f"for {policy.day_kept_ms // DAY_MS} days"
    )


def terms(found: Iterable[Variant]) -> dict[str, str]:
    """What the names in the formulas are, in the order in which they come."""
    names = [name for each in found for name in _NAME.findall(each.formula) if name in TERMS]
    return {name: TERMS[name] for name in dict.fromkeys(names)}


def explain(name: str, policy: KpiPolicy, console: Terminal) -> None:
    """Write all of one KPI."""
    name, definition, found = find(name)
    console.print(name, style="bold", highlight=False)
    console.print(_plain(definition.says), highlight=False)
    console.print()
    table = Table("variant", "grain", "unit", "what is particular to it", "formula", "example")
    for each in found:
        table.add_row(each.kpi.variant, each.kpi.grain, each.kpi.unit, _plain(each.says), each.formula, each.example)
    console.print(table)
    facts = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for term, says in terms(found).items():
        facts.add_row(term, says)
    console.print(facts)
    console.print()
    rest = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for label, says in _facts(found, definition, policy).items():
        rest.add_row(label, _plain(says))
    console.print(rest)


def _facts(found: list[Variant], definition: Definition, policy: KpiPolicy) -> dict[str, str]:
    """What is particular to it, by label; what holds for all comes last."""
    facts, formulas, kpis = {}, " ".join(each.formula for each in found), [each.kpi for each in found]
    if "in_time" in formulas or "waiting_reached" in formulas:
        own = "".join(f", {queue} {_length(ms)}" for queue, ms in sorted(policy.service_level.queues.items()))
        facts["t"] = f"{_length(policy.service_level.threshold_ms)}{own}"
    if "short_abandoned" in formulas:
        facts["short abandon"] = f"within {_length(policy.short_abandon_ms)}"
    if all(kpi.of_patience for kpi in kpis):
        facts["nothing on"] = "channels on which nobody waits on the line"
    facts["source"] = definition.source
    of_agents = all(kpi.formula.names <= OF_AGENTS for kpi in kpis)
    facts["dimensions"] = "queue, agent_group" if of_agents else _each(DIMENSIONS)
    facts["windows"] = windows(policy, kpis)
    facts["final"] = definition.final or final(policy)
    for rule in dict.fromkeys(kpi.settles for kpi in kpis if kpi.settles is not None):
        variants = ", ".join(kpi.variant for kpi in kpis if kpi.settles == rule)
        hours = policy.settles_ms[rule] / HOUR_MS
        facts[f"provisional ({variants})"] = f"until {hours:g} h after the window's end"
    return facts


def page(policy: KpiPolicy) -> str:
    """The page of the documents, Markdown."""
    lines = [
        "# The catalogue of KPIs",
        "",
        "<!-- Made by `contact-streams kpis catalogue`; a test holds that it is current. -->",
        "Every KPI that is published, by the shipped rules. One of them on the terminal, by the rules of a deployment:",
        "`contact-streams kpis explain service_level`. How readings are made, and what happens to late events:",
        "[metrics.md](metrics.md).",
        "",
        "Where a KPI says nothing else:",
        "",
        f"- dimensions: {', '.join(DIMENSIONS)}",
        f"- windows: {windows(policy)}",
        f"- final: {final(policy)}",
        "",
        "| kpi | variants | grain |",
        "|---|---|---|",
    ]
    for name, kpis in KPIS.items():
        variants = ", ".join(f"`{kpi.variant}`" for kpi in kpis)
        lines.append(f"| [`{name}`](#{name}) | {variants} | {_each(kpi.grain for kpi in kpis)} |")
    for name in KPIS:
        lines += ["", *_section(name, policy)]
    return "\n".join(lines) + "\n"


def _section(name: str, policy: KpiPolicy) -> list[str]:
    _, definition, found = find(name)
    lines = [f"## {name}", definition.says, ""]
    lines += ["| variant | grain | unit | what is particular to it | formula | example |", "|---|---|---|---|---|---|"]
    for each in found:
        cells = (f"`{each.kpi.variant}`", each.kpi.grain, each.kpi.unit, each.says, f"`{each.formula}`", each.example)
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "; ".join(f"`{term}`: {says}" for term, says in terms(found).items()) + ".", ""]
    usual = (_each(DIMENSIONS), windows(policy), final(policy))
    facts = _facts(found, definition, policy)
    return [*lines, *(f"- {label}: {says}" for label, says in facts.items() if says not in usual)]


def _each(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))


def _plain(says: str) -> str:
    """Without the marks of Markdown, and without what is nothing but a link: "([how](…))"."""
    says = re.sub(r" \(\[[^\]]*\]\([^)]*\)\)", "", says)
    return re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", says).replace("*", "")


def _length(ms: int) -> str:
    if ms >= 2 * HOUR_MS and ms % HOUR_MS == 0:
        return f"{ms // HOUR_MS} h"
    return f"{ms // MINUTE_MS} min" if ms % MINUTE_MS == 0 else f"{ms / SECOND_MS:g} s"
