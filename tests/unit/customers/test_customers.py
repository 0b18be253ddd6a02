"""What comes out of track is a function of the set of events, not of their order or of how they were cut into
batches."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.base.records import Event, Left
from streams.customers import customers
from tests.support.deadlines import next_deadlines
from tests.support.track_story import (
    OWNER,
    RULES,
    T0,
    D,
    H,
    M,
    S,
    Task,
    contact_events,
    event,
    in_order,
    on,
    play,
    profile,
    said,
)


@settings(max_examples=60, deadline=None)
@given(st.data(), contact_events())
def test_a_contact_that_moves_leaves_nothing_behind(data: st.DataObject, events: list[Event]) -> None:
    """Nor does it take anything of one that has its id on another channel."""
    channels = {each.contact: each.channel for each in events}
    if len(set(channels.values())) == len(channels):
        events = [msgspec.structs.replace(each, contact="c0") for each in events]
    gone = data.draw(st.sampled_from(sorted({(each.channel, each.contact) for each in events})))
    end = events[-1].time - T0
    left = Left(OWNER, gone[1], gone[0], "customer:C2", events[-1].time)
    stays = [each for each in events if (each.channel, each.contact) != gone]
    old = Task().take(*data.draw(st.permutations(events)), left).until(end)
    reference = play(*stays, until=end)
    assert old.net == reference.net
    assert old.last_journeys() == reference.last_journeys() or not stays
    if not stays:
        assert all(not each["contacts"] for each in {each["journey_id"]: each for each in old.journeys}.values())
        assert old.customer is None or not any(line.histories for line in old.customer.lines.values())
    old.episodes()
    goes = [each for each in events if each not in stays]
    new = play(*(msgspec.structs.replace(each, owner="customer:C2") for each in goes), until=end)
    both = old.net + new.net
    assert all(count == 1 for count in both.values())
    alone = play(*goes, until=end)
    assert new.net == alone.net


def test_what_the_part_that_moves_had_taken_over_counts_with_the_part_that_stays() -> None:
    """Its outcome, handling and feedback go on with its last part, and come back when that goes."""
    call = [
        event("contact.queued", 0, queue="q"),
        event("contact.connected", 5 * S),
        event("contact.ended", 60 * S, by="customer"),
        event("feedback.given", 70 * S, metric="csat", score=5),
    ]
    later = [event("contact.reopened", 3 * H), event("contact.ended", 3 * H + S, by="agent")]
    left = Left(OWNER, "c1", "voice", "customer:C2", T0 + 3 * H + S, since=T0 + 3 * H)
    assert play(*call, *later, left, until=3 * H + M).net == play(*call, until=3 * H + M).net
    idle = [event("message.sent", 0, channel="chat", direction="inbound", author="customer")]
    idle.append(event("message.sent", M, channel="chat", direction="outbound", author="agent"))
    later = [event("message.sent", 3 * D, channel="chat", direction="inbound", author="customer")]
    left = Left(OWNER, "c1", "chat", "customer:C2", T0 + 3 * D, since=T0 + 3 * D)
    assert play(*idle, *later, left, until=3 * D + M).net == play(*idle, until=3 * D + M).net


@settings(max_examples=60, deadline=None)
@given(st.data(), contact_events(), st.booleans())
def test_a_contact_that_moves_from_a_time_on_leaves_what_it_did_before(
    data: st.DataObject, events: list[Event], settled: bool
) -> None:
    """A stub that goes on and becomes better known: `identify` has only the events since."""
    gone = data.draw(st.sampled_from(sorted({(each.channel, each.contact) for each in events})))
    since = data.draw(st.sampled_from([each.time for each in events]))
    end = events[-1].time - T0
    left = Left(OWNER, gone[1], gone[0], "customer:C2", events[-1].time, since=since)
    goes = [each for each in events if (each.channel, each.contact) == gone and each.time >= since]
    stays = [each for each in events if each not in goes]
    task = Task()
    if settled:
        task.take(*(each for each in events if each.time < since)).until(since - 1 - T0)
    task.take(*(each for each in events if each.time >= since or not settled), left).until(end)
    reference = Task()
    if settled:
        reference.take(*(each for each in events if each.time < since)).until(since - 1 - T0)
    reference.take(*(each for each in stays if each.time >= since or not settled)).until(end)
    assert task.net == reference.net
    assert task.last_journeys() == reference.last_journeys() or not stays
    task.episodes()


def test_what_left_with_a_later_part_takes_nothing_of_the_earlier_one_along() -> None:
    """A call that asked for nobody ends; its id is used again hours later, by somebody else."""
    first = [event("article.viewed", 0), event("contact.ended", 2, by="customer", reason="completed")]
    again = event("article.viewed", 3 * H)
    task = in_order([*first, again], 3 * H).take(
        Left(OWNER, "c1", "voice", "customer:C2", T0 + 3 * H, since=T0 + 3 * H)
    )
    assert task.net == in_order(first, 3 * H).net
    assert {(fact.fact, fact.outcome) for fact in task.of_contacts} == {("contact_unasked", "left")}


def test_a_whole_call() -> None:
    task = play(
        profile("gold", -D),
        event("contact.initiated", 0),
        event("contact.queued", 5 * S, queue="cards"),
        event("contact.offered", 20 * S, agent="a1"),
        event("contact.connected", 25 * S, agent="a1", party="human"),
        event("contact.held", 60 * S),
        event("contact.resumed", 70 * S),
        event("contact.ended", 100 * S, by="customer"),
        event("contact.wrapped_up", 130 * S, agent="a1"),
        event("feedback.given", 200 * S, metric="csat", score=4),
    )
    facts = [(each.fact, each.time - T0, each.outcome, each.value) for each in task.facts if each.sign == 1]
    facts = [each for each in facts if not each[0].startswith(("journey_", "quality"))]
    assert facts == [
        ("leg_opened", 5 * S, None, None),
        ("leg_closed", 25 * S, "answered", None),
        ("contact_offered", 25 * S, "answered", 20 * S),
        ("contact_handled", 100 * S, None, None),
        ("contact_handled", 100 * S, None, None),
        ("feedback", 200 * S, None, 4000),
    ]
    [handled] = task.of("contact_handled")
    assert (handled.talk_ms, handled.hold_ms, handled.wrap_ms) == (65 * S, 10 * S, 30 * S)
    assert (handled.channel, handled.queue, handled.tier) == ("voice", "cards", "gold")
    [journey] = task.journeys
    assert journey["contacts"][0]["outcome"] == "answered" and journey["status"] == "open" and journey["tier"] == "gold"
    [segment] = task.segments
    assert segment["segment"] == "new" and segment["tier"] == "gold"


def test_a_profile_change_labels_open_contacts_anew_and_leaves_ended_ones() -> None:
    task = play(
        profile("red", 0),
        event("contact.queued", 1 * S, "old", queue="cards"),
        event("contact.ended", 5 * S, "old", by="customer", reason="abandoned"),
        event("contact.queued", 2 * S, "new", queue="cards"),
    )
    task.take(profile("gold", 10 * S))
    assert [(each.id.split("/")[0], each.tier) for each in task.of("leg_opened")] == [("old", "red"), ("new", "gold")]


def test_the_events_tier_goes_before_the_profiles() -> None:
    task = play(profile("gold", 0), event("contact.queued", 1, queue="cards", tier="red"))
    assert [each.tier for each in task.of("leg_opened")] == ["red"]


def test_lines_do_not_touch_each_other() -> None:
    task = play(
        profile("gold", 0),
        event("contact.queued", 0, queue="cards", line="r1"),
        event("contact.queued", 0, queue="cards"),
    )
    assert sorted({(each.line, each.tier) for each in task.net}) == [("", "gold"), ("r1", "none")]
    assert sorted(each["journey_id"] for each in task.journeys) == [
        "customer:C1@2026-01-01T09:00:00.000Z",
        "customer:C1@2026-01-01T09:00:00.000Z~r1",
    ]


def replay(number: int, at: int = 0) -> Event:
    return event("contact.queued", at, f"c{number}", queue="cards", line=f"r{number}", id=f"q{number}-{at}")


def test_a_replay_too_many_is_refused_and_those_that_are_known_keep_what_they_have() -> None:
    """It once took the place of the one touched longest ago: eight events of junk took a replay's open contacts away."""
    task = Task().take(*(replay(number) for number in range(customers.MAX_REPLAYS)))
    before = task.customer
    for junk in range(customers.MAX_REPLAYS, customers.MAX_REPLAYS + 20):
        with pytest.raises(customers.Refused, match=f"{customers.MAX_REPLAYS} replays") as refused:
            task.take(replay(junk))
        assert (refused.value.reason, refused.value.path) == ("replay-refused", "replayid")
    assert task.customer == before
    task.take(event("contact.connected", 30 * S, "c0", line="r0", agent="a"))
    assert [each.line for each in task.of("leg_closed")] == ["r0"]


