"""Waits fire by stream time, once, and are resolved once; late events, moves and commands."""

from typing import Any

import pytest

from streams.base.records import Event, Left
from streams.customers import customers
from streams.customers.follow import View
from streams.rules import load
from tests.support.track_story import OWNER, RULES, T0, H, M, S, Task, event, play, profile, told

LIMIT = 120 * S


def waiting(at: int = 0, **more: Any) -> Event:
    return event("contact.queued", at, **{"queue": "cards", "tier": "gold"} | more)


def test_a_wait_fires_when_stream_time_passes_the_limit_and_not_before() -> None:
    task = play(waiting()).until(LIMIT)
    assert not task.alerts
    task.until(LIMIT + 1)
    [record] = task.alerts
    assert record == {
        "alert_id": record["alert_id"],
        "rule": "high-tier-wait",
        "kind": "waiting",
        "status": "firing",
        "severity": "critical",
        "customer": OWNER,
        "contact_id": "c1",
        "channel": "voice",
        "queue": "cards",
        "tier": "gold",
        "value": LIMIT,
        "limit": LIMIT,
        "unit": "ms",
        "since": "2026-01-01T09:02:00.000Z",
        "fired_at": "2026-01-01T09:02:00.001Z",
        "resolved_at": None,
        "reason": None,
        "line": "",
        "revision": 1,
    }
    task.until(10 * M).take(event("contact.connected", 11 * M, party="human")).until(11 * M)
    resolved = task.alerts[-1]
    assert resolved == {
        **record,
        "status": "resolved",
        "resolved_at": "2026-01-01T09:11:00.000Z",
        "reason": "answered",
        "revision": 2,
    }


@pytest.mark.parametrize(("left", "count"), [(LIMIT, 0), (LIMIT + 1, 2)])
def test_a_wait_whose_end_is_known_fires_and_is_resolved_when_stream_time_gets_there(left: int, count: int) -> None:
    """Strictly longer than the limit."""
    task = play(waiting(), event("contact.ended", left, by="customer", reason="abandoned"))
    assert not task.until(LIMIT).alerts
    assert told(task.until(H)) == [("firing", None), ("resolved", "abandoned")][:count]


def test_the_name_of_an_episode_does_not_depend_on_arrival() -> None:
    events = [waiting(), event("contact.initiated", 0), event("contact.ended", 5 * M, by="system", reason="voicemail")]
    forwards, backwards = play(*events, until=H), play(*reversed(events), until=H)
    assert list(forwards.episodes()) == list(backwards.episodes())
    assert forwards.alerts[-1]["reason"] == "flow_out"


def test_an_end_ahead_of_stream_time_is_waited_for() -> None:
    """Both events are there, and stream time comes by in between: an earlier end might still turn up."""
    task = play(waiting(), event("contact.connected", 9 * M, party="human")).until(LIMIT + 1)
    assert told(task) == [("firing", None)]
    task.until(9 * M - 1)
    assert told(task) == [("firing", None)]
    task.until(9 * M)
    assert told(task) == [("firing", None), ("resolved", "answered")]


def test_a_firing_alert_is_resolved_by_the_end_that_holds_not_by_the_one_that_came_first() -> None:
    """The contact's end overtook the answer before it."""
    task = play(waiting()).until(LIMIT + 1)
    task.take(event("contact.ended", 9 * M + 500, by="agent")).until(9 * M - 1500)
    task.take(event("contact.connected", 9 * M, party="human")).until(H)
    assert told(task) == [("firing", None), ("resolved", "answered")]
    assert task.alerts[-1]["resolved_at"] == "2026-01-01T09:09:00.000Z"


@pytest.mark.parametrize(
    "event_", [waiting(tier="silver"), waiting(tier=None), waiting(channel="email"), waiting(channel="messaging")]
)
def test_low_tiers_and_unwatched_channels_raise_nothing(event_: Event) -> None:
    assert not play(event_).until(H).alerts


def test_the_profiles_tier_counts_where_the_events_say_none() -> None:
    task = play(profile("platinum", -H), waiting(tier=None)).until(LIMIT + 1)
    assert [each["tier"] for each in task.alerts] == ["platinum"]


def test_who_becomes_gold_while_waiting_is_watched_from_then_on() -> None:
    task = play(waiting(tier=None)).until(5 * M).take(profile("gold", 5 * M))
    assert told(task) == [("firing", None)] and task.alerts[0]["since"] == "2026-01-01T09:05:00.000Z"
    task = play(waiting(tier=None), event("contact.connected", 4 * M, party="human")).until(5 * M)
    assert not task.take(profile("gold", 5 * M)).until(H).alerts


def test_a_tier_ahead_of_stream_time_waits_for_it() -> None:
    task = play(waiting(tier=None), profile("gold", 5 * M)).until(5 * M - 1)
    assert not customers.advance(task.customer, task, RULES).out
    assert told(task.until(5 * M)) == [("firing", None)]


def test_who_turns_out_to_be_gold_was_gold_all_the_time() -> None:
    """Events that say a tier for the first time say it of the wait before them too."""
    task = play(waiting(tier=None)).until(5 * M).take(event("contact.connected", 6 * M, party="human", tier="gold"))
    task.until(6 * M)
    assert told(task) == [("firing", None), ("resolved", "answered")]
    assert task.alerts[0]["since"] == "2026-01-01T09:02:00.000Z"


