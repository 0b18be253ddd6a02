"""A customer's row stays below its budget whatever comes in within the contract, and nothing is counted twice."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from streams.base.records import Event
from streams.customers import customers, relief
from streams.customers.customers import Customer
from streams.customers.journey_steps import STEPS_OF_CONTACT
from streams.customers.journeys import SHOWN_BYTES
from streams.customers.quality import KEPT_BYTES, MAX_TOLD, TOLD_BYTES
from streams.customers.segments import SCORE_BYTES
from streams.customers.step_telling import MAX_TAKEN_BACK, STEP_BYTES
from tests.support.track_story import T0, D, H, M, S, Task, event, net, on, profile, said

SMILE = "\U0001f600"


def wide(name: str) -> str:
    """The name with 200 characters, most of them of 4 bytes."""
    return name + SMILE * (200 - len(name))


def widest(one: Event) -> Event:
    """The event with the longest names the contract allows; what is equal stays equal."""
    names = {
        name: wide(value)
        for name in ("id", "source", "contact", "queue", "tier", "agent")
        if (value := getattr(one, name)) is not None
    }
    return msgspec.structs.replace(one, **names)


class Watched(Task):
    """A task that measures the row after each record, and forgets what was published but the facts."""

    largest = 0

    def feed(self, one: Any, size: int | None = None) -> list[str]:
        encoded = len(msgspec.json.encode(one)) if size is None else size
        outcome = customers.fold(self.customer, one, self, self.rules, encoded)
        self.customer = outcome.customer
        self.facts += outcome.facts
        self.alerts += on(outcome, "alerts")
        self.late += outcome.late
        if self.customer is not None:
            row = len(msgspec.json.encode(self.customer))
            assert row <= self.customer.size + 3_000, "the row knows its size from above"
            assert row <= relief.ROW_BYTES + 3_000
            self.largest = max(self.largest, row)
        return list(outcome.limited)


def contacts(count: int, *kinds: str, step: int = M) -> Iterator[Event]:
    for place, kind in enumerate(kinds):
        for number in range(count):
            more: dict[str, Any] = {"by": "customer"} if kind == "contact.ended" else {}
            yield event(
                kind, place * step + number, f"c{number}", queue="q", tier="gold", agent="a",
                id=f"{number}-{place}", **more,
            )  # fmt: skip


def counted(task: Task, fact: str) -> Counter[str]:
    """How often each contact counts in a fact."""
    found: Counter[str] = Counter()
    for each, count in net(task.facts).items():
        if each.fact == fact:
            found[each.id.split("/")[0]] += count
    return found


def test_500_open_contacts_with_long_ids_are_one_row_that_fits() -> None:
    """1.5 MB in 1,500 events once stopped the task for good: three events each, then their answers and ends."""
    task, limited = Watched(), Counter[str]()
    kinds = ("contact.queued", "contact.offered", "contact.connected", "contact.held", "contact.ended")
    for one in contacts(500, *kinds):
        limited.update(task.feed(widest(one)))
    assert limited["row"] > 0 and limited["contacts"] == 0
    for fact in ("leg_opened", "leg_closed", "contact_offered"):
        assert set(counted(task, fact).values()) == {1}, fact
    assert len(counted(task, "leg_opened")) == len(counted(task, "leg_closed")) == 500
    assert set(counted(task, "contact_handled").values()) <= {1}
    task.take()
    assert task.journeys[-1]["counts"]["contacts"] == 500
    assert task.late > 0, "what comes of a contact that was condensed early is late, not another contact"
    task.until(30 * H)


def test_an_open_contact_that_is_closed_for_room_does_not_begin_anew() -> None:
    task = Watched()
    for one in contacts(400, "contact.queued"):
        task.feed(widest(one))
    task.take()
    assert task.customer is not None
    kept = {history.id for history in task.customer.lines[""].histories.values()}
    assert 0 < len(kept) < 400
    gone = next(number for number in range(400) if wide(f"c{number}") not in kept)
    before = task.late
    for kind, at in (("contact.connected", 2 * M), ("contact.ended", 3 * M)):
        task.feed(widest(event(kind, at, f"c{gone}", id=f"x{at}", by="customer")))
    assert task.late == before + 2
    assert counted(task, "leg_closed")[wide(f"c{gone}")] == counted(task, "contact_offered")[wide(f"c{gone}")] == 1
    task.feed(widest(event("contact.initiated", 30 * M, f"c{gone}", id="again")))
    task.take()
    assert task.late == before + 2, "the id is used again"


def test_of_contacts_at_rest_no_more_are_gone_than_the_row_needs() -> None:
    """950 calls in a morning, of names as telephone systems give them; each is rated in the evening."""
    task, calls, rated = Watched(), 950, 12 * H
    for number in range(calls):
        for place, kind in enumerate(("contact.queued", "contact.connected", "contact.ended")):
            at, more = number * 10 * S + place * S, {"by": "customer"} if kind == "contact.ended" else {}
            name = f"a7c1-4f6e-{number:04}"
            task.feed(event(kind, at, name, queue="cards", id=f"{name}-{place}", **more))
    assert task.late == 0
    for number in range(calls):
        name = f"a7c1-4f6e-{number:04}"
        one = event("feedback.given", rated + number * S, name, id=f"{name}-f", metric="csat", score=5)
        task.feed(one)
    assert sum(counted(task, "feedback").values()) == calls - task.late
    assert task.late < calls // 2
    assert set(counted(task, "contact_offered").values()) == {1}


@pytest.mark.parametrize("channel", ["voice", "chat", "email"])
def test_everything_at_once_fits(channel: str) -> None:
    """One contact of thousands of messages, legs and tiers; replays beside it; alerts, profiles, many journeys."""
    task = Watched(now=T0 - H)
    for number in range(200):
        tier, queue = f"t{number}", f"q{number}"
        task.feed(widest(event("contact.queued", number * M, "c1", channel, id=f"q{number}", queue=queue, tier="gold")))
        for index in range(3):
            one = said(number * M + index, -1.0, channel=channel, id=f"m{number}-{index}", tier=tier, queue=queue)
            task.feed(widest(one))
        task.feed(profile(wide(("gold", "red")[number % 2] + str(number)), number * M))
        task.feed(
            widest(event("contact.queued", number * 73 * H, f"d{number}", channel, queue="q", line=f"r{number % 8}"))
        )
        ended = event("contact.ended", number * 73 * H + 1, f"d{number}", channel, by="agent", line=f"r{number % 8}")
        task.feed(widest(ended))
        if number % 20 == 0:
            task.until(number * M)
            assert task.customer is not None
            assert len(msgspec.json.encode(task.customer)) <= relief.ROW_BYTES + 3_000
    assert task.largest > relief.ROW_KEPT
    assert counted(task, "leg_opened")[wide("c1")] == 200
    task.episodes()


def test_a_row_of_the_version_before_is_measured_once() -> None:
    task = Watched()
    for one in contacts(20, "contact.queued", "contact.connected"):
        task.feed(one)
    assert task.customer is not None and task.customer.size > 60_000
    task.customer = msgspec.structs.replace(task.customer, size=0)
    task.feed(event("contact.held", 10 * M, "c1"))
    size = len(msgspec.json.encode(task.customer))
    steps = (20 * STEPS_OF_CONTACT + MAX_TAKEN_BACK) * STEP_BYTES + MAX_TOLD * (TOLD_BYTES + KEPT_BYTES)
    assert size - 20 <= task.customer.size <= size + relief.LINE_BYTES + SCORE_BYTES + SHOWN_BYTES + steps + 20


def test_replays_are_given_up_before_the_live_line() -> None:
    task = Watched()
    for line in ("", *(f"r{number}" for number in range(7))):
        for number in range(60):
            task.feed(widest(event("contact.queued", number * S, f"c{number}", queue="q", line=line, id=f"i{number}")))
    assert task.customer is not None and "" in task.customer.lines


many = st.lists(
    st.tuples(
        st.integers(0, 30),
        st.sampled_from(["contact.queued", "contact.connected", "contact.ended", "message.sent", "contact.initiated"]),
        st.integers(0, 3 * D // S),
        st.sampled_from(["", "", "r1", "r2"]),
    ),
    min_size=30,
    max_size=90,
)


@settings(max_examples=25, phases=[Phase.explicit, Phase.reuse, Phase.generate], deadline=None)
@given(many, st.booleans())
def test_whatever_comes_a_row_fits_and_facts_are_never_negative(told: list[Any], small: bool) -> None:
    """With a budget so small that it is met all the time."""
    limits = {"ROW_BYTES": 40_000, "ROW_KEPT": 26_000, "LINE_KEPT": 3_250} if small else {}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in limits.items():
            patch.setattr(relief, name, value)
        task = Task()
        for number, (contact, kind, second, line) in enumerate(sorted(told, key=lambda each: each[2])):
            data: dict[str, Any] = {"by": "agent"} if kind == "contact.ended" else {}
            if kind == "message.sent":
                data = {"author": "customer", "direction": "inbound", "sentiment": -1.0}
            one = event(kind, second * S, f"c{contact}", "chat", id=f"e{number}", queue="q", line=line, **data)
            task.take(one)
            if number % 10 == 0:
                task.until(second * S)
            if small and task.customer is not None:
                assert len(msgspec.json.encode(task.customer)) <= 45_000
        assert all(count == 1 for count in net(task.facts).values())
        task.episodes()


def test_the_row_of_one_customer_is_read_back() -> None:
    task = Watched()
    for one in contacts(300, "contact.queued", "contact.connected"):
        task.feed(widest(one))
    encoded = msgspec.json.encode(task.customer)
    assert msgspec.json.decode(encoded, type=Customer) == task.customer
