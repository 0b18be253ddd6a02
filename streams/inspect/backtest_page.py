"""What a backtest found, as tables or JSON."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from rich.table import Table

from streams.alerts.rules import AlertRule
from streams.alerts.tally import Alerted, Change, Tally, change, differing, is_for_everybody, tally
from streams.base.times import SECOND_MS, iso
from streams.inspect.backtest import Outcome, Tested
from streams.inspect.customer_page import duration
from streams.local.text import Terminal

MOST_LISTED = 1000
"""Alerts in a table; JSON has all."""


@dataclass(frozen=True)
class Report:
    """A backtest, and how it is to be told."""

    source: str
    """What was read."""
    start: int
    end: int
    zone: ZoneInfo
    tested: Tested
    most: float
    """The share of its subjects for which a rule may fire."""
    seconds: float
    """It took."""

    def tallies(self, outcome: Outcome) -> list[Tally]:
        """In the order of the rules."""
        seen = self.tested.seen
        return [
            tally(rule.name, rule.subject, outcome.alerts, seen.of(rule.subject), self.end) for rule in outcome.rules
        ]

    @cached_property
    def new(self) -> list[Tally]:
        """Of the rules that are tried."""
        return self.tallies(self.tested.outcomes[0])

    @cached_property
    def old(self) -> dict[str, Tally] | None:
        """Of those in force, by name; None: nothing is compared."""
        others = self.tested.outcomes[1:]
        return {each.rule: each for each in self.tallies(others[0])} if others else None

    @cached_property
    def change(self) -> Change | None:
        """Against the rules in force."""
        outcomes = self.tested.outcomes
        return change(outcomes[1].alerts, outcomes[0].alerts) if len(outcomes) > 1 else None

    @cached_property
    def differing(self) -> dict[str, str]:
        """By name how a rule differs from the one in force."""
        if self.old is None:
            return {}
        new, old = (_by_name(each.rules) for each in self.tested.outcomes)
        return dict(differing(old, new))

    @property
    def for_everybody(self) -> list[Tally]:
        """What fires for too many, and does not say that it is to."""
        meant = {rule.name for rule in self.tested.outcomes[0].rules if rule.for_everybody}
        return [each for each in self.new if is_for_everybody(each, self.most) and each.rule not in meant]


def _by_name(rules: Iterable[AlertRule]) -> dict[str, AlertRule]:
    return {rule.name: rule for rule in rules}


# For people


def show(report: Report, console: Terminal, listed: Iterable[str] | None = None) -> None:
    """Tables; ``listed``: rules whose alerts are told one by one."""
    tested, seen = report.tested, report.tested.seen
    rate = f"{seen.events / report.seconds:,.0f}" if report.seconds else "–"
    console.note(
        f"{report.source}, {_moment(report.start, report.zone)} to {_moment(report.end, report.zone)}: "
        f"{seen.events:,} events, {tested.judged:,} of whom a rule can be about; "
        f"judged in {report.seconds:.1f} s, {rate} events/s"
    )
    for reason, count in tested.refused:
        console.note(f"refused: {count:,} × {reason}")
    console.print(_table(report))
    if report.change is not None:
        _show_change(report, report.change, console)
    for name in listed or ():
        _show_alerts(report, name, console)


def _table(report: Report) -> Table:
    old = report.old
    table = Table(box=None, pad_edge=False)
    table.add_column("rule", no_wrap=True)
    for name in (
        "alerts", *(("in force",) if old is not None else ()), "for", "share", "median", "longest", "in all",
        "worst hour", "open", "came back", "held",
    ):  # fmt: skip
        table.add_column(name, justify="right", no_wrap=True)
    for each in report.new:
        before = [f"{old[each.rule].alerts:,}" if each.rule in old else "–"] if old is not None else []
        mark = {"new": " (new)", "changed": " (changed)"}.get(report.differing.get(each.rule, ""), "")
        table.add_row(f"{each.rule}{mark}", f"{each.alerts:,}", *before, *_cells(each, report.zone))
    for name, how in report.differing.items():
        if how == "gone" and old is not None:
            table.add_row(f"{name} (gone)", "–", f"{old[name].alerts:,}", *_cells(Tally(name, ""), report.zone))
    return table


def _cells(each: Tally, zone: ZoneInfo) -> Iterator[str]:
    """Behind how many there are."""
    if not each.alerts:
        yield from [""] * 9
        return
    yield f"{each.subjects:,}{'' if each.of is None else f' of {each.of:,}'} {_many(each.about)}"
    yield "" if each.share is None else f"{100 * each.share:.1f} %"
    yield duration(each.median_ms)
    yield duration(each.longest_ms)
    yield duration(each.total_ms)
    yield "" if each.worst is None else f"{each.worst[1]:,} at {_moment(each.worst[0], zone)}"
    yield from (f"{count:,}" if count else "" for count in (each.open, each.came_back, each.suppressed))


def _many(about: str) -> str:
    """A journey is held against customers."""
    return {"journey": "customers", "kpi": "series"}.get(about, f"{about}s")


def _show_change(report: Report, found: Change, console: Terminal) -> None:
    if not (found.only_new or found.only_old or found.moved):
        console.note("against the rules in force: the same alerts")
        return
    console.note(
        f"against the rules in force: {len(found.only_new):,} alerts more, {len(found.only_old):,} less, "
        f"{len(found.moved):,} from or to another moment"
    )
    table = Table(box=None, pad_edge=False)
    for name in ("rule", "only in"):
        table.add_column(name, no_wrap=True)
    for name in ("subject", "from", "to", "for"):
        table.add_column(name)
    both = [("these rules", each) for each in found.only_new] + [("force", each) for each in found.only_old]
    for where, each in both[:SHOWN]:
        table.add_row(each.rule, where, *_alert(each, report))
    if both:
        console.print(table)
    if len(both) > SHOWN:
        console.note(f"… and {len(both) - SHOWN:,} more; --json has all")


SHOWN = 20
"""Alerts that only one of two sets of rules raises."""


def _show_alerts(report: Report, rule: str, console: Terminal) -> None:
    mine = [each for each in report.tested.outcomes[0].alerts if each.rule == rule]
    table = Table(box=None, pad_edge=False, title=rule, title_justify="left")
    for name in ("subject", "from", "to", "for", "over because"):
        table.add_column(name)
    for each in mine[:MOST_LISTED]:
        table.add_row(*_alert(each, report), each.because)
    console.print(table)
    if len(mine) > MOST_LISTED:
        console.note(f"… and {len(mine) - MOST_LISTED:,} more; --json has all")


def _alert(each: Alerted, report: Report) -> tuple[str, str, str, str]:
    zone = report.zone
    until = "open" if each.until is None else _moment(each.until, zone, seconds=True)
    return each.name, _moment(each.fired, zone, seconds=True), until, duration(each.ms(report.end))


def _moment(ms: int, zone: ZoneInfo, *, seconds: bool = False) -> str:
    found = datetime.fromtimestamp(ms // SECOND_MS, zone)
    return f"{found:%Y-%m-%d %H:%M:%S}" if seconds else f"{found:%Y-%m-%d %H:%M}"


# For machines


def as_plain(report: Report) -> dict[str, Any]:
    """All of it, for JSON; every alert, too."""
    outcomes, found = report.tested.outcomes, report.change
    plain: dict[str, Any] = {
        "source": report.source,
        "from": iso(report.start),
        "to": iso(report.end),
        "events": report.tested.seen.events,
        "judged": report.tested.judged,
        "refused": dict(report.tested.refused),
        "seen": {name: count for name, count in report.tested.seen._asdict().items() if name != "events"},
        "seconds": round(report.seconds, 3),
        "rules": [_rule(each, report) for each in report.new],
        "alerts": [_one(each, report.end) for each in outcomes[0].alerts],
        "for_everybody": [each.rule for each in report.for_everybody],
    }
    if report.old is not None and found is not None:
        plain["in_force"] = [_rule(each, report) for each in report.old.values()]
        plain["differing"] = report.differing
        plain["only_new"] = [_one(each, report.end) for each in found.only_new]
        plain["only_in_force"] = [_one(each, report.end) for each in found.only_old]
        plain["moved"] = [{"in_force": _one(old, report.end), "new": _one(new, report.end)} for old, new in found.moved]
    return plain


def _rule(each: Tally, report: Report) -> dict[str, Any]:
    return {
        "rule": each.rule,
        "subject": each.about,
        "alerts": each.alerts,
        "subjects": each.subjects,
        "of": each.of,
        "share": None if each.share is None else round(each.share, 4),
        "median_ms": each.median_ms,
        "longest_ms": each.longest_ms,
        "total_ms": each.total_ms,
        "worst_hour": None if each.worst is None else {"start": iso(each.worst[0]), "alerts": each.worst[1]},
        "open": each.open,
        "came_back": each.came_back,
        "held": each.suppressed,
        "withdrawn": each.withdrawn,
    }


def _one(each: Alerted, end: int) -> dict[str, Any]:
    return {
        "rule": each.rule,
        "subject": {"type": each.about, **dict(each.subject)},
        "from": iso(each.fired),
        "to": None if each.until is None else iso(each.until),
        "ms": each.ms(end),
        "because": each.because or None,
        "came_back": each.came_back,
        "held": each.suppressed,
    }
