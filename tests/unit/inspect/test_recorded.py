"""What is read of a span: contacts folded anew with what was corrected later, and how a comparison is shown."""

import csv
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import orjson
import pytest

from streams.base.records import (
    CustomerEvent,
    Erase,
    Event,
    Grouped,
    Left,
    Line,
    Moved,
    Profile,
    Progress,
)
from streams.base.times import iso
from streams.contacts.rules import ContactRules
from streams.inspect import policy_tables
from streams.inspect import recorded as reading
from streams.inspect.policies import Comparison, Format, sentence, show
from streams.inspect.policy_tables import money
from streams.inspect.readings import QueryError
from streams.inspect.recorded import Query, collect
from streams.local.text import Terminal
from streams.policies.compare import break_even
from streams.policies.figures import outcome
from streams.policies.record import Need, Record, Recorded, Stay
from streams.rules.policies import Known, policy
from tests.support.records import record as fetched

DAY = 1_772_409_600_000  # 2026-03-02
SPAN = Query(DAY, DAY + 86_400_000)
TIERS = ("platinum", "gold", "silver", "red")


def call(name: str, at: int, customer: str | None = None, owner: str | None = None, **more: Any) -> list[Event]:
    """Queued, answered after 30 s, over after 90 s; seconds of the day."""
    owner = owner or (f"customer:{customer}" if customer else f"contact:voice:{name}")
    fields = {"contact": name, "channel": "voice", "owner": owner, "customer": customer, "queue": "sales", **more}
    told = (("contact.queued", 0, {}), ("contact.connected", 30, {}), ("contact.ended", 90, {"by": "customer"}))
    return [Event(f"{name}-{kind}", "/t", kind, DAY + (at + s) * 1000, data=data, **fields) for kind, s, data in told]


async def read(
    *told: msgspec.Struct, segments: tuple[Any, ...] = (), journeys: tuple[Any, ...] = (), query: Query = SPAN
) -> Record:
    topics = {
        "contact.interactions": [msgspec.json.encode(each) for each in told],
        "segments": [None if each is None else orjson.dumps(each) for each in segments],
        "journeys": [None if isinstance(each, str) else orjson.dumps(each) for each in journeys],
    }
    keys = {"journeys": [each if isinstance(each, str) else each["journey_id"] for each in journeys]}

    async def records(topic: str) -> AsyncIterator[Any]:
        for number, value in enumerate(topics[topic]):
            key = keys[topic][number].encode() if topic in keys else None
            yield fetched(key=key, value=value, timestamp=number)

    return await collect(records, query, ContactRules(), lambda *_: None)


async def test_a_call_as_it_was() -> None:
    (found,) = (await read(*call("c", 0, "7", tier="gold", agent="a-1"))).contacts
    assert found == Recorded(
        "c", "voice", "customer:7", DAY, "answered", (Stay("sales", DAY, DAY + 30_000, "answered"),),
        tier="gold", answered=DAY + 30_000, agent="a-1", handle_ms=60_000,
    )  # fmt: skip
    assert found.known


async def test_events_count_once_in_any_order_and_late_ones_too() -> None:
    told = call("c", 0, "7")
    rating = Event("r", "/t", "feedback.given", DAY + 172_800_000, "c", "voice", owner="customer:7",
                   data={"metric": "csat", "score": 5})  # fmt: skip
    (found,) = (await read(*told[::-1], rating, *told)).contacts
    assert (found.handle_ms, found.csat_milli) == (60_000, 5000)


async def test_what_began_outside_of_the_span_or_on_another_line_is_none_of_it() -> None:
    other = call("x", 5, "7", line="week-5")
    outside = [*call("before", -40, "7"), *call("after", 86_400, "7")]
    found = await read(*outside, *other, *call("c", 0, "7"), *call("last", 86_399, "7"))
    assert {each.id for each in found.contacts} == {"c", "last"}, "the last one ends after the span"
    week = await read(*outside, *other, query=Query(SPAN.start, SPAN.end, "week-5"))
    assert [each.id for each in week.contacts] == ["x"]