def test_the_live_line_is_never_refused() -> None:
    task = Task().take(*(replay(number) for number in range(customers.MAX_REPLAYS)))
    task.take(profile("gold", 0), event("contact.queued", 0, queue="cards"))
    assert task.customer is not None and len(task.customer.lines) == customers.MAX_REPLAYS + 1
    assert [each.tier for each in task.of("leg_opened") if not each.line] == ["gold"]


def test_a_replay_that_has_ended_gives_way() -> None:
    """What is known of it is published first, in the same batch; one that has deadlines left stays."""
    task = Task().take(event("contact.queued", 0, queue="cards"))
    task.over |= {"r3", "r5"}
    most = customers.MAX_REPLAYS
    task.take(*(replay(number) for number in range(most + 2)))
    assert task.customer is not None
    assert list(task.customer.lines) == ["", *(f"r{number}" for number in range(most + 2) if number not in (3, 5))]
    assert {each["line"] for each in task.journeys} == {"", *(f"r{number}" for number in range(most + 2))}
    task.over.add("r0")
    task.now = T0 + 30 * H
    with pytest.raises(customers.Refused):
        task.take(replay(most + 2))
    task.until(31 * H).take(replay(most + 2))
    assert "r0" not in task.customer.lines


def test_a_contact_that_leaves_a_line_that_is_not_known_changes_nothing() -> None:
    task = Task().take(*(replay(number) for number in range(customers.MAX_REPLAYS)))
    before = task.customer
    task.take(Left(OWNER, "c1", "voice", "customer:C2", T0, "junk"))
    assert task.customer == before


