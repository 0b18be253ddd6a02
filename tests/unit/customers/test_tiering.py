"""Tiers that follow from a customer's value: bounds and stays by hand, and any order against a recount of its own."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.base.claims import mark_of
from streams.base.records import Event, Left, Profile
from streams.customers import loop
from streams.customers.customers import Customer
from streams.customers.rules import CustomerRules
from streams.customers.tiering import Tiering, Worth
from streams.customers.tiers import merged, source_of
from streams.customers.timeline_state import Place, Timeline
from streams.customers.worth import MAX_POINTS, Bounds, ContactWorth, Parts, Point, WorthRules, walk
from tests.support.track_story import OWNER, RULES, T0, D, H, M, Task, connected, ended, event, profile, queued, told

LADDER = (
    ("silver", Bounds(100, 80, 0)),
    ("gold", Bounds(500, 300, 10 * D)),
    ("platinum", Bounds(1000, 900, 10 * D)),
)
WORTH = WorthRules(LADDER, Parts(1.0, 0.5, 1.0, ContactWorth(100, 10 * D)))
OF_VALUE = replace(RULES, worth=WORTH)
BY_PROFILES = replace(RULES, worth=WorthRules(LADDER, Parts(1.0, 0.5, 1.0)))


def says(at: int, value: int | None = None, **more: Any) -> Profile:
    """A profile of what a customer is worth; ``until`` in ms after T0."""
    until = more.pop("until", None)
    own = {"id": f"p{at}", "contract_until": None if until is None else T0 + until} | more
    return Profile(source="crm", customer="C1", time=T0 + at, value_cents=value, **own)


def tiers(task: Task) -> list[tuple[int, str]]:
    """(ms after T0, tier), as the customer has them."""
    assert task.customer is not None
    return [(at - T0, tier) for at, _, tier in task.customer.lines[""].tiers]


def valued(*records: Profile | Event, until: int | None = None, rules: CustomerRules = BY_PROFILES) -> Task:
    task = Task(rules).take(*records)
    return task if until is None else task.until(until)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([(0, 99)], []),
        ([(0, 100)], [(0, "silver")]),
        ([(0, 1000)], [(0, "platinum")]),
        ([(0, 100), (1, 80)], [(0, "silver")]),
        ([(0, 100), (1, 79)], [(0, "silver"), (1, "")]),
        ([(0, 100), (1, 79), (2, 99), (3, 100)], [(0, "silver"), (1, ""), (3, "silver")]),
        # Of gold 400 is enough to stay, not to come.
        ([(0, 500), (20, 400)], [(0, "gold")]),
        ([(0, 100), (20, 400)], [(0, "silver")]),
        # Who falls stops at the first tier whose lower bound holds.
        ([(0, 1000), (20, 899)], [(0, "platinum"), (20, "gold")]),
        ([(0, 1000), (20, 299)], [(0, "platinum"), (20, "silver")]),
        ([(0, 1000), (20, 0)], [(0, "platinum"), (20, "")]),
        # The stay of ten days: nobody falls before, and who is back by then never fell.
        ([(0, 500), (9, 100)], [(0, "gold")]),
        ([(0, 500), (9, 100), (10, 100)], [(0, "gold"), (10, "silver")]),
        ([(0, 500), (5, 100), (9, 350), (30, 100)], [(0, "gold"), (30, "silver")]),
        ([(0, 500), (5, 100), (12, 100)], [(0, "gold"), (10, "silver")]),
        ([(0, 500), (1, 1000)], [(0, "gold"), (1, "platinum")]),
    ],
)
def test_bounds_and_stays(values: list[tuple[int, int]], expected: list[tuple[int, str]]) -> None:
    assert tiers(valued(*[says(day * D, value) for day, value in values])) == [
        (day * D, tier) for day, tier in expected
    ]


def test_a_stay_ends_without_an_event_when_stream_time_has_passed_it() -> None:
    task = valued(says(0, 500), queued(D), connected(D + M), ended(D + 2 * M), says(5 * D, 100), until=10 * D)
    assert tiers(task) == [(0, "gold")]
    assert task.until(10 * D + 1) and tiers(task) == [(0, "gold"), (10 * D, "silver")]
    assert (task.segments[-1]["tier"], task.segments[-1]["changed"]) == ("silver", ["tier"])


def test_contracts_end_without_an_event() -> None:
    task = valued(says(0, 50, contract_cents=100, until=3 * D), until=3 * D)
    assert tiers(task) == [(0, "silver")]
    assert tiers(task.until(3 * D + 1)) == [(0, "silver"), (3 * D, "")]
    task.take(says(4 * D, until=9 * D))
    assert tiers(task)[-1] == (4 * D, "silver"), "the contracts were prolonged"


def test_each_part_of_the_value_counts_by_its_weight() -> None:
    assert tiers(valued(says(0, spend_cents=198))) == []
    assert tiers(valued(says(0, spend_cents=200))) == [(0, "silver")]
    assert tiers(valued(says(0, 30), says(1, spend_cents=100), says(2, contract_cents=20))) == [(2, "silver")]


def test_contacts_count_and_decay_up_to_the_next_event() -> None:
    calls = [queued(day * D, contact=f"c{day}") for day in (0, 10, 20)]
    assert tiers(valued(calls[0], rules=OF_VALUE)) == [(0, "silver")]
    assert tiers(valued(calls[0], says(3 * D, 0), rules=OF_VALUE)) == [(0, "silver")], "81 of 100"
    assert tiers(valued(calls[0], says(4 * D, 0), rules=OF_VALUE)) == [(0, "silver"), (4 * D, "")]
    assert walk(None, _points(calls), None, WORTH).base.worth == 175
    ours = event("contact.initiated", 0, opened_by="agent", direction="outbound")
    assert not valued(ours, rules=OF_VALUE).customer.lines[""].tiers  # type: ignore[union-attr]


def _points(calls: Sequence[Event]) -> tuple[Point, ...]:
    return tuple(Point(each.time, "", visit=mark_of(f"voice|{each.contact}")) for each in calls)


def test_a_contact_that_goes_takes_what_it_counted_for_with_it() -> None:
    task = valued(queued(0), says(H, 20), rules=OF_VALUE)
    assert tiers(task) == [(0, "silver")]
    task.take(Left(OWNER, "c1", "voice", "customer:C2", T0 + 2 * H))
    assert tiers(task) == []


def test_a_tier_that_is_given_wins_until_it_is_withdrawn() -> None:
    withdrawn = Profile("p-w", "crm", "C1", T0 + 3 * D, tier="")
    task = valued(says(0, 100), profile("red", D), says(2 * D, 1000), withdrawn)
    assert tiers(task) == [(0, "silver"), (D, "red"), (3 * D, "platinum")]
    assert [source_of(task.customer.lines[""].tiers[:n]) for n in (0, 1, 2, 3)] == [None, "value", "crm", "value"]  # type: ignore[union-attr]
    plain = Task().take(profile("red", D), withdrawn, says(2 * D, 1000), queued(4 * D))
    assert tiers(plain) == [(D, "red"), (3 * D, "")]
    assert (plain.segments[-1]["tier"], plain.segments[-1]["tier_from"]) == ("none", "none")


def test_segments_say_where_the_tier_comes_from() -> None:
    task = valued(queued(0))
    for record in (says(H, 600), profile("red", 2 * H), Profile("w", "crm", "C1", T0 + 3 * H, tier="")):
        task.take(record)
    assert [(each["tier"], each["tier_from"]) for each in task.segments] == [
        ("none", "none"), ("gold", "value"), ("red", "crm"), ("gold", "value"),
    ]  # fmt: skip
    assert task.segments[-1]["changed"] == ["tier", "tier_from"]
    said_by_contact = Task().take(queued(0, tier="gold")).segments[-1]
    assert (said_by_contact["tier"], said_by_contact["tier_from"]) == ("gold", "contact")


def test_who_becomes_worth_more_in_mid_wait_has_an_alert_at_once() -> None:
    task = valued(queued(0), until=5 * M)
    assert task.alerts == []
    task.take(says(4 * M, 500)).until(5 * M + 1)
    assert [(each["status"], each["tier"], each["since"][11:19]) for each in task.alerts] == [
        ("firing", "gold", "09:04:00")
    ]


def test_who_is_worth_less_in_mid_wait_has_none_and_one_that_was_raised_too_early_is_withdrawn() -> None:
    gold = says(-20 * D, 500)
    assert told(valued(gold, queued(0), says(M, 100), until=5 * M)) == []
    task = valued(gold, queued(0), until=5 * M)
    assert told(task) == [("firing", None)]
    assert told(task.take(says(M, 100))) == [("firing", None), ("resolved", "withdrawn")]


def test_a_stay_that_ends_in_mid_wait_is_looked_at() -> None:
    """Gold until the stay ends, a minute before the limit: then silver, which nobody watches."""
    task = valued(says(-10 * D + M, 500), says(-5 * D, 100), queued(0), until=5 * M)
    assert tiers(task)[-1] == (M, "silver") and told(task) == []


def test_facts_have_the_tier_that_follows() -> None:
    task = valued(queued(0), connected(M), ended(2 * M), says(-D, 500))
    assert {fact.tier for fact in task.net} == {"gold"}
    task.take(says(-2 * H, 2000))
    assert {fact.tier for fact in task.net} == {"platinum"}


def test_without_bounds_nothing_of_the_value_is_kept() -> None:
    task = Task().take(says(0, 10**9), profile("gold", M))
    assert task.customer is not None and task.customer.lines[""] == Timeline(tiers=task.customer.lines[""].tiers)
    assert b"worth" not in msgspec.json.encode(task.customer)


def test_a_row_of_before_keeps_the_tier_that_was_given() -> None:
    before = Task().take(profile("red", 0)).customer
    task = Task(BY_PROFILES, customer=before).take(says(D, 1000))
    assert tiers(task) == [(0, "red")]
    bounds_go = Task(RULES, customer=valued(says(0, 100), profile("red", D)).customer).take(profile("gold", 2 * D))
    assert tiers(bounds_go) == [(D, "red"), (2 * D, "gold")]


def test_what_is_kept_is_bounded() -> None:
    """24 points of some 60 bytes, and 16 changes."""
    task = Task(OF_VALUE, now=T0)
    for number in range(300):
        task.take(says(number * D, 100 * (number % 12), tier=("gold", "")[number % 2]))
    assert task.customer is not None
    worth = task.customer.lines[""].worth
    assert len(worth.points) == MAX_POINTS and len(worth.given) == len(task.customer.lines[""].tiers) == 16
    assert len(msgspec.json.encode(worth)) < 4_000
    usual = Task(OF_VALUE).take(says(0, 100), says(90 * D, 700), profile("gold", 91 * D)).customer
    assert usual is not None and len(msgspec.json.encode(usual.lines[""].worth)) < 300


def test_the_oldest_points_count_when_they_are_kept_no_more() -> None:
    days = [(day, 1000 if day < 2 else 100 + day) for day in range(60)]
    kept = valued(*[says(day * D, value) for day, value in days])
    assert tiers(kept) == [(0, "platinum"), (10 * D, "silver")]
    late = kept.take(says(D // 2, 0))
    assert tiers(late) == [(0, "platinum"), (10 * D, "silver")], "what a profile said before what is kept is over"


def test_contacts_of_a_group_go_to_another_customer() -> None:
    """Of the two customers' values before and after, the sum is the same."""
    tiering, place = Tiering(WORTH), Place(OWNER, "", T0 + 2 * D)
    points = (Point(T0, "p", 30), Point(T0 + H, "", visit="m1", group="g"), Point(T0 + D, "", visit="m2"))
    start = Timeline(worth=Worth(points=points), tiers=((T0 + H, "", "silver"),))
    left, pieces = loop.handed(start, "g", place, OF_VALUE)
    assert loop.handed(left, "g", place, OF_VALUE) == (left, {}) and loop.handed(start, "", place, OF_VALUE)[1] == {}
    assert left.worth.points == (points[0], points[2]) and left.worth.next == 0
    other = loop.absorbed(Timeline(), "g", pieces, place, OF_VALUE)
    assert other.worth.points == (points[1],)
    assert loop.handed(other, "g", place, OF_VALUE)[1] == pieces, "whoever has it hands on all of it"
    after, out = loop.passed(other, ["worth"], place, OF_VALUE)
    assert (after.tiers, out, after.worth.next) == (((T0 + H, "", "silver"),), (), None)
    assert tiering.due(left.worth, None) == 0  # type: ignore[arg-type]


