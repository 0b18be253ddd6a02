"""What the audit says of alerts that wait, are kept, suppressed, held back and escalated: it holds without faults, and
finds what is wrong.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import pytest

from tests.chaos.audit import alerts, handled
from tests.chaos.audit.contacts import World
from tests.chaos.audit.logs import Logs, Rec
from tests.chaos.offline import told

Doc = dict[str, Any]


@cache
def run_of(seed: int) -> tuple[Logs, World, dict[str, int]]:
    with TemporaryDirectory() as folder:
        logs, world = told(seed, Path(folder))
    return logs, world, {"": max(rec.timestamp for rec in logs.of("alert.events")) - 3000}


def wrong(logs: Logs, world: World, now: dict[str, int]) -> list[str]:
    return [each.what for each in (*handled.check(logs, logs, world, now), *alerts.check(logs, world, [], now))]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_it_is_what_a_recount_gives(seed: int) -> None:
    logs, world, now = run_of(seed)
    assert wrong(logs, world, now) == []
    steps = [(rec.doc["alert"]["rule"], rec.doc["because"]) for rec in logs.of("alert.events")]
    assert set(steps) >= {
        ("kept", "began"), ("kept", "fired"), ("kept", "inhibited"), ("kept", "inhibition_over"), ("kept", "unanswered"),
        ("flood", "capped"), ("flood", "cap_over"), ("held-back", "fired"), ("held-back", "amended"),
    }  # fmt: skip
    ends = [rec.doc["alert"]["state"] for rec in logs.of("alert.events") if rec.doc["alert"]["rule"] == "kept"]
    assert {"expired", "resolved"} <= set(ends)


def changed(logs: Logs, which: Callable[[Doc], bool], make: Callable[[Doc], Doc | None]) -> Logs:
    """The first step that is ``which``, and how its alert stands where that is its last step, are other or gone."""
    first = next(rec for rec in logs.of("alert.events") if which(rec.doc))
    made = make(first.doc)

    def others(topic: str, before: Doc, after: Doc | None) -> list[Rec]:
        return [
            rec if rec.doc != before else replace(rec, value=orjson.dumps(after))
            for rec in logs.of(topic)
            if rec.doc != before or after is not None
        ]

    records = {"alert.events": others("alert.events", first.doc, made)}
    records["alerts"] = others("alerts", first.doc["alert"], made["alert"] if made else None)
    return replace(logs, records={**logs.records, **records})


def step_of(rule: str, because: str) -> Callable[[Doc], bool]:
    return lambda doc: doc["alert"]["rule"] == rule and doc["because"] == because


def with_alert(**of_alert: Any) -> Callable[[Doc], Doc]:
    return lambda doc: {**doc, "alert": {**doc["alert"], **of_alert}}


@pytest.mark.parametrize(
    ("which", "make", "says"),
    [
        (step_of("kept", "fired"), lambda doc: None, "step 2 is"),
        (step_of("kept", "inhibited"), with_alert(inhibited_by=None), "suppressed by nothing"),
        (step_of("kept", "fired"), lambda doc: {**doc, "notify": not doc["notify"]}, "says notify"),
        (step_of("kept", "unanswered"), with_alert(state="firing"), "unanswered, and it is firing"),
        (step_of("flood", "capped"), lambda doc: {**doc, "because": "fired"}, "of a minute were told"),
        (
            lambda doc: doc["alert"]["rule"] == "flood" and doc["alert"]["state"] == "resolved",
            with_alert(resolved_at="2026-03-02T10:00:00.000Z"),
            "is over by the recount",
        ),
    ],
)
def test_what_is_wrong_is_found(which: Callable[[Doc], bool], make: Callable[[Doc], Doc | None], says: str) -> None:
    logs, world, now = run_of(1)
    assert any(says in each for each in wrong(changed(logs, which, make), world, now))


def test_what_ought_to_be_there_is_missed() -> None:
    logs, world, now = run_of(1)
    gone = next(rec.doc["alert"]["fingerprint"] for rec in logs.of("alert.events") if step_of("kept", "fired")(rec.doc))
    left = {topic: [rec for rec in logs.of(topic) if rec.key != gone.encode()] for topic in ("alerts", "alert.events")}
    assert any(
        "no alert for ('kept'" in each for each in wrong(replace(logs, records={**logs.records, **left}), world, now)
    )
