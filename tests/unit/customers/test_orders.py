"""In whatever order and cut a customer's records come: the same facts, journeys, segments and alerts."""

from decimal import Decimal
from operator import mul
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.base.records import Event
from tests.support.track_story import (
    OWNER,
    RULES,
    T0,
    D,
    H,
    M,
    Record,
    Task,
    arrivals,
    contact_events,
    event,
    in_order,
    play,
    profile,
)

LATENESS = RULES.contacts.lateness_ms
ENDS = (0, 60 * H, 130 * H, 200 * H, 40 * D)


def same(one: Task, other: Task) -> None:
    assert one.net == other.net
    assert one.last_journeys() == other.last_journeys()
    last, others = last_segment(one), last_segment(other)
    assert (last is None) == (others is None)
    if last and others:
        numbers = {"score": last["score"], **scores(last)}
        assert {"score": others["score"], **scores(others)} == pytest.approx(numbers, abs=ROUNDING)
        assert others | numbers | dict.fromkeys(MADE_OF) == last | dict.fromkeys(MADE_OF)
        for number, again in zip(flat(last), flat(others), strict=True):
            assert number == (pytest.approx(again, abs=ROUNDING) if isinstance(again, float) else again)


MADE_OF = ("contributions", "types", "reasons", "confidence")
"""What has numbers that are rounded, and is in the order of these."""


def flat(segment: dict[str, Any]) -> list[Any]:
    """What the scores are made of, by name: contributions of the score, of types, and those."""
    found = [segment["confidence"]]
    for score in (segment, *segment["types"]):
        found += [score.get("type"), score["score"]]
        parts = sorted(score["contributions"], key=lambda part: part["what"])
        found += [value for part in parts if part["contribution"] > 0.002 for value in part.values()]
    return found


def adds_up(segment: dict[str, Any]) -> bool:
    """Are the contributions to each score exactly that score, in the decimals that are published?"""
    return all(
        sum(Decimal(str(part["contribution"])) for part in each["contributions"]) == Decimal(str(each["score"]))
        for each in (segment, *segment["types"])
    )


ROUNDING = 0.1 + 1e-9
"""Sums that are added up in another order may fall on the other side of a rounding to one decimal."""
PARTS = ("recency", "frequency", "sentiment", "friction")
WEIGHTS = [getattr(RULES.segments.weights, part) for part in PARTS]


def last_segment(task: Task) -> dict[str, Any] | None:
    """As last published, flat, without its revision; having checked all that came before it."""
    told = None
    for revision, each in enumerate(task.segments, 1):
        assert adds_up(each)
        assert each["before"] == (told and {name: told[name] for name in each["before"]})
        assert each["changed"] == ([name for name in each["before"] if each[name] != told[name]] if told else [])
        told = each
        mean = sum(map(mul, WEIGHTS, scores(each["components"]).values())) / sum(WEIGHTS)
        assert (each["revision"], each["customer"], each["line"]) == (revision, OWNER, "")
        assert each["score"] == pytest.approx(mean, abs=ROUNDING), "the parts are rounded, too"
    return (
        {**told, **told["components"], **dict.fromkeys(("revision", "components", "before", "changed"))}
        if told
        else None
    )


def scores(segment: dict[str, Any]) -> dict[str, float]:
    return {name: segment[name] for name in PARTS}


@settings(max_examples=100, deadline=None)
@given(st.data(), contact_events(), st.sampled_from(ENDS))
def test_any_order_and_any_cut_before_stream_time_moves(data: st.DataObject, events: list[Event], end: int) -> None:
    records: list[Record] = [*events, profile("gold", 30 * M), profile("red", 90 * H)]
    end = max(end, max(record.time for record in records) - T0)
    shuffled = data.draw(st.permutations(records))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(records)), max_size=3)))
    task = Task()
    for start, stop in zip([0, *cuts], [*cuts, len(records)], strict=True):
        task.take(*shuffled[start:stop])
    same(in_order(records, end), task.until(end))


