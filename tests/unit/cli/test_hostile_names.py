"""Every command that shows what others named shows it as text: names that would be obeyed, through all renderers."""

import io
import json
import logging
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from streams.cli.main import app
from streams.demo.board import Pulse, render
from streams.demo.check import Check
from streams.demo.state import BoardState
from streams.demo.summary import print_commands, print_summary
from streams.demo.truth import Truth
from streams.inspect import machine, merges, rows, stats
from streams.inspect.machine import Finding, Status
from streams.inspect.readings import Format, Query, show
from streams.inspect.rows import Found, Search
from streams.inspect.stats import PartitionStats, TableStats
from streams.local.text import Terminal
from streams.metrics.query import Row
from streams.metrics.tables import SEP
from streams.replay.console import Display, show_read, show_report, show_verdict
from streams.replay.reader import CallLog, Fault
from streams.replay.refused import Refusal, Verdict
from streams.replay.run import Report
from streams.settings import load
from streams.worker import logs
from tests.support.product import RULES

HOSTILE = [
    "[/nope]",
    "[bold red]x[/]",
    "[link=https://x.example]y[/link]",
    "\x1b[31mred\x1b]8;;https://x.example\x07y",
    "a\x9b31mb\x85c\u202ed\u2066e\u2028f\rg\x07h\x7f",
    ":boom:",
    "=HYPERLINK(1)",
]
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
Draw = Callable[[str], str]
"""A name → what a command writes that shows it."""


def on(draw: Callable[[Terminal, str], object]) -> Draw:
    """By what writes to a console; not on a terminal, so that every escape sequence came with the name."""

    def drawn(name: str) -> str:
        out = io.StringIO()
        draw(Terminal(file=out, width=240), name)
        return out.getvalue()

    return drawn


def run(*arguments: str, env: dict[str, str] | None = None) -> str:
    """stdout and stderr of a command."""
    given = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "COLUMNS": "240", **(env or {})}
    done = CliRunner().invoke(app, arguments, env=given)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.stdout + done.stderr


def readings(how: Format) -> Draw:
    reading = {
        "kpi": "k",
        "variant": "v",
        "grain": "leg",
        "value": 1,
        "numerator": 1,
        "denominator": 1,
        "unit": "count",
    }
    return on(lambda console, name: show([Row({"queue": name}, [reading])], Query(0, 60_000, ("queue",)), how, console))


def merged(how: merges.Format) -> Draw:
    def draw(console: Terminal, name: str) -> None:
        change = merges.Change(
            name, f"email:{name}", f"customer:{name}", name, name, merges.Evidence(name, name), "2026", "", name
        )
        merges.show(merges.merged([change]), merges.Query(0, 1), how, console)

    return on(draw)


class Stored(msgspec.Struct):
    """A row of a table."""

    queue: str


def shown_row(name: str, monkeypatch: pytest.MonkeyPatch) -> str:
    async def found(*_: object) -> Search:
        key = SEP.join(["", "voice", name])
        return Search([f"panes in {name}"], [Found("measure", "panes", 0, key, 7, 10, 1, Stored(name))])

    async def nothing(*_: object) -> Search:
        return Search([f"panes in {name}"])

    told = ""
    for find in (found, nothing):
        monkeypatch.setattr(rows, "find", find)
        told += run("state", "show", name) + run("state", "show", name, "--json")
    return told


def statistics(name: str, monkeypatch: pytest.MonkeyPatch) -> str:
    async def found(*_: object) -> list[PartitionStats]:
        return [PartitionStats("track", 0, 9, {name: 3}, 0, {"customers": TableStats(1, 1, 1, name, {1: 1})})]

    monkeypatch.setattr(stats, "statistics", found)
    return run("state", "stats") + run("state", "stats", "--json")


def diagnosis(name: str, monkeypatch: pytest.MonkeyPatch) -> str:
    found = [Finding(name, status, name, name) for status in Status]
    monkeypatch.setattr(machine, "examine", lambda *_, **__: found)
    return run("doctor")


def checked_events(name: str, tmp_path: Path) -> str:
    file = tmp_path / "event.json"
    file.write_text(json.dumps([{"type": name}, {"specversion": "1.0", "id": name, "type": "contact.queued", name: 1}]))
    return run("schemas", "validate", str(file)) + run("schemas", "validate", f"{tmp_path}/{name}")


