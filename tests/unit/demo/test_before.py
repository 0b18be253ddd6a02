"""Every kind of thing that rests, comes late or stands for nobody is in the simulated days; a seed has most of them."""

from collections import Counter, defaultdict
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Any

import pytest

from streams.base.times import to_ms
from streams.demo import centre
from streams.demo.before import days_within
from streams.demo.parts import DAY_MS, HOUR_MS, Emission
from streams.demo.simulator import Settings, Simulation
from streams.identity.identifiers import identifiers
from streams.rules import shipped_nobody
from tests.support.product import RULES

LINE = "demo-7-x"
START = 1_772_445_600_000  # Monday, 2026-03-02 10:00 UTC
Told = list[tuple[int, str, dict[str, Any]]]
"""(time, type, data) of a contact's events, in order of arrival, without those that were sent twice."""


@cache
def emissions(seed: int, minutes: int = 20) -> tuple[Emission, ...]:
    return tuple(Simulation(Settings(LINE, START, RULES, seed=seed)).emissions(minutes * 60_000))


def told(seed: int) -> dict[str, Told]:
    found: dict[str, Told] = defaultdict(list)
    events = {emission.event["id"]: emission for emission in emissions(seed) if emission.event is not None}
    for emission in events.values():
        event = emission.event or {}
        if "contact_id" in event["data"]:
            found[emission.key].append((to_ms(event["time"]), event["type"], event["data"]))
    return found


def over_at(events: Told) -> int | None:
    return next((at for at, kind, _ in events if kind == "contact.ended"), None)


def late(events: Told, kind: str) -> list[int]:
    """How long after the first end events of the type came."""
    end = over_at(events)
    return [] if end is None else [at - end for at, of, _ in events if of == kind and at > end]


def rests(events: Told) -> list[int]:
    """The rests of a conversation before its first end."""
    end = over_at(events) or START + DAY_MS
    times = [at for at, _, _ in events if at <= end]
    return [b - a for a, b in pairwise(times)]


SEEDS = range(6)


@pytest.mark.parametrize(("horizon", "days"), [(14, 9), (30, 9), (6, 4), (2, 0), (1, 0)])
def test_no_day_is_told_of_that_the_rules_forget(horizon: int, days: int) -> None:
    assert days_within(replace(RULES.customers.contacts, horizon=horizon * DAY_MS)) == days
    assert days_within(replace(RULES.customers.contacts, channel_horizons={"email": horizon * DAY_MS})) == days


@pytest.mark.parametrize("days", range(10))
def test_nothing_is_told_before_the_line_begins(days: int) -> None:
    simulation = Simulation(Settings(LINE, START, RULES, days_before=days))
    times = [to_ms(emission.event["time"]) for emission in simulation.emissions(60_000) if emission.event]
    assert min(times) == times[0] == START - days * DAY_MS


@pytest.mark.parametrize("seed", SEEDS)
def test_conversations_rest_over_nights_and_go_on(seed: int) -> None:
    resting = {events[0][2]["channel"] for events in told(seed).values() if max(rests(events), default=0) > 8 * HOUR_MS}
    assert {"messaging", "email", "ticket"} <= resting <= {"messaging", "email", "ticket", "chat"}


@pytest.mark.parametrize("seed", SEEDS)
def test_something_of_the_days_before_goes_on_soon_after_the_doors_opened(seed: int) -> None:
    kinds = Counter(
        kind
        for events in told(seed).values()
        for at, kind, _ in events
        if events[0][0] < START < at < START + 10 * 60_000
    )
    assert kinds["message.sent"] >= 5
    assert kinds.total() >= 20


def test_weekends_are_rests_too() -> None:
    longest = [max(rests(events), default=0) for seed in SEEDS for events in told(seed).values()]
    assert sum(2 * DAY_MS < rest < 4 * DAY_MS for rest in longest) >= 10
    assert max(longest) < 14 * DAY_MS