def test_what_comes_after_its_place_was_settled_is_late() -> None:
    task = play(event("contact.queued", 10 * M, queue="cards"), event("contact.ended", 20 * M, by="system"))
    task.until(3 * H).take(event("contact.initiated", 0))
    assert task.late == 1 and [each.outcome for each in task.of("leg_closed")] == ["flow_out"]
    task.until(40 * H).take(event("contact.held", 15 * M))
    assert task.late == 2


def test_a_long_contact_settles_in_portions_and_still_takes_what_is_late() -> None:
    task = play(said(0, 0.1))
    for minute in range(5, 300, 5):
        task.until(minute * M).take(said(minute * M, 0.1))
    assert task.customer is not None
    [history] = task.customer.lines[""].histories.values()
    assert history.base is not None and 12 <= len(history.tail) <= 24
    task.take(said(236 * M, 0.1))
    assert not task.late and len(task.of("sentiment")) == 61


def test_an_event_after_settling_goes_on() -> None:
    task = play(event("contact.queued", 0, queue="cards"), event("contact.connected", M, party="human"))
    task.until(5 * H).take(event("contact.ended", 5 * H, by="customer"))
    assert [each.talk_ms for each in task.of("contact_handled")] == [5 * H - M]
    task.until(6 * H + M).take(event("feedback.given", 8 * H, metric="csat", score=5))
    assert [each.queue for each in task.of("feedback")] == ["cards"]


def test_an_idle_contact_is_closed_without_any_event_and_opened_again_by_a_late_one() -> None:
    task = play(event("contact.queued", 0, queue="cards"), event("contact.connected", M, party="human"))
    task.until(24 * H + M)
    assert not task.of("contact_handled")
    task.until(24 * H + M + 1)
    [handled] = task.of("contact_handled")
    assert (handled.time - T0, handled.talk_ms) == (24 * H + M, 0)
    task.take(event("message.sent", 24 * H, author="customer", direction="inbound"))
    assert (
        not task.of("contact_handled")
        and task.last_journeys()["customer:C1@2026-01-01T09:00:00.000Z"]["status"] == "open"
    )


