"""Once for each rule and trigger: however often an order or a promise is told, by whom and in which order."""

import random
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from streams.base.records import CustomerEvent, Left
from streams.customers.outreach import MAX_PENDING, KnownOutreach
from streams.customers.pending import DECIDED_MS, MAX_DECIDED
from tests.support.outreach_story import FIRST, GRID, RULES, ZONES, own, word
from tests.support.silence_story import late
from tests.support.track_story import OWNER, T0, D, H, M, Record, Task, event
from tests.support.track_story import RULES as SHIPPED

LATENESS = SHIPPED.contacts.lateness_ms
ONCE = replace(SHIPPED, outreach=replace(RULES, caps=()))
GIVEN = {"marketing": True, "surveys": True}
AWAKE = word(0, consent=GIVEN, time_zone="UTC")
END = 60 * D


def from_(source: str, record: CustomerEvent, number: int = 0) -> CustomerEvent:
    return msgspec.structs.replace(record, source=source, id=f"{record.id}-{source}-{number}")


def outreach(task: Task) -> list[dict[str, Any]]:
    return [each.value for each in task.published if each.topic == "outreach" and each.value is not None]


def in_short(task: Task) -> list[tuple[str, str | None, int]]:
    return [(each["trigger"], each["reason"], each["revision"]) for each in outreach(task)]


def known(task: Task) -> KnownOutreach:
    assert task.customer is not None
    return task.customer.lines[""].outreach


@pytest.mark.parametrize("source", ["shop", "backoffice"])
@pytest.mark.parametrize("kind", ["promise.made", "order.placed", "order.delivered"])
def test_told_again_after_it_was_decided_it_is_not_sent_again(kind: str, source: str) -> None:
    due = 2 * H if kind.startswith("promise") else None
    task = Task(ONCE).take(AWAKE, own(kind, M, "x", due)).until(5 * H)
    sent = in_short(task)
    assert {reason for _, reason, _ in sent} == {None}
    for number in range(3):
        task.take(from_(source, own(kind, (5 + number) * H, "x", due), number)).until((6 + number) * H)
    assert in_short(task.until(END)) == sent


def test_an_order_that_two_sources_tell_is_one() -> None:
    first, second = own("order.delivered", M, "o1"), from_("logistics", own("order.delivered", 30 * M, "o1"))
    for records in ([first, second], [second, first]):
        task = Task(ONCE).take(AWAKE, *records).until(END)
        assert [(each["status"], each["triggered_at"]) for each in outreach(task)] == [
            ("send", "2026-01-01T09:01:00.000Z")
        ]


def test_an_order_is_no_promise_of_the_same_name() -> None:
    task = Task(ONCE).take(AWAKE, own("order.delivered", M, "1"), own("promise.kept", 2 * M, "1")).until(END)
    assert in_short(task) == [("1", None, 1)]


def test_what_is_kept_elsewhere_is_kept() -> None:
    made, kept = own("promise.made", M, "p", due=4 * H), from_("backoffice", own("promise.kept", H, "p"))
    assert in_short(Task(ONCE).take(made, kept).until(END)) == [("p", "over", 1)]
    assert in_short(Task(ONCE).take(kept).take(made).until(END)) == [("p", "over", 1)]


def test_the_latest_word_on_a_promise_holds() -> None:
    made, kept = own("promise.made", M, "p", due=4 * H), own("promise.kept", H, "p")
    again = own("promise.made", 2 * H, "p", due=4 * H)
    apart = Task(ONCE).take(made, kept).until(2 * H).take(again)
    assert in_short(apart.until(END)) == [("p", "over", 1), ("p", None, 2)]
    assert len({each["outreach_id"] for each in outreach(apart)}) == 1
    assert outreach(Task(ONCE).take(again, kept, made).until(END)) == outreach(apart)
    assert in_short(Task(ONCE).take(own("promise.kept", 0, "p"), made).until(END)) == [("p", None, 1)]


def test_put_off_after_it_was_sent_it_is_decided_anew() -> None:
    task = Task(ONCE).take(AWAKE, own("promise.made", M, "p", due=2 * H)).until(5 * H)
    task.take(own("promise.made", 5 * H, "p", due=26 * H)).until(10 * H)
    task.take(own("promise.made", 10 * H, "p", due=2 * H)).until(END)
    assert in_short(task) == [("p", None, 1)], "and put back: it was decided"
    task = Task(ONCE).take(AWAKE, own("promise.made", M, "p", due=2 * H)).until(5 * H)
    task.take(own("promise.made", 5 * H, "p", due=26 * H)).until(END)
    assert in_short(task) == [("p", None, 1), ("p", None, 1)]
    assert len({each["outreach_id"] for each in outreach(task)}) == 2


def test_put_off_in_the_night_it_does_not_go_out_in_the_morning() -> None:
    tokyo = word(0, consent=GIVEN, time_zone="Asia/Tokyo")
    task = Task(ONCE).take(tokyo, own("promise.made", M, "p", due=2 * H)).until(6 * H)
    task.take(own("promise.made", 6 * H, "p", due=50 * H)).until(30 * H)
    assert in_short(task) == [("p", "quiet-hours", 1), ("p", "over", 2)]