async def test_a_contact_that_became_somebody_elses_is_that_ones() -> None:
    first, then = call("c", 0, owner="anonymous:phone:+49"), call("c", 0, "7")
    left = Left("anonymous:phone:+49", "c", "voice", "customer:7", DAY + 90_000)
    for told in ((*first, left, *then), (*then, *first, left)):
        assert [each.owner for each in (await read(*told)).contacts] == ["customer:7"]
    back = Left("customer:7", "c", "voice", "anonymous:phone:+49", DAY + 91_000)
    assert [each.owner for each in (await read(*first, left, *then, back, *first)).contacts] == ["anonymous:phone:+49"]


async def test_a_group_goes_with_all_its_contacts_and_what_is_said_of_them_later() -> None:
    owner, group = "anonymous:phone:+49", "group:1"
    told = [*call("c", 0, owner=owner), Grouped(owner, "c", "voice", group), Moved(owner, group, "customer:7")]
    rating = Event("r", "/t", "feedback.given", DAY + 7_200_000, "c", "voice", owner="customer:7", group=group,
                   data={"metric": "csat", "score": 2})  # fmt: skip
    (found,) = (await read(*told, rating)).contacts
    assert (found.owner, found.csat_milli) == ("customer:7", 2000)
    again = Moved("customer:7", group, "customer:8")
    assert [each.owner for each in (await read(*told, again)).contacts] == ["customer:8"]


async def test_part_of_a_contact_that_went_to_somebody_else() -> None:
    """The chat was one customer's until it ended, and another's from its next message on."""
    said = {"channel": "chat", "contact": "c", "source": "/t"}
    first = Event("1", type="message.sent", time=DAY, owner="customer:7", data={"author": "customer"}, **said)
    end = Event("2", type="contact.ended", time=DAY + 1000, owner="customer:7", data={"by": "customer"}, **said)
    third = Event("3", type="message.sent", time=DAY + 2000, owner="customer:7", data={"author": "customer"}, **said)
    left = Left("customer:7", "c", "chat", "customer:8", DAY + 2000, since=DAY + 2000)
    found = await read(first, end, third, left, msgspec.structs.replace(third, owner="customer:8"))
    assert {(each.owner, each.started) for each in found.contacts} == {
        ("customer:7", DAY), ("customer:8", DAY + 2000),
    }  # fmt: skip


async def test_who_is_erased_is_not_read() -> None:
    told = [*call("c", 0, "7"), *call("d", 0, "8"), Erase("customer:7", DAY + 100_000)]
    assert [each.owner for each in (await read(*told)).contacts] == ["customer:8"]


async def test_a_contact_without_an_end_is_over_when_its_time_is_up() -> None:
    queued = call("c", 0, "7")[0]
    assert [each.outcome for each in (await read(queued)).contacts] == ["open"]
    later = call("z", 90_000, "8")
    assert [each.outcome for each in (await read(queued, *later)).contacts] == ["flow_out"]


async def test_tiers_are_said_by_events_then_profiles_then_segments() -> None:
    profiles = [
        Profile("p1", "/crm", "7", DAY, tier="gold"),
        Profile("p2", "/crm", "7", DAY + 95_000, tier="red"),
        Profile("p3", "/crm", "9", DAY, tier="red"),
    ]
    told = [*profiles, *call("a", 0, "7"), *call("b", 10, "7"), *call("c", 0, "7", tier="silver"), *call("d", 0, "8")]
    segments = (
        {"customer": "customer:7", "line": "", "tier": "red"},
        {"customer": "customer:8", "line": "", "tier": "none", "type": "value"},
        {"customer": "customer:8", "line": "", "tier": "platinum", "type": "service"},
        {"customer": "customer:8", "line": "r", "tier": "red", "type": "value"},
        None,
    )
    found = {each.id: (each.tier, each.type) for each in (await read(*told, segments=segments)).contacts}
    assert found == {
        "a": ("gold", "none"), "b": ("red", "none"), "c": ("silver", "none"), "d": ("platinum", "service"),
    }  # fmt: skip