def test_what_is_given_and_what_follows_as_one() -> None:
    given = ((10, "a", "red"), (20, "b", ""), (30, "c", "gold"))
    assert merged(given, ()) == (*given[:1], (20, "", ""), *given[2:])
    assert merged((), ((5, "", "silver"), (15, "", ""))) == ((5, "", "silver"), (15, "", ""))
    assert merged(given, ((5, "", "silver"), (15, "", "gold"), (35, "", "silver"))) == (
        (5, "", "silver"), (10, "a", "red"), (20, "", "gold"), (30, "c", "gold"),
    )  # fmt: skip


def test_a_contract_that_is_told_without_an_end_goes_on() -> None:
    records = [says(0, 0, contract_cents=500, until=30 * D), says(60 * D, contract_cents=900)]
    assert tiers(valued(*records, until=200 * D)) == [(0, "gold"), (30 * D, ""), (60 * D, "gold")]
    assert tiers(valued(records[0], says(1, 50), until=31 * D)) == [(0, "gold"), (30 * D, "")], (
        "another word ends nothing"
    )


def test_late_events_of_a_contact_that_was_summed_up_count_it_once() -> None:
    """30 contacts at 60 s each, of which six are in the sum: 100 cents each, hardly decayed, are no more than 3,000."""
    calls = [event("contact.initiated", n * M, f"c{n:02}") for n in range(30)]
    late = [
        event("message.sent", -n - 1, "c00", author="customer", direction="inbound", id=f"late{n}") for n in range(5)
    ]
    one, other = Task(OF_VALUE).take(*calls, *late), Task(OF_VALUE).take(*late[::-1], *calls)
    assert tiers(one)[1:] == tiers(other)[1:]
    for task in (one, other):
        assert task.customer is not None
        worth = task.customer.lines[""].worth
        end, _ = walk(worth.base, worth.points, None, OF_VALUE.worth)
        assert 29.5 < end.contacts.weight < 30.0