def test_who_falls_out_of_the_tier_after_the_deadline_keeps_the_alert() -> None:
    task = play(waiting()).until(3 * M).take(event("message.sent", 4 * M, author="customer", tier="red")).until(H)
    assert told(task) == [("firing", None)]
    assert not play(waiting(), event("message.sent", M, author="customer", tier="red")).until(H).alerts


def test_every_leg_is_an_episode_of_its_own() -> None:
    events = (waiting(), waiting(5 * M, queue="loans"), event("contact.ended", 9 * M, by="customer"))
    task = play(*events, until=9 * M)
    assert len(task.episodes()) == 2
    assert told(task) == [("firing", None), ("resolved", "flow_out"), ("firing", None), ("resolved", "abandoned")]


def test_a_late_event_withdraws_a_firing_alert() -> None:
    task = play(waiting()).until(LIMIT + 1)
    task.take(event("contact.connected", M, party="human")).until(H)
    assert told(task) == [("firing", None), ("resolved", "withdrawn")]
    assert task.alerts[-1]["resolved_at"] == "2026-01-01T09:02:00.000Z"


def test_what_was_withdrawn_and_holds_after_all_is_another_alert() -> None:
    task = play(waiting()).until(LIMIT + 1)
    task.take(profile("red", 0), event("contact.connected", M, party="human"))
    task.take(Left(OWNER, "c1", "voice", "customer:C2", T0 + 3 * M)).take(waiting()).until(H)
    assert told(task) == [("firing", None), ("resolved", "withdrawn"), ("firing", None)]
    assert len({each["alert_id"] for each in task.alerts}) == 2


def test_an_alert_moves_with_its_contact() -> None:
    old = play(waiting()).until(LIMIT + 1).take(Left(OWNER, "c1", "voice", "customer:C2", T0 + 3 * M))
    assert told(old) == [("firing", None), ("resolved", "moved")]
    new = Task(now=T0 + LIMIT + 1).take(waiting(owner="customer:C2"))
    assert not new.alerts  # the history may still be arriving
    new.until(LIMIT + 2)
    assert told(new) == [("firing", None)]
    assert new.alerts[0]["alert_id"] != old.alerts[0]["alert_id"]


def test_a_history_that_arrives_again_raises_only_what_holds_at_its_end() -> None:
    task = Task(now=T0 + H)
    task.take(waiting()).take(event("contact.connected", M, party="human"))
    assert not task.until(2 * H).alerts


def test_a_contact_that_goes_on_to_the_next_customer_at_once_raises_nothing_here() -> None:
    """Its events and its leaving come together, whether a batch is cut between them or not."""
    history = [waiting(), event("contact.connected", 9 * M, party="human")]
    left = Left(OWNER, "c1", "voice", "customer:C2", T0 + 9 * M)
    for batches in ([[*history, left]], [history, [left]], [[each] for each in (*history, left)]):
        task = Task(now=T0 + H)
        for batch in batches:
            task.take(*batch).until(H)
        assert not task.until(2 * H).alerts, batches


def test_a_history_that_stays_raises_what_it_proves_when_stream_time_has_moved_on() -> None:
    task = Task(now=T0 + H).take(waiting(), event("contact.connected", 9 * M, party="human")).until(H)
    assert not task.alerts
    assert told(task.until(H + 1)) == [("firing", None), ("resolved", "answered")]


def test_a_replay_that_stays_at_its_last_event_leaves_open_legs_alone() -> None:
    task = play(waiting(line="r1"))
    task.until(LIMIT)
    assert not task.alerts and task.of("leg_opened") and not task.of("leg_closed")


def test_replays_have_names_of_their_own() -> None:
    task = play(waiting(), waiting(line="r1")).until(LIMIT + 1)
    assert len(task.episodes()) == 2 and {each["line"] for each in task.alerts} == {"", "r1"}


@pytest.mark.parametrize("lateness", ["0s", "5s", "1m"])
def test_an_alert_whose_contact_comes_to_rest_before_its_wait_ends_is_withdrawn(lateness: str) -> None:
    """Heard of again behind its horizon, it is another contact; the first one's wait ends with its timeout, in 24
    hours, and by then it is no longer kept."""
    overrides = {"tracking.contacts.channel_horizons": {"voice": "60s"}, "kpis.lateness": lateness}
    task = Task(load(None, overrides).customers)
    task.take(event("contact.queued", 0, queue="loans", tier="gold")).until(124 * S)
    assert [each["status"] for each in task.alerts] == ["firing"]
    task.take(event("contact.connected", 125 * S, tier="gold", agent="a"), event("contact.ended", 126 * S, by="agent"))
    for second in range(127, 400):
        task.until(second * S)
    (last,) = task.episodes().values()
    assert (last["status"], last["reason"]) == ("resolved", "withdrawn")
    assert task.until(2 * H).customer is not None
    assert not task.customer.lines[""].watched.alerts, "and forgotten"


def test_whatever_becomes_of_the_leg_its_alert_does_not_fire_for_ever() -> None:
    task = Task().take(event("contact.queued", 0, queue="loans", tier="gold")).until(124 * S)
    assert task.customer is not None
    timeline = task.customer.lines[""]
    watching = next(each for each in RULES.followers if each.name == "watched")
    lost = View(OWNER, "", T0 + 125 * S, {}, {}, ())
    assert watching.due(timeline.watched, lost) == T0 + 120 * S
    after = watching.passed(timeline.watched, lost)
    assert [(each.value["reason"], each.value["until"]) for each in after.out] == [("withdrawn", T0 + 125 * S)]
    assert watching.passed(after.state, lost).out == ()