async def test_needs_are_those_of_the_span_of_which_it_is_known() -> None:
    def journey(name: str, revision: int, resolved: bool | None, **more: Any) -> dict[str, Any]:
        said = {
            "journey_id": name,
            "customer": "customer:7",
            "started": iso(DAY),
            "line": "",
            "tier": "none",
            "status": "closed",
        }
        return {**said, "revision": revision, "first_contact_resolution": resolved, **more}

    journeys = (
        journey("a", 1, None),
        journey("a", 3, True, tier="gold"),
        journey("a", 2, False),
        journey("b", 1, True),
        journey("b", 2, None),
        journey("c", 1, False),
        journey("g", 1, False, status="open"),
        journey("d", 1, True, started=iso(DAY - 1)),
        journey("e", 1, True, customer="customer:9"),
        journey("f", 1, True, line="r"),
        journey("h", 1, True),
        "h",
    )
    segment = {"customer": "customer:7", "line": "", "tier": "silver", "type": "value"}
    found = await read(*call("c", 0, "7"), journeys=journeys, segments=(segment,))
    assert found.needs == (Need("customer:7", True, "gold", "value"), Need("customer:7", False, "silver", "value"))


async def test_other_records_of_the_topic_are_passed_by() -> None:
    order = CustomerEvent("o", "/shop", "order.placed", "7", DAY, "o-1")
    assert len((await read(order, *call("c", 0, "7"))).contacts) == 1


async def test_nothing_in_the_span_says_what_there_is() -> None:
    with pytest.raises(QueryError) as raised:
        await read(*call("c", 86_400, "7"))
    assert str(raised.value) == (
        "no contact began from 2026-03-02T00:00:00.000Z to 2026-03-03T00:00:00.000Z on the line live; what is recorded "
        "of it lies from 2026-03-03T00:00:00.000Z to 2026-03-03T00:01:30.000Z"
    )
    with pytest.raises(QueryError, match="no contact is recorded on the line r; there are the replays week-5"):
        await read(Progress("identify-0", 4, {"week-5": Line(DAY)}), query=Query(SPAN.start, SPAN.end, "r"))
    with pytest.raises(QueryError, match=r"no contact is recorded on the line live$"):
        await read()