def test_everything_of_an_unknown_caller_is_forgotten_in_the_end() -> None:
    caller = {"owner": "contact:c1", "contact": "c1"}
    task = play(event("contact.initiated", 0, **caller), event("contact.ended", M, by="customer", **caller))
    assert [each["customer"] for each in task.journeys] == ["contact:c1"] and not task.segments
    for hours in (2, 26, 73, 80, 14 * 24 + 2):
        task.until(hours * H)
    assert task.customer is not None
    assert len(msgspec.json.encode(task.customer)) < 400, (
        "but for the names of two records that are still to be removed"
    )
    task.until(31 * D + M)
    assert [told[1:] for told in task.told] == [("open", 1), ("closed", 2)]
    task.until(31 * D + M + 1)
    assert task.customer is None
    assert [told[1:] for told in task.told[2:]] == [(None, 0)]


@pytest.mark.parametrize(("ends", "kept", "closed"), [(True, 100, 600), (False, 500, 100)])
def test_a_customer_stays_bounded(ends: bool, kept: int, closed: int) -> None:
    """Of contacts that are over, the quietest is condensed early; open ones are closed only beyond many more."""
    task = Task()
    for number in range(600):
        at = number * M
        contact = f"c{number}"
        task.take(
            event("contact.queued", at, contact, "chat", queue="cards"),
            *(said(at + 1 + index, -0.5, contact=contact, id=f"{number}-{index}") for index in range(3)),
        )
        if ends:
            task.take(event("contact.ended", at + 9, contact, "chat", by="customer", reason="abandoned"))
    assert task.customer is not None
    [line] = task.customer.lines.values()
    assert (len(line.histories), len(line.watched.messages) <= 100, len(line.journeys.past)) == (kept, True, 1)
    assert len(msgspec.json.encode(task.customer)) < 900_000, "one changelog record holds it"
    assert task.journeys[-1]["counts"]["contacts"] == 600 and len(task.journeys[-1]["contacts"]) == 20
    assert len(task.of("leg_opened")) == 600 and len(task.of("leg_closed")) == closed


def test_a_busy_contact_stays_bounded() -> None:
    task = Task()
    for number in range(3000):
        task._note(customers.fold(task.customer, said(number * S, -0.1, id=f"m{number}"), task, RULES))
    assert task.customer is not None
    [history] = task.customer.lines[""].histories.values()
    assert len(history.tail) <= 1000 and history.base is not None and len(history.base.marks) <= 3000
    assert len(task.of("sentiment")) == 3000
    task.until(3000 * S + 30 * H)
    [closed] = task.journeys[-1]["contacts"]
    assert closed["messages"] == 3000 and closed["ended"] is not None


def test_an_illegal_event_is_reported_once_and_changes_nothing() -> None:
    task = play(
        event("contact.initiated", 0), event("contact.held", 5 * S), event("contact.ended", 9 * S, by="customer")
    )
    assert [tuple(each) for each in task.illegal] == [("c1", "new", "contact.held")]
    assert not task.of("contact_handled")


def test_a_record_without_an_owner_is_refused() -> None:
    with pytest.raises(ValueError, match="no owner"):
        play(event("contact.initiated", 0, owner=""))


def test_a_look_at_which_nothing_is_due_leaves_no_trace() -> None:
    """What publishing asks to look at hangs on where the log is cut; the row must not."""
    task = Task().take(said(0, -0.9, tier="red"))
    task.now = T0 + 1
    assert all(due >= task.now for due in next_deadlines(task.customer, RULES).values())
    assert customers.advance(task.customer, task, RULES).customer == task.customer


def test_a_line_is_looked_after_alone() -> None:
    task = Task().take(*(event("contact.queued", 0, queue="cards", tier="gold", line=line) for line in ("", "r")))
    task.now = T0 + H
    outcome = customers.advance(task.customer, task, RULES, "r")
    assert [(alert["line"], alert["status"]) for alert in on(outcome, "alerts")] == [("r", "firing")]
    assert task.customer is not None and outcome.customer is not None
    assert outcome.customer.lines[""] == task.customer.lines[""]
