"""A journey has one record under its name: as long as it goes on, for 31 days after its last contact, and no longer."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.base.records import Erase, Event, Left
from streams.base.times import iso
from streams.customers import customers, erasing
from streams.customers.follow import Out
from streams.customers.journey_names import KEPT_BYTES, KEPT_MS, MAX_KEPT, Kept, due, over, short, with_names
from tests.reference import stitches
from tests.support.deadlines import next_deadlines
from tests.support.track_story import RULES, T0, D, H, M, S, Task, compacted, event

CALLER = "contact:voice:a"
"""Of nobody known, of whom nothing but journeys is kept."""
LATE = RULES.contacts.lateness_ms


def visit(at: int, contact: str, topic: str | None = None, owner: str = CALLER, line: str = "") -> list[Event]:
    about = {"owner": owner, "line": line, "topic": topic}
    return [event("contact.initiated", at, contact, **about), event("contact.ended", at + S, contact, by="us", **about)]


@st.composite
def visits(draw: st.DrawFn) -> list[list[Event]]:
    """Up to six contacts, minutes to weeks apart."""
    at, found = 0, []
    for number in range(draw(st.integers(1, 6))):
        at += draw(st.sampled_from([M, 40 * M, 5 * H, 3 * D, 8 * D, 20 * D])) + number
        found.append(visit(at, f"c{number}", draw(st.sampled_from([None, "loan", "card"]))))
    return found


def recount(told: list[list[Event]]) -> dict[str, list[str]]:
    """Name → contacts."""
    items = [
        stitches.Item(one.time, one.channel, one.contact, end.time, end.time, (), one.topic, None) for one, end in told
    ]
    journeys = (journey.items for journey in stitches.journeys(items))
    return {f"{CALLER}@{iso(its[0].started)}": [each.contact for each in its] for its in journeys}


def standing(task: Task) -> dict[str, list[str]]:
    return {
        name: [each["contact_id"] for each in record["contacts"]] for name, record in compacted(task.published).items()
    }


@settings(max_examples=150, deadline=None)
@given(visits(), st.data())
def test_what_stands_is_the_recount_however_it_was_shuffled_cut_moved_away_and_back(
    told: list[list[Event]], data: st.DataObject
) -> None:
    """Behind all of it every record is removed, and the row is gone."""
    events = [each for one in told for each in one]
    delays = [data.draw(st.integers(0, LATE - 1)) for _ in events]
    log = [events[place] for place in sorted(range(len(events)), key=lambda place: events[place].time + delays[place])]
    task, last = Task(), max(each.time for each in events) - T0
    while log:
        count = data.draw(st.integers(1, len(log)))
        task.until(min(each.time for each in log) - T0 - 1).take(*log[:count])
        log = log[count:]
    moved = data.draw(st.sampled_from([*told, None]))
    if moved is not None and (task.now or 0) < moved[0].time + 14 * D:
        task.take(Left(CALLER, moved[0].contact, moved[0].channel, "customer:C9", T0 + last, ""))
        away = recount([one for one in told if one is not moved])
        assert away.keys() <= standing(task).keys() or (task.now or 0) > T0 + 30 * D
        for part in data.draw(st.sampled_from([[moved], [moved[:1], moved[1:]]])):
            task.take(*part)
    young = {name: its for name, its in recount(told).items() if _last(told, its) + KEPT_MS > (task.now or 0)}
    assert {name: its for name, its in standing(task).items() if name in young} == young
    assert standing(task).keys() <= recount(told).keys()
    for record in compacted(task.published).values():
        assert record["journey_id"].startswith(record["customer"])
    for day in data.draw(st.sampled_from([(100,), (8, 15, 32, 100), range(1, 100)])):
        task.until(last + day * D)
    assert standing(task) == {}
    assert task.customer is None


def _last(told: list[list[Event]], names: list[str]) -> int:
    return max(end.time for _, end in told if end.contact in names)


def test_a_record_stands_for_31_days_after_the_last_contact() -> None:
    task = Task().take(*visit(0, "a")).take(*visit(D, "b"))
    last = D + S
    task.until(last + 20 * D)
    assert task.customer is not None
    encoded = msgspec.json.encode(customers.scheduled(task.customer, RULES))
    assert len(encoded) < 320, "nothing but names are left of who is nobody known"
    task.until(last + 31 * D)
    assert [told[1:] for told in task.told] == [("open", 1), ("open", 2), ("closed", 3)]
    task.until(last + 31 * D + 1)
    assert [told[1:] for told in task.told[3:]] == [(None, 0)]
    assert task.customer is None


def test_an_old_journey_of_whom_there_is_a_new_one_goes_by_itself_and_the_new_one_is_not_told_again() -> None:
    task = Task().take(*visit(0, "a")).until(25 * D).take(*visit(25 * D, "b")).until(31 * D + 2 * S)
    assert task.told[-1] == (iso(T0), None, 0)
    assert standing(task) == {f"{CALLER}@{iso(T0 + 25 * D)}": ["b"]}
    assert sum(told[0] == iso(T0 + 25 * D) for told in task.told) == 1


def test_a_journey_that_is_found_again_goes_on_from_its_revision() -> None:
    task = Task().take(*visit(0, "a")).until(20 * D)
    task.take(*visit(0, "another")).until(20 * D)
    assert [told for told in task.told if told[1]][-1] == (iso(T0), "closed", 3)
    task.until(31 * D + 2 * S)
    assert standing(task) == {}


def test_of_two_that_began_in_one_moment_neither_takes_the_others_name() -> None:
    task = Task().take(*visit(0, "a", "loan"), *visit(0, "b", "card"))
    for day in range(1, 31):
        task.until(day * D)
    assert sorted(standing(task).values()) == [["a"], ["b"]]
    assert all(name.startswith(f"{CALLER}@{iso(T0)}") for name in standing(task))
    task.until(32 * D)
    assert (standing(task), task.customer) == ({}, None)


def test_the_current_one_says_no_longer_who_was_beside_it_once_it_is_over_for_good() -> None:
    about = {"owner": CALLER, "topic": "card"}
    open_one = event("contact.initiated", 0, "a", "ticket", **about)
    task = Task().take(open_one, *visit(D, "b", "loan"))
    names = [f"{CALLER}@{iso(T0)}", f"{CALLER}@{iso(T0 + D)}"]
    assert [other["journey_id"] for other in compacted(task.published)[names[1]]["others"]] == [names[0]]
    task.until(20 * D)
    assert [compacted(task.published)[name]["others"] for name in names] == [[], []]


def test_who_is_erased_has_no_record_left_of_what_goes_on_and_of_what_is_over() -> None:
    task = Task().take(*visit(0, "a")).until(20 * D).take(*visit(20 * D, "b"), *visit(20 * D, "r", line="week-1"))
    assert len(standing(task)) == 3
    outcome = erasing.erase(task.customer, Erase(CALLER, T0 + 20 * D, "", every=True), RULES, task)
    assert compacted([*task.published, *outcome.out]) == {}
    of_replay = erasing.erase(task.customer, Erase(CALLER, T0 + 20 * D, "week-1"), RULES, task)
    assert {out.key.decode() for out in of_replay.out if out.topic == "journeys"} == {
        f"{CALLER}@{iso(T0 + 20 * D)}~week-1"
    }


def test_a_replay_that_is_forgotten_leaves_no_record() -> None:
    task = Task().take(*visit(0, "a", line="week-1"), *visit(0, "b"))
    assert task.customer is not None
    outcome = customers.without_line(task.customer, "week-1", RULES)
    assert outcome.customer is not None and {*outcome.customer.lines} == {""}
    assert {*compacted([*task.published, *outcome.out])} == {f"{CALLER}@{iso(T0)}"}


def test_of_many_that_are_over_the_latest_stand() -> None:
    """A replay of a year in which somebody calls every eight days, told at once or bit by bit."""
    calls = [visit(number * 8 * D, f"c{number}") for number in range(80)]
    kept = {f"c{number}": Kept(1, T0 + number) for number in range(MAX_KEPT + 3)}
    assert over(with_names({}, kept), T0) == ["c0", "c1", "c2"]
    for cut in (1, 7, 80):
        task = Task()
        for start in range(0, 80, cut):
            part = calls[start : start + cut]
            task.until(part[0][0].time - T0 - 1).take(*(each for one in part for each in one))
        task.until(80 * 8 * D)
        assert sorted(each for its in standing(task).values() for each in its) == ["c77", "c78", "c79"]
        assert next_deadlines(task.customer, RULES)


def test_names_are_short_and_in_the_order_in_which_they_go() -> None:
    name = f"{CALLER}@{iso(T0)}~week-1#0a1b2c3d"
    known = with_names({}, {short(name, T0): Kept(7, T0 + 5), short(name[:-9], T0): Kept(1, T0 + 9)})
    known = with_names(known, {"3": Kept(1, T0 + 7)})
    assert [each.until - T0 for each in known.values()] == [5, 7, 9]
    assert due(known) == [T0 + 5]
    assert over(known, T0 + 7) == [short(name, T0)]
    assert over(known, None) == over({}, T0) == []
    longest = {f"{2**43}#0a1b2c3d": Kept(9_999_999, 2**43)}
    assert len(msgspec.json.encode(longest)) <= KEPT_BYTES


def test_all_but_tombstones_are_named_as_their_keys() -> None:
    task = Task().take(*visit(10 * M, "b")).take(*visit(0, "a"))
    told = [out for out in task.published if out.topic == "journeys"]
    assert all(out.value is None or out.key.decode() == out.value["journey_id"] for out in told)
    assert Out("journeys", f"{CALLER}@{iso(T0 + 10 * M)}".encode(), None) in told