def test_replies_come_on_working_days() -> None:
    for seed in SEEDS:
        for events in told(seed).values():
            for at, kind, data in events:
                if kind == "message.sent" and data["author"] == "agent" and data["channel"] in ("email", "ticket"):
                    assert (at // DAY_MS + 3) % 7 < 5, "1970-01-01 was a Thursday"


def test_contacts_go_on_after_their_end_by_every_means() -> None:
    means: Counter[str] = Counter()
    for seed in SEEDS:
        for events in told(seed).values():
            ended = False
            for _, kind, data in events:
                written = kind == "message.sent" and data["author"] == "customer"
                if ended and (written or kind in ("contact.reopened", "contact.initiated", "case.reopened")):
                    means[kind] += 1
                    ended = kind == "case.reopened"
                ended = ended or kind == "contact.ended"
    assert set(means) == {"message.sent", "contact.reopened", "contact.initiated", "case.reopened"}
    assert min(means.values()) >= 3


@pytest.mark.parametrize("seed", SEEDS)
def test_surveys_and_work_are_told_hours_and_days_after_the_end(seed: int) -> None:
    contacts = told(seed).values()
    surveys = [delay for events in contacts for delay in late(events, "feedback.given")]
    assert sum(HOUR_MS < delay < DAY_MS for delay in surveys) >= 2
    assert sum(DAY_MS < delay < 14 * DAY_MS for delay in surveys) >= 2
    assert sum(delay > HOUR_MS for events in contacts for delay in late(events, "contact.wrapped_up")) >= 3
    for events in contacts:
        for _, kind, data in events:
            if kind == "feedback.given":
                assert set(data) == {"contact_id", "channel", "metric", "score"}, "a survey names nobody"


def test_some_answer_a_survey_twice() -> None:
    answers = [
        Counter(data["metric"] for _, kind, data in events if kind == "feedback.given")
        for seed in SEEDS
        for events in told(seed).values()
    ]
    assert sum(answer["csat"] > 1 for answer in answers) >= 5


@pytest.mark.parametrize(
    ("kind", "value"), [(kind, value) for kind, values in centre.WITHHELD.items() for value in values]
)
def test_what_is_withheld_names_nobody(kind: str, value: str) -> None:
    assert identifiers([{"kind": kind, "value": value}], None, shipped_nobody()) == ()


@pytest.mark.parametrize("value", centre.NO_CUSTOMER)
def test_what_stands_for_no_customer_is_one_of_the_products_words(value: str) -> None:
    assert shipped_nobody().is_word(value)


@pytest.mark.parametrize("seed", SEEDS)
def test_several_strangers_bear_the_same_word(seed: int) -> None:
    bearers: Counter[tuple[str, str]] = Counter()
    for events in told(seed).values():
        named = events[0][2].get("identifiers") or []
        bearers.update((each["kind"], each["value"]) for each in named if each["value"] in _WORDS)
    assert len(bearers) >= 8
    assert sum(count > 1 for count in bearers.values()) >= 3


_WORDS = {value for values in centre.WITHHELD.values() for value in values}


@pytest.mark.parametrize("seed", SEEDS)
def test_one_system_stamps_whole_seconds_in_order_of_arrival(seed: int) -> None:
    together = 0
    for events in told(seed).values():
        times = [at for at, _, _ in events]
        assert times == sorted(times)
        if events[0][2]["channel"] in centre.WHOLE_SECONDS:
            assert all(at % 1000 == 0 for at in times)
            together += sum(a == b for a, b in pairwise(times))
    assert together >= 20


def test_one_system_speaks_of_a_channel_and_another_one_asks_how_it_was() -> None:
    sources: dict[str, set[str]] = defaultdict(set)
    for emission in emissions(7):
        if emission.event is not None and emission.topic.startswith("contacts."):
            sources[emission.event["source"]].add(emission.topic)
    assert sources["/demo/chat"] == {"contacts.chat"}
    assert {"/demo/surveys", "/demo/cases"} < set(sources)
    assert len(sources["/demo/surveys"]) > 3
