import json
from collections import Counter
from dataclasses import replace

import pytest

from schemas.events import check
from streams.alerts.conditions import Bound, Comparison
from streams.alerts.rules import AlertRule, AlertsFile
from streams.customers.rules import AlertRules
from streams.demo.simulator import Emission, Settings, Simulation
from streams.demo.truth import Leg, Truth
from tests.support.product import RULES

START = 1_772_445_600_000  # 2026-03-02 10:00 UTC
LINE = "demo-7-20260302t100000"
DAY = 86_400_000


def simulate(seed: int = 7, minutes: float = 10) -> tuple[Simulation, list[Emission]]:
    simulation = Simulation(Settings(LINE, START, RULES, seed=seed))
    return simulation, list(simulation.emissions(int(minutes * 60_000)))


def test_the_same_seed_gives_the_same_events_and_another_seed_others() -> None:
    first, again, other = simulate(7, 3), simulate(7, 3), simulate(8, 3)
    assert first[1] == again[1]
    assert first[0].truth == again[0].truth
    assert first[1] != other[1]


def test_reading_step_by_step_changes_nothing() -> None:
    simulation = Simulation(Settings(LINE, START, RULES, seed=7))
    emissions = simulation.emissions(180_000)
    first = next(emissions)
    assert [first, *emissions] == simulate(7, 3)[1]


@pytest.mark.parametrize("seed", [1, 7, 8])
def test_events_come_in_order_of_time_within_the_length(seed: int) -> None:
    simulation, emissions = simulate(seed)
    times = [emission.time for emission in emissions]
    assert times == sorted(times)
    assert simulation.end_ms == START + 600_000
    assert simulation.settings.begin_ms == times[0] == START - 9 * DAY
    assert times[-1] <= START + 600_000
    assert not any(START - 900_000 < time < START for time in times), "the doors are about to open"


@pytest.mark.parametrize("days_before", [0, 9])
def test_profiles_come_first_and_contacts_of_the_day_later_than_the_opening(days_before: int) -> None:
    simulation = Simulation(Settings(LINE, START, RULES, days_before=days_before))
    emissions = list(simulation.emissions(60_000))
    first = [emission for emission in emissions if emission.time == START - days_before * DAY]
    profiles = [emission for emission in first if emission.topic == "customers.profile"]
    assert len(profiles) == 400
    assert all(emission.topic in ("customers.profile", "agents.state") for emission in first)
    opening = [emission for emission in emissions if emission.time == START and emission not in profiles]
    assert {emission.topic for emission in opening} <= {"agents.state"}
    tiers = Counter(emission.event["data"]["tier"] for emission in profiles if emission.event)
    assert tiers == {"red": 120, "silver": 120, "gold": 100, "platinum": 60}
    contacts = sum(emission.time < START and emission.topic.startswith("contacts.") for emission in emissions)
    assert contacts == 0 if not days_before else contacts > 200


def test_every_event_is_valid_and_has_its_topic_and_key() -> None:
    _, emissions = simulate(minutes=20)
    types = set()
    for emission in emissions:
        if emission.event is None:
            continue
        assert check(emission.event) is None, emission.event
        types.add(emission.event["type"])
        data = emission.event["data"]
        assert emission.event["replayid"] == LINE
        if emission.topic.startswith("contacts."):
            assert (emission.topic, emission.key) == (f"contacts.{data['channel']}", data["contact_id"])
            assert emission.key.startswith(f"{LINE}.")
    assert {"contact.transferred", "contact.callback_requested", "contact.missed", "contact.handed_off"} <= types
    assert {"contact.reopened", "case.reopened"} <= types
    assert "identity.cut" in types
    assert len(types) == 27


def test_malformed_records_get_the_reason_the_truth_names() -> None:
    simulation, emissions = simulate(minutes=20)
    reasons: Counter[str] = Counter()
    for emission in emissions:
        if emission.raw is not None:
            reasons[_reason(emission.raw)] += 1
    assert reasons == simulation.truth.malformed
    assert set(reasons) == {"unreadable", "missing-field", "wrong-type", "unknown-type"}


def _reason(raw: bytes) -> str:
    try:
        problem = check(json.loads(raw))
    except ValueError:
        return "unreadable"
    assert problem is not None
    return problem.reason


def test_duplicates_are_the_same_event_again() -> None:
    simulation, emissions = simulate(minutes=20)
    events = [emission.event for emission in emissions if emission.event is not None]
    seen = {event["id"]: event for event in events}
    assert all(seen[event["id"]] == event for event in events)
    assert len(seen) == simulation.truth.events
    assert len(events) - len(seen) == simulation.truth.duplicates > 20


