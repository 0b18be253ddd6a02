"""Steps of the contact that began last are told by a shorter way: it says what the whole way says, and leaves the same
row."""

from itertools import pairwise
from typing import Any
from unittest import mock

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.base.records import Event, Left
from streams.customers import step_telling
from tests.support.track_story import OWNER, RULES, T0, D, H, M, Task, arrivals, contact_events, event, said

LATENESS = RULES.contacts.lateness_ms


Batch = tuple[list[Event | Left], int]
"""Records, and the stream time before them."""


def played(order: list[Batch], *, whole: bool) -> tuple[list[bytes], list[dict[str, Any]], int]:
    """Rows and steps after each record; how often the shorter way was taken."""
    taken = 0

    def counted(*args: object) -> object:
        nonlocal taken
        found = None if whole else shorter(*args)  # type: ignore[arg-type]
        taken += found is not None
        return found

    shorter, task, rows = step_telling.tell_newest, Task(), []
    with mock.patch.object(step_telling, "tell_newest", counted):
        for records, at in order:
            task.until(at).take(*records)
            rows.append(msgspec.json.encode(task.customer))
        task.until(order[-1][1] + 40 * D)
    return [*rows, msgspec.json.encode(task.customer)], list(task.steps), taken


@settings(max_examples=100, deadline=None)
@given(st.data(), contact_events(), st.booleans())
def test_both_ways_say_the_same(data: st.DataObject, events: list[Event], leaves: bool) -> None:
    order: list[tuple[Event | Left, int]] = []
    for record, reached in data.draw(arrivals(events, LATENESS - 1)):
        order.append((record, max(reached - T0, order[-1][1] if order else 0)))
    if leaves:
        gone = data.draw(st.sampled_from(events))
        place = data.draw(st.integers(1, len(order)))
        order.insert(place, (Left(OWNER, gone.contact, gone.channel, "customer:C2", T0 + H), order[place - 1][1]))
    cuts = sorted({0, *data.draw(st.sets(st.integers(0, len(order)))), len(order)})
    batches = [([record for record, _ in order[a:b]], order[a][1]) for a, b in pairwise(cuts)]
    assert played(batches, whole=False)[:2] == played(batches, whole=True)[:2]


def test_another_one_in_place_of_the_newest() -> None:
    """It left in the batch in which the next one began: what was told of it once stayed."""
    told: list[Batch] = [([event("contact.queued", at, name, queue="q")], at) for at, name in ((0, "a"), (10 * M, "n"))]
    left = Left(OWNER, "n", "voice", "customer:C2", T0 + 12 * M)
    batches: list[Batch] = [*told, ([left, event("contact.queued", 20 * M, "m", queue="q")], 12 * M)]
    short, whole = (played(batches, whole=each) for each in (False, True))
    assert short[:2] == whole[:2]
    assert {(each["step"], each["holds"]) for each in short[1][2:4]} == {("joined", False), ("joined", True)}


def test_it_is_taken() -> None:
    told = [
        said(turn * M, author="customer" if turn % 2 else "agent", contact="a", channel="messaging")
        for turn in range(6)
    ]
    steps, taken = played([([each], each.time - T0) for each in told], whole=False)[1:]
    assert (len(steps), taken) == (8, 6), "opened, six turns, closed"