@settings(max_examples=100, deadline=None)
@given(st.data(), contact_events(), st.sampled_from(ENDS))
def test_any_order_inside_the_lateness(data: st.DataObject, events: list[Event], end: int) -> None:
    end = max(end, events[-1].time - T0)
    task = Task()
    for record, reached in data.draw(arrivals(events, LATENESS - 1)):
        task.until(min(reached + LATENESS - 1, end + T0) - T0).take(record)
    assert not task.late
    same(in_order(events, end), task.until(end))
    task.episodes()


@settings(max_examples=60, deadline=None)
@given(st.data(), contact_events(), st.sampled_from([1, 1000, 60_000]), st.sampled_from(ENDS))
def test_events_of_one_moment_stay_in_the_order_in_which_they_came(
    data: st.DataObject, events: list[Event], grain: int, end: int
) -> None:
    """Stamps in whole seconds or minutes: what is late for its moment may come whenever it wants, as long as those of
    one moment come one after the other."""
    rounded = [msgspec.structs.replace(each, time=each.time - each.time % grain) for each in events]
    end = max(end, rounded[-1].time - T0)
    moments: dict[tuple[str, int], list[Event]] = {}
    for each in rounded:
        moments.setdefault((each.contact, each.time), []).append(each)
    turns = data.draw(st.permutations([(each.contact, each.time) for each in rounded]))
    same(play(*rounded, until=end), play(*[moments[turn].pop(0) for turn in turns], until=end))


@settings(max_examples=40, deadline=None)
@given(st.data(), contact_events(), st.sampled_from(ENDS))
def test_duplicates_change_nothing(data: st.DataObject, events: list[Event], end: int) -> None:
    end = max(end, events[-1].time - T0)
    again = data.draw(st.lists(st.sampled_from(events), max_size=5))
    same(play(*events, until=end), play(*data.draw(st.permutations(events + again)), until=end))


def alert_essence(task: Task, *left_out: str) -> dict[str, dict[str, Any]]:
    return {name: {**alert, **dict.fromkeys(left_out)} for name, alert in task.episodes().items()}


def ahead_of_stream_time(order: list[Event], end: int) -> Task:
    """One event a batch, stream time never ahead of what is still to come."""
    task = Task()
    for place, record in enumerate(order):
        task.until(min(each.time for each in order[place:]) - 1 - T0).take(record)
    return task.until(end)


def test_a_tier_said_after_the_deadline_counts_only_when_nothing_can_come_before_it() -> None:
    """The wait passes its limit at 120 s with no tier known. The end says gold; the feedback just before it says red,
    and arrives last."""
    events = [
        event("contact.queued", 0, queue="cards"),
        event("feedback.given", 121_000, tier="red", metric="csat", score=1),
        event("contact.ended", 121_001, tier="gold", by="customer", reason="completed"),
    ]
    queued, feedback, ended = events
    assert ahead_of_stream_time([ended, queued, event("article.viewed", 121_000), feedback], H).alerts == []
    assert in_order(list(events), H).alerts == []
    told = ahead_of_stream_time([queued, ended], H)
    assert [(alert["status"], alert["tier"]) for alert in told.alerts] == [("firing", "gold"), ("resolved", "gold")]


@settings(max_examples=100, deadline=None)
@given(st.data(), contact_events())
def test_the_same_alerts_in_any_order_ahead_of_stream_time(data: st.DataObject, events: list[Event]) -> None:
    """All but their ends: one that is known is taken at once, though an earlier one may still come."""
    end = events[-1].time - T0 + 10 * H
    task = ahead_of_stream_time(list(data.draw(st.permutations(events))), end)
    unknown = ("fired_at", "resolved_at", "reason")
    assert alert_essence(task, *unknown) == alert_essence(in_order(list(events), end), *unknown)
    assert all(alert["reason"] != "withdrawn" for alert in task.alerts)


@settings(max_examples=100, deadline=None)
@given(st.data(), contact_events())
def test_alerts_and_their_ends_are_the_same_when_each_contact_keeps_its_order(
    data: st.DataObject, events: list[Event]
) -> None:
    end = events[-1].time - T0 + 10 * H
    by_contact = {name: [each for each in events if each.contact == name] for name in {each.contact for each in events}}
    turns = data.draw(st.permutations([each.contact for each in events]))
    task = ahead_of_stream_time([by_contact[name].pop(0) for name in turns], end)
    assert alert_essence(task, "fired_at") == alert_essence(in_order(list(events), end), "fired_at")
