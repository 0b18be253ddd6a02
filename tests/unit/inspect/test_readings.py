import csv
import io
import json
from collections.abc import AsyncIterator
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from streams.base.times import DAY_MS, HOUR_MS
from streams.cli.main import app
from streams.hours.calendars import WEEKDAYS, Calendar, Hours
from streams.inspect.readings import Format, Query, QueryError, collect, make_query, show, shown, span
from streams.local.text import Terminal
from streams.metrics.tables import Tables
from streams.metrics.windows import advance
from tests.support.kpi_facts import POLICY, T0, at, fact, fold, kpi_policy, leg

UTC = ZoneInfo("UTC")
JERUSALEM = ZoneInfo("Asia/Jerusalem")
MIDNIGHT = T0 - 9 * HOUR_MS
DAY = Query(MIDNIGHT, MIDNIGHT + DAY_MS)


def published(line: str, waits: list[int]) -> list[bytes]:
    tables = Tables()
    for i, wait in enumerate(waits):
        for each in [
            *leg(str(i), 10, 10 + wait, line=line),
            fact("contact_offered", str(i), 10 + wait, outcome="answered", value=wait * 1000, line=line),
            fact("sentiment", str(i), 10, value=-250, line=line),
        ]:
            fold(tables, each, POLICY)
    return [json.dumps(record).encode() for record in advance(tables, line, at(2 * 86_400), True, POLICY)]


LIVE, REPLAYED = published("", [10, 30]), published("week-1", [40])


async def topic() -> AsyncIterator[bytes]:
    for value in LIVE + REPLAYED:
        yield value


async def text(query: Query, how: Format) -> str:
    out = io.StringIO()
    show(await collect(topic(), query, POLICY), query, how, Terminal(file=out, width=240))
    return out.getvalue()


async def test_the_live_line_as_a_table() -> None:
    shown_text = await text(DAY, "table")
    assert "1999-02-01T00:00:00.000Z to 1999-02-02T00:00:00.000Z" in shown_text
    (row,) = [line for line in shown_text.splitlines() if "sales" in line]
    cells = [cell.strip() for cell in row.strip("│").split("│")]
    assert cells == [
        "voice",
        "sales",
        "2",
        "50.00 %",
        "50.00 %",
        "0.00 %",
        "0.00 %",
        "20.00 s",
        "20.00 s",
        "0",
        "-0.25",
        "30.00 s",
    ]
    assert "CSAT" not in shown_text, "no row has it"


async def test_json_holds_every_reading_exactly() -> None:
    found = json.loads(await text(Query(DAY.start, DAY.end, ("tier",), "week-1"), "json"))
    assert (found["from"], found["to"]) == ("1999-02-01T00:00:00.000Z", "1999-02-02T00:00:00.000Z")
    (row,) = found["rows"]
    assert row["dimensions"] == {"tier": "gold"}
    assert row["readings"][6] == {
        "kpi": "service_level",
        "variant": "reached_threshold",
        "grain": "leg",
        "value": 0,
        "numerator": 0,
        "denominator": 1,
        "unit": "ratio",
    }


async def test_csv_has_a_line_per_reading_and_all_lines_stay_apart() -> None:
    rows = list(csv.DictReader(io.StringIO(await text(Query(DAY.start, DAY.end, ("queue",), None), "csv"))))
    offered = [(row["line"], row["queue"], row["value"]) for row in rows if row["kpi"] == "contacts_offered"]
    assert offered == [("", "sales", "2"), ("week-1", "sales", "1")]
    assert [row["value"] for row in rows if row["kpi"] == "csat"] == [""] * 4


async def test_a_span_without_readings_says_so() -> None:
    later = Query(DAY.start + 7 * DAY_MS, DAY.end + 7 * DAY_MS)
    said = await text(later, "table")
    assert said.startswith("no readings from 1999-02-08T00:00:00.000Z to 1999-02-09T00:00:00.000Z. ")
    assert "give date-times" in said.replace("\n", " ")
    assert json.loads(await text(later, "json"))["rows"] == []
    assert (await text(later, "csv")).count("\n") == 1