def test_told_every_hour_it_is_decided_when_it_would_have_been() -> None:
    task = Task(ONCE).take(AWAKE)
    for hour in range(12):
        task.take(own("promise.made", hour * H + M, "p", due=2 * H)).until((hour + 1) * H)
    assert [each["decided_at"] for each in outreach(task)] == ["2026-01-01T13:00:00.000Z"]


def test_made_again_where_too_many_are_pending_it_is_held_with_the_next_revision() -> None:
    task = Task(ONCE).take(own("promise.made", M, "p", due=30 * D), own("promise.kept", 2 * M, "p")).until(2 * H)
    task.take(*[own("promise.made", 2 * H + n, f"p{n}", due=30 * D) for n in range(MAX_PENDING)])
    task.take(own("promise.made", 3 * H, "p", due=30 * D))
    assert in_short(task) == [("p", "over", 1), ("p", "cap", 2)]


def test_of_a_contact_that_left_in_the_night_and_comes_back_nothing_goes_out() -> None:
    search = event("search.failed", M, "s1", "self-service")
    tokyo = word(0, consent=GIVEN, time_zone="Asia/Tokyo")
    task = Task(ONCE).take(tokyo, own("order.placed", M, "o"), search).until(4 * H)
    task.take(Left(OWNER, "s1", "self-service", "customer:other", T0 + 4 * H)).take(search).until(END)
    assert [each["revision"] for each in outreach(task) if each["rule"] == "search"] == [1]


def test_decisions_are_remembered_for_a_month_and_at_most_so_many() -> None:
    task = Task(ONCE).take(AWAKE)
    for day in range(40):
        task.take(own("order.delivered", day * D, f"o{day}")).until(day * D + 5 * H)
    assert len(known(task).past) == DECIDED_MS // D
    task.take(*[own("order.placed", 41 * D + n, f"n{n}") for n in range(30)]).until(42 * D)
    task.take(*[own("order.placed", 43 * D + n, f"m{n}") for n in range(30)]).until(50 * D)
    assert len(known(task).past) == MAX_DECIDED
    assert len(msgspec.json.encode(known(task))) < 4_500


def test_rows_of_before_are_read_and_what_is_pending_in_them_is_not_told_twice() -> None:
    before = b'[[],[["promise","crm|p",1767258000000,1767272400000,1767279600000,1767279600000]],[],null,["x"],[[5,"crm|q"]]]'
    row = msgspec.json.decode(before, type=KnownOutreach)
    assert (row.pending[0].name, row.pending[0].off, row.past) == ("crm|p", None, ())
    task = Task(ONCE).take(AWAKE)
    assert task.customer is not None
    line = msgspec.structs.replace(task.customer.lines[""], outreach=row)
    task.customer = msgspec.structs.replace(task.customer, lines={"": line})
    task.take(from_("crm", own("promise.made", M, "p", due=4 * H)), from_("crm", own("promise.kept", 2 * M, "p")))
    assert [reason for _, reason, _ in in_short(task.until(END))] == ["over"]


def story(dice: random.Random) -> list[Record]:
    """A few orders and promises, told over and over by two systems, and what the customer says of being spoken to."""
    found: list[Record] = []
    for number in range(dice.randint(4, 24)):
        at = FIRST + GRID * dice.randrange(24) + dice.randrange(10 * M)
        kind = dice.choice(("promise.made", "promise.made", "promise.kept", "order.placed", "order.delivered", "word"))
        if kind == "word":
            said = {dice.choice(("marketing", "service", "email", "service:email")): dice.random() < 0.7}
            tier = {"tier": dice.choice(("gold", "red"))} if dice.random() < 0.4 else {}
            found.append(word(at, consent=said, time_zone=dice.choice(ZONES), **tier))
            continue
        due = FIRST + GRID * dice.randrange(24) if kind == "promise.made" else None
        found.append(from_(dice.choice(("shop", "crm")), own(kind, at, dice.choice("xy"), due), number))
    return found


@pytest.mark.parametrize("seed", range(300))
def test_what_is_said_in_the_end_is_the_same_in_any_order_within_the_lateness(seed: int) -> None:
    dice = random.Random(seed)
    records = story(dice)
    plain = Task(ONCE)
    for record in sorted(records, key=lambda each: each.time):
        plain.until(record.time - T0 - 1).take(record)
    expected = plain.until(END).newest("outreach", "outreach_id")
    for _ in range(3):
        task = Task(ONCE)
        for record, reached in late(dice, records, LATENESS - 1):
            task.until(reached + LATENESS - 1 - T0).take(record)
        assert task.until(END).newest("outreach", "outreach_id") == expected
        out = [each["outreach_id"] for each in outreach(task) if each["status"] == "send"]
        assert len(out) == len({*out})
