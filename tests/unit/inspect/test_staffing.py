"""Readings that come, and what `contact-streams staff` says of them."""

import io
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner, Result

from streams.base.times import DAY_MS, HOUR_MS, MINUTE_MS, iso
from streams.cli.main import app
from streams.inspect.readings import QueryError
from streams.inspect.staffing import History, collect, reckon, show
from streams.local.text import Terminal
from streams.metrics.staffing import INTERVAL_MS, Known, Measured, Plan
from tests.support.kpi_facts import POLICY, T0
from tests.support.kpi_records import HOUR, QUARTER_MS, morning, record


async def of(values: Iterator[bytes] | list[bytes]) -> AsyncIterator[bytes]:
    for value in values:
        yield value


PLAN = Plan(T0 + 2 * HOUR_MS, 1, ZoneInfo("UTC"))


async def history(values: Iterator[bytes] | list[bytes], line: str = "") -> History:
    return await collect(of(values), PLAN, POLICY, line)


QUARTER = Measured(90, 88, 88 * 240_000, 2, 60 * 5_000 + 2 * 30_000)


async def test_windows_end_to_end_make_up_the_intervals_whatever_order_they_come_in() -> None:
    values = list(morning(T0, 8))
    found = await history(values)
    twice = Measured(*(2 * each for each in QUARTER))
    assert found == History(
        {("voice", "cards"): {T0 + place * INTERVAL_MS: twice for place in range(4)}},
        Known(T0 + INTERVAL_MS, T0 + 4 * INTERVAL_MS),
    )
    assert await history(values[::-1] * 2) == found


async def test_the_newest_revision_of_each_tier_counts() -> None:
    late = record(T0, HOUR | {"contacts_answered": 98}, revision=2)
    found = await history([late, record(T0, HOUR), record(T0, HOUR, tier="none"), record(T0, {}, queue="loans")])
    assert found.queues["voice", "cards"][T0].offered == 100 + 90
    assert found.queues["voice", "loans"][T0] == Measured()


async def test_groups_and_the_time_of_agents_make_no_queue_of_their_own_and_nothing_twice() -> None:
    group = json.loads(record(T0, HOUR, tier="all")) | {"by": ["channel", "queue"]}
    found = await history([record(T0, HOUR), json.dumps(group).encode(), record(T0, {}, channel="all", tier="none")])
    assert list(found.queues) == [("voice", "cards")]
    assert found.queues["voice", "cards"][T0].offered == 90


async def test_lines_stay_apart() -> None:
    values = [record(T0, HOUR), record(T0, HOUR, line="week-1", queue="loans")]
    assert list((await history(values, "week-1")).queues) == [("voice", "loans")]
    with pytest.raises(
        QueryError, match="no readings of the line week-2; --line takes those that have some: live, week"
    ):
        await history(values, "week-2")
    with pytest.raises(QueryError, match="no readings of the line live; --line takes those that have some: none"):
        await history([])


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["staff", *words], env={"COLUMNS": "200"})


@pytest.fixture
def week(tmp_path: Path) -> Path:
    """Two mornings, a week apart."""
    path = tmp_path / "readings.jsonl"
    values = [*morning(T0 - 7 * DAY_MS, 8), *morning(T0 - HOUR_MS, 4), *morning(T0 - HOUR_MS, 4, channel="email")]
    path.write_bytes(b"\n".join(values) + b"\n")
    return path


