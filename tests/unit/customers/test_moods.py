"""Moods fire with the message that crosses the limit, and are resolved once: recovered, quiet, moved, withdrawn."""

from typing import Any

from streams.base.records import Event, Left
from streams.customers import customers
from tests.support.track_story import OWNER, RULES, T0, H, M, Task, play, said, told


def bad(*times: int, sentiment: float = -0.8, **more: Any) -> list[Event]:
    return [said(at, sentiment, **{"tier": "gold"} | more) for at in times]


def test_sentiment_fires_with_the_message_that_crosses() -> None:
    task = play(*bad(0, M, 2 * M)).until(2 * M - 1)
    assert not task.alerts
    task.until(2 * M)
    [record] = task.alerts
    assert (record["kind"], record["value"], record["limit"], record["unit"]) == ("sentiment", -0.8, -0.45, "sentiment")
    assert (record["since"], record["contact_id"], record["tier"]) == ("2026-01-01T09:02:00.000Z", "c1", "gold")


def test_two_bad_messages_are_not_enough() -> None:
    assert not play(*bad(0, M)).until(H).alerts


def test_the_mean_is_weighted_by_time() -> None:
    """Two at 0.0 an hour earlier weigh a quarter each at a half-life of 30 minutes: −0.8/1.5 = −0.533; without decay
    −0.267."""
    assert not play(*bad(0, 0, id="x", sentiment=0.0), *bad(1)).until(H).alerts
    task = play(said(0, 0.0, id="a"), said(0, 0.0, id="b"), *bad(H)).until(2 * H)
    assert [each["value"] for each in task.alerts] == [-0.533]


def test_hysteresis() -> None:
    task = play(*bad(0, M, 2 * M), said(3 * M, 0.2)).until(4 * M)
    assert told(task) == [("firing", None)]  # about −0.55: above neither limit
    task.take(said(5 * M, 1.0), said(6 * M, 0.9)).until(7 * M)
    assert told(task) == [("firing", None), ("resolved", "recovered")]


def test_silence_ends_the_episode_and_starts_the_mood_anew() -> None:
    task = play(*bad(0, M, 2 * M)).until(2 * M + 2 * H)
    assert told(task) == [("firing", None)]
    task.until(2 * M + 2 * H + 1)
    assert told(task) == [("firing", None), ("resolved", "quiet")]
    task.take(*bad(5 * H, 5 * H + M)).until(5 * H + 2 * M)
    assert len(task.alerts) == 2
    task.take(*bad(5 * H + 2 * M)).until(5 * H + 3 * M)
    assert len(task.episodes()) == 2


def test_after_a_silence_it_takes_as_many_messages_again() -> None:
    task = play(*bad(0, M, 2 * M)).until(2 * M + 2 * H + 1)
    task.take(*bad(2 * H + 10 * M, 2 * H + 11 * M)).until(2 * H + 12 * M - 1)
    assert len(task.episodes()) == 1
    task.take(*bad(2 * H + 12 * M)).until(2 * H + 12 * M)
    assert told(task) == [("firing", None), ("resolved", "quiet"), ("firing", None)]


def test_a_late_message_is_judged_in_its_place() -> None:
    task = play(*bad(0, 2 * M)).until(3 * M).take(*bad(M)).until(4 * M)
    assert [each["since"] for each in task.alerts] == ["2026-01-01T09:02:00.000Z"]


def test_mood_goes_over_all_contacts_of_the_customer() -> None:
    events = [said(at, -0.9, contact=name, tier="gold") for name, at in (("a", 0), ("b", M), ("c", 2 * M))]
    task = play(*events).until(H)
    assert [each["contact_id"] for each in task.alerts] == ["c"]


def test_messages_of_a_contact_that_moves_are_forgotten() -> None:
    task = play(*bad(0, M, 2 * M)).until(3 * M).take(Left(OWNER, "c1", "chat", "customer:C2", T0 + 3 * M)).until(H)
    assert told(task) == [("firing", None), ("resolved", "moved")]
    task = play(*bad(0, M, contact="a"), *bad(2 * M, contact="b")).until(3 * M)
    task.take(Left(OWNER, "a", "chat", "customer:C2", T0 + 3 * M)).until(H)
    assert told(task) == [("firing", None), ("resolved", "withdrawn")]


def test_low_tiers_may_be_cross() -> None:
    assert not play(*bad(0, M, 2 * M, tier="red")).until(H).alerts


def test_a_history_that_arrives_again_is_judged_when_stream_time_has_moved_on() -> None:
    task = Task(now=T0 + H).take(*bad(0, M, 2 * M))
    assert not customers.advance(task.customer, task, RULES).out
    assert told(task.until(H + 1)) == [("firing", None)]


def test_an_episode_outlives_its_messages_being_settled() -> None:
    task = play(*bad(0, M, 2 * M)).until(3 * M)
    for minute in range(10, 600, 30):
        task.take(said(minute * M, -0.9, tier="gold")).until(minute * M + M)
    assert told(task) == [("firing", None)]
    for minute in range(600, 660, 10):
        task.take(said(minute * M, 0.9)).until(minute * M + M)
    assert told(task) == [("firing", None), ("resolved", "recovered")]