@pytest.mark.parametrize("seed", [1, 7, 8])
def test_nobody_is_lost(seed: int) -> None:
    truth = simulate(seed, 20)[0].truth
    total = truth.total()
    assert total.offered == total.answered + total.abandoned + total.flowed_out == len(truth.outcomes)
    assert total.legs == total.legs_left + total.legs_waiting
    assert total.legs_left == total.waits.count + total.given_up.count + total.flows.count
    assert total.legs_waiting == len(truth.waiting)
    assert total.handles.count <= total.answered + total.callbacks_kept, "who is called back asked for nothing"
    assert total.machine_alone == total.contained < total.machine
    assert truth.contacts.total() == len(truth.people)


def test_the_figures_of_seed_7() -> None:
    truth = simulate(7, 10)[0].truth
    total = truth.total()
    assert (total.offered, total.answered, total.abandoned, total.flowed_out) == (215, 198, 13, 4)
    assert (total.legs, total.legs_waiting, total.handles.count, len(truth.alerts)) == (283, 59, 130, 16)
    replies = total.first_person.count, total.first_again.count, total.next_replies.count
    assert (total.went_on, *replies) == (37, 130, 9, 171)
    assert (len(truth.people), sum(owner.startswith("contact:") for owner in truth.people.values())) == (342, 34)
    assert (total.contained, total.left, total.turned_away) == (55, 4, 0)
    assert (total.machine, total.machine_alone, total.callbacks, total.callbacks_kept) == (71, 55, 7, 4)
    solved = total.solved.count, total.solved_once, total.stayed_solved, total.reopenings
    assert (*solved, total.nps_last) == (187, 138, 143, 53, 9)


@pytest.mark.parametrize("seed", range(1, 6))
def test_high_tiers_wait_too_long_within_the_first_minutes(seed: int) -> None:
    assert len(simulate(seed, 4)[0].truth.alerts) >= 2


def test_an_early_stop_ends_at_whole_ten_seconds_and_closes_the_truth() -> None:
    simulation = Simulation(Settings(LINE, START, RULES))
    emissions = simulation.emissions(3_600_000)
    last = next(emission for emission in emissions if emission.time > START + 61_000)
    simulation.stop()
    rest = list(emissions)
    assert simulation.end_ms == START + 70_000
    assert all(last.time <= emission.time <= START + 70_000 for emission in rest)
    assert simulation.truth.total().legs_waiting == len(simulation.truth.waiting) > 0


def test_the_length_is_rounded_up_to_whole_ten_seconds() -> None:
    simulation = Simulation(Settings(LINE, START, RULES))
    list(simulation.emissions(12_345))
    assert simulation.end_ms == START + 20_000


@pytest.mark.parametrize(
    ("channel", "tier", "waited", "expected"),
    [
        ("voice", "gold", 120_001, {"c"}),
        ("voice", "gold", 120_000, set()),
        ("voice", "silver", 500_000, set()),
        ("email", "gold", 500_000, set()),
        ("chat", None, 500_000, set()),
    ],
)
def test_an_alert_is_due_strictly_after_the_limit(
    channel: str, tier: str | None, waited: int, expected: set[str]
) -> None:
    answered, waiting = Truth(RULES), Truth(RULES)
    for truth in (answered, waiting):
        truth.entered(1, Leg("c", channel, "q", tier, 1000))
    answered.left(1, "answered", 1000 + waited)
    waiting.close(1000 + waited)
    assert answered.alerts == waiting.alerts == expected


def test_the_limit_and_the_channels_are_the_rules() -> None:
    bound = Bound(10_000, by="tier", each=(("gold", 1_000),))
    when = Comparison("waiting", (), "ms", "above", bound, "at_or_below", bound)
    rule = AlertRule("slow-mail", "contact", when, tiers=frozenset({"red", "gold"}), channels=frozenset({"email"}))
    truth = Truth(replace(RULES, customers=replace(RULES.customers, alerts=AlertRules(AlertsFile((rule,))))))
    truth.entered(1, Leg("a", "email", "q", "red", 0))
    truth.entered(2, Leg("b", "voice", "q", "gold", 0))
    truth.entered(3, Leg("c", "email", "q", "gold", 9_000))
    truth.entered(4, Leg("d", "email", "q", "red", 1))
    truth.close(10_001)
    assert truth.alerts == {"a", "c"}