def test_vector_3_from_a_file_of_readings(week: Path) -> None:
    """180 contacts in 30 min that take 240 s: 24 Erlang."""
    done = run("--file", str(week), "--from", iso(T0 + 30 * MINUTE_MS), "--hours", "1", "--shrinkage", "25", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    (mail, cards) = found["queues"]
    assert mail["refused"] == "nobody sits and waits on email, so neither model holds; go by its backlog"
    assert (cards["channel"], cards["queue"], cards["within_ms"]) == ("voice", "cards", 20_000)
    first = cards["intervals"][0]
    assert first["arrivals"] == {
        "expected": 180,
        "least": 180,
        "most": 180,
        "deviation": None,
        "basis": "weekday",
        "of": [iso(T0 + 30 * MINUTE_MS - 7 * DAY_MS)],
    }
    assert (first["load"], first["handle_ms"], first["handle_of"]) == (24, 240_000, "interval")
    c, a = first["erlang_c"], first["erlang_a"]
    assert c["service_level"] >= 0.8
    assert a["service_level"] >= 0.8
    assert c["scheduled"] == -(-c["agents"] * 4 // 3)
    assert a["agents"] <= c["agents"]


def test_a_load_that_the_agents_cannot_carry_is_a_word(week: Path) -> None:
    words = ("--file", str(week), "--from", iso(T0 + 30 * MINUTE_MS), "--hours", "0.5", "--queue", "cards")
    done = run(*words, "--agents", "24", "--json")
    (_, cards) = json.loads(done.stdout)["queues"]
    assert cards["intervals"][0]["erlang_c"] == "unstable"
    assert cards["intervals"][0]["erlang_a"]["agents"] == 24
    shown = run(*words, "--agents", "24").stdout
    assert "voice cards: what 24 agents come to, within 20 s" in shown
    (row,) = [line for line in shown.splitlines() if "1999-02-01 09:30" in line]
    cells = [cell.strip() for cell in row.strip("│").split("│")]
    assert cells[:9] == ["Mon 1999-02-01 09:30", "180.0 (180–180)", "1 wk", "240 s", "24.0", "unstable", "–", "–", "–"]


def test_intervals_begin_behind_the_readings_of_a_file(week: Path) -> None:
    found = json.loads(run("--file", str(week), "--json").stdout)
    assert (found["from"], len(found["queues"][1]["intervals"])) == (iso(T0), 16)


def test_without_a_week_it_says_so(tmp_path: Path) -> None:
    path = tmp_path / "readings.jsonl"
    path.write_bytes(b"\n".join(morning(T0, 8)))
    shown = run("--file", str(path), "--hours", "0.5").stdout
    assert "3 recent" in shown
    assert "readings do not reach back a week" in shown
    path.write_bytes(b"\n".join(morning(T0, 4)))
    assert "readings of 30 min are too few" in run("--file", str(path)).stdout
    path.write_bytes(b"\n".join(record(T0 + place * QUARTER_MS, {"contacts_answered": 1}) for place in range(8)))
    assert "0 handled contacts are too few" in run("--file", str(path)).stdout
    path.write_bytes(record(T0, HOUR))
    assert "there are no readings of queues" in run("--file", str(path)).stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--queue", "crads"), "no readings of the queue crads; there are cards"),
        (("--service-level", "100"), "the service level must be above 0 % and below 100 %"),
        (("--occupancy", "nan"), "the occupancy must be above 0 % and at most 100 %"),
        (("--patience", "nan"), "--patience nan is no time in seconds"),
        (("--within", "inf"), "--within inf is no time in seconds"),
        (("--asa", "0"), "the mean wait must be longer than 0"),
        (("--shrinkage", "100"), "the shrinkage must be at least 0 % and below 100 %"),
        (("--from", "tomorrow"), "'tomorrow' is neither a date"),
        (("--line", "week-7"), "no readings of the line week-7; --line takes those that have some: live"),
    ],
)
def test_what_cannot_be_answered_is_refused_in_a_sentence(words: tuple[str, ...], said: str, week: Path) -> None:
    done = run("--file", str(week), *words)
    assert (done.exit_code, done.stdout) == (1, "")
    assert said in done.stderr


def test_a_file_that_holds_something_else_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "readings.jsonl"
    path.write_bytes(record(T0, HOUR) + b"\n\n{}\n")
    done = run("--file", str(path))
    assert done.exit_code == 1
    assert f"{path}, line 3 is no record of kpis: Object missing required field `line`" in done.stderr
    assert "No such file or directory" in run("--file", str(tmp_path / "nope")).stderr


async def test_names_are_shown_as_text() -> None:
    name = "[red]x[/]\x1b[31m"
    values = list(morning(T0, 8, queue=name))
    found = await history(values)
    out = io.StringIO()
    show(reckon(found, PLAN, POLICY), found, PLAN, False, Terminal(file=out, width=200))
    assert "voice [red]x[/]\\x1b[31m: 80 % within 20 s" in out.getvalue()


def test_kpis_reads_such_a_file_too(week: Path) -> None:
    words = ["kpis", "--from", iso(T0 - HOUR_MS), "--to", iso(T0), "--file", str(week), "--format", "json"]
    found = json.loads(CliRunner().invoke(app, words).stdout)
    assert [row["dimensions"]["channel"] for row in found["rows"]] == ["email", "voice"]
