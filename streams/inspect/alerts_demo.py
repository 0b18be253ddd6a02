"""Alerts from their first step to their last: what happened, each step with its reason, and the records of both."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from rich.text import Text

from streams.alerts.rules import AlertRule
from streams.base.times import iso
from streams.inspect.cases import Came, Doc, Outcome, as_span
from streams.local.text import Terminal, as_json, echo, shown

_COLOURS = {
    "firing": "bold red", "escalated": "bold red", "resolved": "green", "expired": "dim", "pending": "yellow",
    "acknowledged": "cyan", "silenced": "dim", "suppressed": "dim",
}  # fmt: skip
MOST_ALIKE = 2
"""Events of one kind, one after the other, of which more are counted."""
MOST_AMENDED = 2
"""Mere amendments, one after the other, that are shown."""


@dataclass
class Total:
    """What was shown so far."""

    cases: int = 0
    failed: int = 0
    steps: int = 0
    fields: set[str] = field(default_factory=set)
    states: set[str] = field(default_factory=set)

    def add(self, outcome: Outcome) -> None:
        """One more."""
        self.cases += 1
        self.failed += bool(outcome.problems)
        self.steps += len(outcome.steps)
        self.fields |= {step.doc["alert"]["kind"] for step in outcome.steps}
        self.states |= {step.doc["alert"]["state"] for step in outcome.steps}


def show(outcomes: Iterable[Outcome], rules: dict[str, AlertRule], count: int, console: Terminal) -> Total:
    """Each case as it is done."""
    total = Total()
    with console.status(f"case 1 of {count}") as status:
        for outcome in outcomes:
            total.add(outcome)
            for line in _lines(outcome, rules):
                console.print(line, soft_wrap=True)
            status.update(f"case {min(total.cases + 1, count)} of {count}")
    console.print(
        f"cases: {total.cases}, kinds: {len(total.fields)}, states: {len(total.states)}, steps: {total.steps}; "
        f"{total.cases - total.failed} as they are described, {total.failed} otherwise",
        highlight=False,
    )
    return total


def data(outcomes: Iterable[Outcome]) -> Total:
    """All records, as one document."""
    total, found = Total(), []
    for outcome in outcomes:
        total.add(outcome)
        found.append(
            {
                "case": outcome.case.name,
                "problems": outcome.problems,
                "events": [_record(each) for each in outcome.published],
                "steps": [_record(each) for each in outcome.steps],
                "alerts": [_record(each) for each in outcome.alerts.values()],
            }
        )
    echo(as_json({"cases": found}))
    return total


def _record(came: Came) -> Doc:
    return {"topic": came.topic, "offset": came.offset, "value": came.doc}


def _lines(outcome: Outcome, rules: dict[str, AlertRule]) -> Iterator[Text]:
    case = outcome.case
    mark = ("otherwise than described", "bold red") if outcome.problems else ("", "")
    yield Text.assemble((shown(case.name), "bold"), " ", mark)
    for name in case.rules:
        rule = rules[name]
        yield Text(f"  rule {name}: about a {rule.subject}, {rule.severity}", style="dim")
    for at, _, line in sorted(_told(outcome), key=lambda each: each[:2]):
        yield Text.assemble(f"  {as_span(max(at, 0)):>12}  ", line)
    for problem in outcome.problems:
        yield Text(f"  {problem}", style="red")
    for came in outcome.alerts.values():
        alert = came.doc
        if alert["rule"] in case.rules or not case.rules:
            yield Text(
                f"                alerts#{came.offset} {shown(alert['fingerprint'])}: {alert['state']} "
                f"({alert['because']}), revision {alert['revision']}",
                style="dim",
            )
    yield Text("")


def _told(outcome: Outcome) -> Iterator[tuple[int, int, Text]]:
    """(ms since the beginning, order, line): events with those alike counted, and steps."""
    start = outcome.case.start
    alike: list[Came] = []
    for came in [*outcome.published, None]:
        if came is not None and alike and came.doc["type"] == alike[-1].doc["type"]:
            alike.append(came)
            continue
        yield from _events(alike, start)
        alike = [came] if came is not None else []
    amended = 0
    for step in outcome.steps:
        amended = amended + 1 if step.doc["because"] == "amended" else 0
        if amended <= MOST_AMENDED:
            yield step.at - start, 1, _step(step)


def _events(alike: list[Came], start: int) -> Iterator[tuple[int, int, Text]]:
    for came in alike[:MOST_ALIKE]:
        event, said = came.doc, came.doc["data"]
        about = [str(value) for key, value in said.items() if key not in ("channel", "alert_id") and _is_word(value)]
        line = Text.assemble(f"{came.topic}#{came.offset} ", (event["type"], "blue"), f" {shown(' '.join(about))}")
        yield came.at - start, 0, line
    if len(alike) > MOST_ALIKE:
        last = alike[-1].doc
        more = Text(f"… and {len(alike) - MOST_ALIKE} more {last['type']}, the last {shown(_about(last))}", style="dim")
        yield alike[MOST_ALIKE].at - start, 0, more


def _about(event: Doc) -> str:
    said = event["data"]
    return str(said.get("contact_id") or said.get("customer_id") or event["id"])


def _is_word(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool) and len(str(value)) <= 40


def _step(step: Came) -> Text:
    doc, alert = step.doc, step.doc["alert"]
    subject = alert["subject"]
    about = [subject[name] for name in ("customer", "contact_id", "journey_id", "queue", "tier", "kpi", "source")]
    by = f" by {doc['by']}: {doc['note'] or ''}" if doc["by"] else ""
    return Text.assemble(
        f"alert.events#{step.offset} ",
        (alert["state"], _COLOURS[alert["state"]]),
        f" ({doc['because']}{by}) {alert['severity']} {alert['kind']} {_amount(alert['value'], alert['unit'])}"
        f" (limit {_amount(alert['limit'], alert['unit'])}) ",
        (shown(" ".join(each for each in about if each)), "cyan"),
        " → people" if doc["notify"] else " → nobody",
    )


def _amount(value: float | None, unit: str) -> str:
    if value is None:
        return "–"
    if unit == "time":
        return iso(round(value))
    return as_span(round(value)) if unit == "ms" else f"{value:g}"