async def test_too_much_for_one_span(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_CONTACTS", 1)
    with pytest.raises(QueryError, match="more than 1 contacts began in the span; take a shorter one"):
        await read(*call("c", 0, "7"), *call("d", 0, "8"))


# How it is shown


def comparison(*chosen: str) -> Comparison:
    """A platinum caller who waited 30 s, and gave up; a caller whom nobody knows, in a queue with a hostile name."""
    record = Record(
        (
            Recorded(
                "a", "voice", "customer:7", DAY, "abandoned", (Stay("q", DAY, DAY + 30_000, "abandoned"),), "platinum"
            ),
            Recorded("b", "ticket", "contact:ticket:b", DAY, "answered", tier="=1+1", answered=DAY, handle_ms=60_000),
        )
    )
    names = chosen or ("one-size-fits-all", "tiered")
    return Comparison(SPAN, "EUR", tuple(outcome(record, each, policy(each, Known(TIERS)), 4000) for each in names))


def drawn(how: Format) -> str:
    out = io.StringIO()
    show(comparison(), how, Terminal(file=out, width=240))
    return out.getvalue()


def test_as_a_table() -> None:
    said = drawn("table")
    assert "2 contacts of 2 customers" in said
    assert "one-size-fits-all" in said and "144.00 EUR" in said
    assert "tiered against one-size-fits-all: costs 0.00 EUR less; it need keep nobody more for that" in said
    assert "tiered says no cost of ticket: 0 for each contact there." in said
    assert "100.0 % ✗" in said and "≤ 2.0 %" in said


def test_tables_fit_80_columns_and_no_name_is_broken() -> None:
    out = io.StringIO()
    names = ("one-size-fits-all", "premium-for-all", "tiered")
    show(comparison(*names), "table", Terminal(file=out, width=80))
    rows = [line for line in out.getvalue().splitlines() if line[:1] in "┃│"]
    assert max(map(len, rows)) <= 80
    heads = {cell.strip() for line in rows if line[0] == "┃" for cell in line.split("┃")}
    assert {*names, "concierge", "everybody", "channel", "type", "customers"} <= heads
    measures = {line.split("│")[1].strip() for line in rows if line[0] == "│"}
    assert {"still open", "in time (by each one's limits)", "soured", "gave up", "value at risk"} <= measures


@pytest.mark.parametrize("width", [40, 60, 240])
def test_what_there_is_no_room_for_comes_below(width: int) -> None:
    tables = list(policy_tables.at_risk(comparison().outcomes, "EUR", width))
    assert len(tables) == (1 if width == 240 else 2)
    assert [str(column.header) for table in tables for column in table.columns if "-" in str(column.header)] == [
        "one-size-fits-all"
    ]


def test_as_json_money_is_whole_cents() -> None:
    said = json.loads(drawn("json"))
    assert (said["from"], said["line"], said["currency"]) == ("2026-03-02T00:00:00.000Z", "", "EUR")
    total = said["policies"][1]["total"]
    assert (total["cost"], total["value_at_risk"], total["abandonment"]) == (60 + 75, 14_400, 100.0)
    assert said["policies"][1]["channels"] == {
        "ticket": {"contacts": 1, "cost": 75}, "voice": {"contacts": 1, "cost": 60},
    }  # fmt: skip
    assert said["break_even"] == [
        {
            "base": "one-size-fits-all", "other": "tiered", "extra_cost": 0, "value_kept": 0, "mean_margin": 120_000,
            "customers_to_keep": 0.0, "customers_kept": 0.0, "pays": True,
        }
    ]  # fmt: skip


def test_as_csv_a_line_for_each_figure() -> None:
    rows = list(csv.DictReader(io.StringIO(drawn("csv"))))
    values = {(row["policy"], row["of"], row["name"], row["figure"]): row["value"] for row in rows}
    assert values["tiered", "total", "", "cost"] == "135"
    assert values["tiered", "tier and type", "platinum none", "value_at_risk"] == "14400"
    assert values["tiered", "target", "concierge", "abandonment"] == "False"
    assert values["tiered", "break-even", "one-size-fits-all", "pays"] == "True"
    assert ("tiered", "tier", "'=1+1", "contacts") in values, "no spreadsheet computes a name"


@pytest.mark.parametrize(
    ("cents", "expected"), [(123_456, "1,234.56 EUR"), (-5, "-0.05 EUR"), (0, "0.00 EUR"), (None, "–")]
)
def test_money(cents: int | None, expected: str) -> None:
    assert money(cents, "EUR") == expected  # type: ignore[arg-type]


def test_a_policy_that_costs_more() -> None:
    base, other = comparison().outcomes
    other.total.cost_units += 3_000 * 60_000 * 10**6
    other.total.leaving -= 1
    other.total.at_risk -= 7_200
    assert sentence(break_even(base, other), "EUR") == (
        "tiered against one-size-fits-all: costs 30.00 EUR more; with a mean margin of 1,200.00 EUR it pays if it keeps "
        "0.03 customers more: it keeps 1.00 more, and 72.00 EUR more of their value, so it pays."
    )
    other.total.at_risk += 20_000
    assert sentence(break_even(base, other), "EUR").endswith(
        ": it keeps 1.00 more, but 128.00 EUR less of their value, so it does not pay."
    )
