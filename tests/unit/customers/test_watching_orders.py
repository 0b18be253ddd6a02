"""In whatever order and cut a customer's records come: the same episodes of every kind."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.base.records import Event, Profile
from tests.support.track_story import T0, H, M, S, Task, contact_events, profile
from tests.support.watching import ruled, told

RULES = ruled(
    {"name": "waiting", "tiers": ["gold"], "when": {"waiting": {"above": {"by": "queue", "loans": "60s", "default": "120s"}}}},
    {"name": "first", "when": {"first_response": {"above": "10m"}}},
    {"name": "next", "when": {"next_response": {"above": "5m"}}},
    {"name": "promise", "when": {"promise_overdue": {"above": "1s"}}},
    {"name": "transfers", "when": {"transfers": {"at_or_above": 2}}},
    {"name": "ping-pong", "when": {"ping_pong": {"at_or_above": 1}}},
    {"name": "mood", "subject": "customer", "when": {"sentiment": {"at_or_below": -0.45, "clear_at_or_above": -0.2}}},
    {"name": "streak", "subject": "customer", "when": {"sentiment_streak": {"at_or_above": 2, "score": -0.5}}},
    {"name": "drop", "subject": "customer", "when": {"sentiment_drop": {"at_or_above": 0.3, "usual_messages": 2, "min_messages": 1}}},
    {"name": "waits", "subject": "customer", "tiers": ["gold"], "when": {"waiting": {"above": "60s"}}},
    {"name": "unanswered", "subject": "customer", "when": {"unanswered": {"above": "10m"}}},
    {"name": "many", "subject": "customer", "when": {"open_contacts": {"at_or_above": 2}}},
    {"name": "risk", "subject": "customer", "when": {"all": [{"sentiment": {"at_or_below": -0.3}}, {"waiting": {"above": "60s"}}]}},
    {"name": "age", "subject": "journey", "when": {"age": {"above": "1h"}, "contacts": {"at_or_above": 2}}},
)  # fmt: skip
LABELS = ("queue", "service_type")
"""Of a subject, as they are known when it is told."""
APART = ("age",)
"""Of journeys, which are other ones when a contact comes that joins two: only that each is told once is the same."""
Records = list[Event | Profile]


def one_by_one(order: Records, end: int) -> Task:
    """One record a batch, stream time never ahead of what is still to come."""
    task = Task(RULES)
    for place, record in enumerate(order):
        task.until(min(each.time for each in order[place:]) - 1 - T0).take(record)
    return task.until(end)


STEPWISE = ("first", "next", "unanswered", "many")
"""What is over when a contact was idle for too long hangs on how far stream time moves at once."""


def essence(task: Task, *left_out: str) -> dict[str, dict[str, Any]]:
    """Each episode as it was told last, having checked that it was told once and was over once."""
    found: dict[str, dict[str, Any]] = {}
    seen, over = set[str](), set[str]()
    for each in told(task):
        name = each["episode"]
        assert (name not in seen) == ("until" not in each) and name not in over, each
        seen.add(name)
        over |= {name} if "until" in each else set()
        subject = {label: value for label, value in each["subject"].items() if label not in LABELS}
        if each["rule"] in APART:
            continue
        found[name] = {**each, "subject": subject} | dict.fromkeys(left_out)
    return found


@settings(max_examples=15, deadline=None)
@given(st.data(), contact_events())
def test_any_cut(data: st.DataObject, events: list[Event]) -> None:
    """The same records one by one and many together; only when they were found to hold may differ."""
    records: Records = sorted([*events, profile("gold", 30 * M)], key=lambda each: each.time)
    end = records[-1].time - T0 + 10 * H
    cuts = sorted(data.draw(st.sets(st.integers(0, len(records)), max_size=3)))
    task = Task(RULES)
    for start, stop in zip([0, *cuts], [*cuts, len(records)], strict=True):
        if records[start:stop]:
            task.until(records[start].time - 1 - T0).take(*records[start:stop])
    one, other = essence(task.until(end), "at"), essence(one_by_one(records, end), "at")
    assert at_once(one) == at_once(other)


def at_once(found: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {name: each for name, each in found.items() if each["rule"] not in STEPWISE}


@settings(max_examples=15, deadline=None)
@given(st.data(), contact_events())
def test_duplicates_change_nothing(data: st.DataObject, events: list[Event]) -> None:
    end = events[-1].time - T0 + 10 * H
    again = sorted(events + data.draw(st.lists(st.sampled_from(events), max_size=5)), key=lambda each: each.time)
    assert essence(one_by_one([*again], end), "at") == essence(one_by_one([*events], end), "at")


@settings(max_examples=15, deadline=None)
@given(st.data(), contact_events())
def test_any_order_ahead_of_stream_time(data: st.DataObject, events: list[Event]) -> None:
    """All but their ends: one that is known is taken at once, though an earlier one may still come."""
    end = events[-1].time - T0 + 10 * H
    task = one_by_one(list(data.draw(st.permutations(events))), end)
    unknown = ("at", "until", "reason")
    assert essence(task, *unknown) == essence(one_by_one([*events], end), *unknown)


@settings(max_examples=15, deadline=None)
@given(st.data(), contact_events(), st.integers(0, 600))
def test_late_events_never_tell_an_episode_twice(data: st.DataObject, events: list[Event], late: int) -> None:
    """Whatever comes too late amends or withdraws: each is told once, and is over once."""
    task = Task(RULES)
    for record in data.draw(st.permutations(events)):
        task.take(record)
        task.until(max(task.now or 0, record.time) - T0 + late * S)
    essence(task.until(events[-1].time - T0 + 100 * H))