async def test_part_of_a_day() -> None:
    found = json.loads(await text(Query(T0, T0 + 65 * 60_000), "json"))
    assert found["rows"][0]["readings"][0]["value"] == 2


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (Query(T0, T0), "the span is empty"),
        (Query(T0, T0 + 1), "no windows make up the time"),
        (Query(DAY.start, DAY.end, ("team",)), "team is no dimension"),
    ],
)
async def test_a_question_that_cannot_be_answered(query: Query, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        await collect(topic(), query, POLICY)


def test_dates_are_inclusive_days_of_the_time_zone() -> None:
    assert span("1999-02-01", "1999-02-01", UTC) == (DAY.start, DAY.end)
    start, end = span("1999-02-01", "1999-02-07", JERUSALEM)
    assert (start, end - start) == (MIDNIGHT - 2 * HOUR_MS, 7 * DAY_MS)


def test_date_times_are_moments() -> None:
    assert span("1999-02-01T09:00Z", "1999-02-01T12:00+02:00", JERUSALEM) == (T0, T0 + HOUR_MS)
    assert span("1999-02-01T11:00", "1999-02-01 12:00", JERUSALEM) == (T0, T0 + HOUR_MS)


@pytest.mark.parametrize("wrong", ["yesterday", "1999-02-30", "", "1999-02-01T25:00", "9999-12-31"])
def test_what_is_no_date_is_refused(wrong: str) -> None:
    with pytest.raises(QueryError, match="neither a date"):
        span("1999-02-01", wrong, UTC)


def test_a_query_as_typed() -> None:
    assert make_query("1999-02-01", "1999-02-01", " queue, tier ", "live", UTC) == Query(
        DAY.start, DAY.end, ("queue", "tier"), typed=("1999-02-01", "1999-02-01")
    )
    assert make_query("1999-02-01", "1999-02-01", "", "all", UTC).line is None
    assert make_query("1999-02-01", "1999-02-01", "", "week-1", UTC).line == "week-1"


async def test_a_queue_with_a_zone_of_its_own_has_the_days_of_that_zone() -> None:
    """One span as it was typed: the days of each queue's zone, and who waits at the end of its own."""
    kiritimati = Calendar(ZoneInfo("Pacific/Kiritimati"), dict.fromkeys(WEEKDAYS, ((0, 24 * 60),)))
    policy = kpi_policy(hours=Hours({"far": kiritimati}, {"support": "far"}))
    facts = []
    for queue in ("sales", "support"):
        # The first of February begins at 10:00 UTC of January there, and ends at 10:00 UTC of February.
        for number, entered in enumerate((-20 * 3600, -10 * 3600, 1800, 2 * 3600)):
            facts += leg(f"{queue}-{number}", entered, entered + 60, queue=queue)
        facts += leg(f"{queue}-waits", 0, None, queue=queue)
    tables = Tables()
    for each in facts:
        fold(tables, each, policy)
    records = [json.dumps(record).encode() for record in advance(tables, "", at(2 * 86_400), False, policy)]

    async def values() -> AsyncIterator[bytes]:
        for record in records:
            yield record

    found = await collect(values(), make_query("1999-02-01", "1999-02-01", "queue", "live", UTC), policy)
    said = {
        row.dimensions["queue"]: {
            name: next(each for each in row.readings if (each["kpi"], each["variant"]) == name)
            for name in (("legs_entered", "all"), ("service_level", "reached_threshold"))
        }
        for row in found
    }
    assert {queue: each["legs_entered", "all"]["numerator"] for queue, each in said.items()} == {
        "sales": 3,
        "support": 4,
    }
    # All of them but the one that waits are answered: 2 and 3.
    waiting = {queue: each["service_level", "reached_threshold"]["denominator"] for queue, each in said.items()}
    assert waiting == {"sales": 3, "support": 4}
    # By the hour from 8 to 12 o'clock, by each one's clock: 21:00 to 22:00 UTC of January has nothing.
    hours = await collect(values(), make_query("1999-02-01T08:00", "1999-02-01T12:00", "queue", "live", UTC), policy)
    assert [(row.dimensions["queue"], row.readings[5]["numerator"]) for row in hours] == [("sales", 3)]


@pytest.mark.parametrize(
    ("unit", "value", "expected"),
    [
        ("count", 12, "12"),
        ("ratio", 0.789, "78.90 %"),
        ("ms", 8184, "8.18 s"),
        ("milli", 500, "+0.50"),
        ("points", 10, "+10"),
    ],
)
def test_units_as_people_read_them(unit: str, value: float, expected: str) -> None:
    assert shown({"unit": unit, "value": value}) == expected
    assert shown({"unit": unit, "value": None}) == shown(None) == "–"


def test_the_command_says_what_is_wrong_and_fails() -> None:
    result = CliRunner().invoke(app, ["kpis", "--from", "1999-02-01", "--to", "the end"])
    assert result.exit_code == 1
    assert "contact-streams: 'the end' is neither a date" in result.output


async def test_a_line_that_is_not_there_is_an_error_that_names_those_that_are() -> None:
    with pytest.raises(QueryError, match=r"^there is no line nosuch with readings; there are live, week-1\."):
        await collect(topic(), Query(DAY.start, DAY.end, line="nosuch"), POLICY)


async def test_a_line_that_is_there_and_the_live_one_may_be_empty_on_a_day() -> None:
    later = DAY.start + 30 * DAY_MS
    for line in ("week-1", ""):
        assert await collect(topic(), Query(later, later + DAY_MS, line=line), POLICY) == []