def checked_rules(name: str, tmp_path: Path) -> str:
    rule = {"name": name, "subject": name, "tiers": [name], "when": {name: {name: name}}}
    rules = [rule, {**rule, "subject": "contact"}, {**rule, "subject": "kpi", "when": {"value": {"above": name}}}]
    (tmp_path / "alerts.yaml").write_text(json.dumps({"rules": rules, name: 1}))
    return run("rules", "check", str(tmp_path))


def settings(name: str) -> str:
    env = {"CONTACT_STREAMS_SENTIMENT_SCORER": name, "CONTACT_STREAMS_RULES_DIR": name}
    return (
        run("settings", env=env)
        + run("settings", "--json", env=env)
        + run("settings", env={"CONTACT_STREAMS_TIME_ZONE": name})
    )


def board(console: Terminal, name: str) -> None:
    told = BoardState("")
    told.apply("queue.state", {"channel": name, "queue": name, "at": "2026-01-01T09:00:00.000Z", "depth": 3})
    alert: dict[str, Any] = {
        "alert_id": "a", "kind": "wait", "status": "firing", "tier": name, "channel": name, "queue": name,
        "customer": f"customer:{name}", "limit": 1000, "contact_id": name, "reason": name,
    }  # fmt: skip
    told.apply("alerts", alert)
    told.apply("alerts", {**alert, "alert_id": "b", "status": "resolved"})
    contacts = [{"channel": channel, "outcome": name} for channel in (name, "voice")]
    told.apply("journeys", {"journey_id": "j", "customer": name, "tier": name, "contacts": contacts, "wait_ms": 1})
    for width, height in ((80, 24), (160, 40)):
        console.print(render(told, Pulse(1_767_258_000_000, 10), width, height))


def summary(console: Terminal, name: str) -> None:
    names = ("offered", "abandoned", "legs", "in time", "waiting", "wait ms", "talk ms", "CSAT answers")
    print_summary(console, [Check(each, ("voice", name), 1, 2) for each in names], Truth(RULES))
    print_summary(console, [Check(name, None, 1, 2)], Truth(RULES))
    print_commands(console, name, name, name, (0, 1))


def replayed(console: Terminal, name: str) -> None:
    log = CallLog(name, name, name, rows=2, unreadable=1, faults=[Fault(1, f"column {name}: {name!r} is no time")])
    log.left_out[name] = 1
    show_read(console, log)
    report = Report(name, 2, 0, {name: 1}, 1, 0.0, None, None)
    show_verdict(console, report, Verdict((Refusal(name, name, name, 1, 2),), 1))
    show_report(console, report)
    display = Display(console, name, 10)
    display._printed = -1000.0
    display(1, 0)


RENDERERS: dict[str, Draw] = {
    "kpis --format table": readings("table"),
    "kpis --format csv": readings("csv"),
    "kpis --format json": readings("json"),
    "merges --format table": merged("table"),
    "merges --format json": merged("json"),
    "demo: board": on(board),
    "demo: summary": on(summary),
    "replay": on(replayed),
    "settings": settings,
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("renderer", RENDERERS)
def test_what_is_drawn_is_text(renderer: str, name: str) -> None:
    is_text(RENDERERS[renderer](name), name)


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("command", [shown_row, statistics, diagnosis])
def test_what_is_found_is_text(command: Callable[..., str], name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    is_text(command(name, monkeypatch), name)


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("command", [checked_events, checked_rules])
def test_what_is_wrong_with_a_file_is_text(command: Callable[..., str], name: str, tmp_path: Path) -> None:
    assert not OBEYED.search(command(name, tmp_path))


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("how", ["console", "json"])
def test_what_is_logged_is_text(how: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    out, root = io.StringIO(), logging.getLogger()
    before, level = root.handlers[:], root.level
    monkeypatch.setattr(sys, "stderr", out)
    try:
        logs.configure(load(log_format=how, worker_name="w1"))
        logging.getLogger("streams.test").error("not taken: %s", name, exc_info=ValueError(f"no time: {name}"))
    finally:
        root.handlers[:], root.level = before, level
    # The columns' own colours are sequences that end in m and stand around whole words.
    told = re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue()) if "\x1b[31mred" not in name else out.getvalue()
    assert "no time" in told
    if "\x1b[31mred" in name:
        assert "\x1b[31mred" not in told
    else:
        assert not OBEYED.search(told)


def is_text(told: str, name: str) -> None:
    """It is there in some spelling, and nothing of it is left to obey."""
    assert not OBEYED.search(told), repr(OBEYED.search(told))
    if name.isprintable() and not name.startswith("="):
        assert name in told or name[:4] in told, "nothing of it was taken for markup"