def test_without_bounds_a_tier_that_followed_from_them_goes_with_the_next_contact() -> None:
    task = valued(says(0, 600))
    assert tiers(task) == [(0, "gold")]
    task.rules = RULES
    task.take(event("contact.initiated", D))
    assert task.customer is not None
    assert (tiers(task), task.customer.lines[""].worth) == ([], Worth())


def test_a_contract_that_is_worth_nothing_ends_without_a_trace() -> None:
    """The value was reckoned anew when the stay was over, since the contract had ended by then."""
    calls = [queued(hour * H, contact=f"c{hour}", channel="email") for hour in (4, 8, 200)]
    said = [says(19 * H, 899, spend_cents=79, until=200 * H + H // 2), says(83 * H, 79)]
    task = valued(*calls, *said, rules=OF_VALUE)
    assert tiers(task.until(60 * D)) == [(4 * H, "silver"), (19 * H, "platinum"), (259 * H, "gold")]


# Any order


HOUR, DAYS = 2, 24  # of the recount's ticks, half-hours


def recount(records: Sequence[Profile | Event], end: int) -> list[tuple[int, str]]:
    """(half-hour, tier) of each change, by a look at every half-hour from the first to the end."""
    parts = dict.fromkeys(("value_cents", "spend_cents", "contract_cents"), 0)
    over, worth, tier, since, found = None, 0, "", 0, []
    calls: list[int] = []
    bounds, names = dict(LADDER), [name for name, _ in LADDER]
    by_tick = {(record.time - T0) * 2 // H: record for record in records}
    for tick in range(end + 1):
        record, ends = by_tick.get(tick), tick == over
        if isinstance(record, Profile):
            parts |= {name: value for name in parts if (value := getattr(record, name)) is not None}
            if record.contract_until is not None:
                over = (record.contract_until - T0) * 2 // H
            elif record.contract_cents is not None:
                over = None
        elif record is not None:
            calls.append(tick)
        if record is not None or (ends and parts["contract_cents"]):
            met = sum(100 * 0.5 ** ((tick - call) / (10 * DAYS * HOUR)) for call in calls)
            runs = over is None or tick < over
            worth = round(parts["value_cents"] + parts["spend_cents"] / 2 + parts["contract_cents"] * runs + met)
        best = next((name for name in reversed(names) if worth >= bounds[name].enter), "")
        new = tier
        if best and (not tier or names.index(best) > names.index(tier)):
            new = best
        elif tier and worth < bounds[tier].leave and tick >= since + bounds[tier].min_stay * 2 // H:
            below = reversed(names[: names.index(tier)])
            new = next((name for name in below if worth >= bounds[name].leave), "")
        if new != tier:
            tier, since = new, tick
            found.append((tick, tier))
    return found


@st.composite
def histories(draw: st.DrawFn) -> list[Profile | Event]:
    ticks = draw(st.lists(st.integers(0, 40 * DAYS), min_size=1, max_size=12, unique=True))
    cents = st.sampled_from([None, None, 0, 79, 80, 100, 299, 300, 400, 500, 899, 900, 1000])
    found: list[Profile | Event] = []
    for hour in ticks:
        if draw(st.booleans()):
            found.append(queued(hour * H, contact=f"c{hour}", channel="email"))
        else:
            until = draw(st.none() | st.integers(0, 45 * DAYS).map(lambda each: each * H + H // 2))
            parts = {"spend_cents": draw(cents), "contract_cents": draw(cents), "until": until}
            value = draw(cents)
            said = value is not None or any(each is not None for each in parts.values())
            found.append(says(hour * H, value if said else 0, **parts))
    return found


@settings(max_examples=150, deadline=None)
@given(st.data(), histories())
def test_any_order_any_cut_and_duplicates_give_what_a_recount_gives(
    data: st.DataObject, records: list[Profile | Event]
) -> None:
    end = 60 * D
    expected = [(tick * H // 2, tier) for tick, tier in recount(records, end * 2 // H - 1)]
    again = data.draw(st.lists(st.sampled_from(records), max_size=3))
    shuffled = data.draw(st.permutations(records + again))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(shuffled)), max_size=3)))
    task = Task(OF_VALUE)
    for start, stop in zip([0, *cuts], [*cuts, len(shuffled)], strict=True):
        task.take(*shuffled[start:stop])
    assert tiers(task.until(end)) == expected[-16:]
    live = Task(OF_VALUE)
    for record in sorted(records, key=lambda each: each.time):
        live.until(record.time - T0 - 1).take(record)
    assert tiers(live.until(end)) == expected[-16:]
    assert live.net == task.net


@settings(max_examples=60, deadline=None)
@given(st.data(), histories())
def test_a_contact_that_went_away_leaves_no_trace(data: st.DataObject, records: list[Profile | Event]) -> None:
    goes = data.draw(st.sets(st.sampled_from([each.contact for each in records if isinstance(each, Event)] or ["-"])))
    stays = [each for each in records if not (isinstance(each, Event) and each.contact in goes)]
    task = Task(OF_VALUE, now=T0).take(*records)
    task.take(*[Left(OWNER, name, "email", "customer:C2", T0 + 41 * D) for name in sorted(goes)])
    other = Task(OF_VALUE, now=T0).take(*stays)
    one, without = (
        (each.until(60 * D).customer or Customer(OWNER)).lines.get("", Timeline()) for each in (task, other)
    )
    assert one.tiers == without.tiers
