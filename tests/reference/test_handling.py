"""Legs, talk and first responses of single contacts, beside the recount; the kinds of mistakes that were once made."""

import pytest

from tests.reference.events import HOUR, MIN, S
from tests.reference.kit import WAYS, call, counted, figure, filler, standing, story, tell

pytestmark = pytest.mark.parametrize("way", WAYS)


@pytest.mark.parametrize(("talked", "work"), [(100, 30), (15, 2), (600, 120)])
def test_work_after_the_talk_that_is_told_before_the_end_counts_once(way: str, talked: int, work: int) -> None:
    s = call("p", customer_id="7").say("connected", agent_id="a").wait((talked + work) * S)
    s.say("wrapped_up", agent_id="a", duration_ms=work * S).wait(500).say("ended", by="agent")
    came = tell(way, s)
    place = ("voice", "none", "none")
    assert figure(came, "handle_time.all") == {place: ((talked + work) * S, 1)}
    assert figure(came, "handle_time.talk") == {place: (talked * S, 1)}
    assert figure(came, "handle_time.wrap") == {place: (work * S, 1)}


@pytest.mark.parametrize(("kind", "talked"), [("warm", 60 + 41 + 25), ("cold", 60 + 25)])
def test_the_first_agent_stays_in_a_warm_transfer_until_the_other_answers(way: str, kind: str, talked: int) -> None:
    s = call("p", customer_id="7").say("queued", queue="a").wait(5 * S).say("connected", agent_id="a").wait(60 * S)
    s.say("transferred", kind=kind, to_queue="b", agent_id="a").wait(S).say("queued", queue="b").wait(40 * S)
    s.say("connected", agent_id="b").wait(25 * S).say("ended", by="customer")
    came = tell(way, s)
    assert figure(came, "handle_time.talk") == {("voice", "b", "none"): (talked * S, 1)}
    assert figure(came, "speed_of_answer.answered_legs") == {
        ("voice", "a", "none"): (5 * S, 1),
        ("voice", "b", "none"): (40 * S, 1),
    }


@pytest.mark.parametrize("between", ["missed", "offered"])
def test_each_entering_is_a_leg(way: str, between: str) -> None:
    s = call("p", customer_id="7").say("queued", queue="a").wait(12 * S)
    s.say("offered", agent_id="x").wait(18 * S)
    if between == "missed":
        s.say("missed", agent_id="x").wait(S)
    s.say("queued", queue="a").wait(33 * S).say("connected", agent_id="y").wait(30 * S).say("ended", by="agent")
    came = tell(way, s)
    assert counted(came, "legs_entered.all") == {("voice", "a", "none"): 2}
    assert figure(came, "flow_out.of_left") == {("voice", "a", "none"): (1, 2)}
    assert figure(came, "speed_of_answer.answered_legs") == {("voice", "a", "none"): (33 * S, 1)}


@pytest.mark.parametrize("apart", [0, 250, 1000, 180_000])
def test_one_entering_that_two_systems_report_is_one_leg(way: str, apart: int) -> None:
    s = call("p", customer_id="7").say("queued", queue="a").wait(apart).say("queued", queue="a").wait(40 * S)
    s.say("connected", agent_id="y").wait(30 * S).say("ended", by="agent")
    came = tell(way, s)
    assert counted(came, "legs_entered.all") == {("voice", "a", "none"): 1}
    assert figure(came, "speed_of_answer.answered_legs") == {("voice", "a", "none"): (40 * S + apart, 1)}


@pytest.mark.parametrize("before", [1, 300, 1999, 2000])
def test_a_connect_from_a_clock_that_goes_before_answers_its_leg(way: str, before: int) -> None:
    s = (
        call("p", customer_id="7")
        .say("initiated")
        .wait(2 * S)
        .say("connected", agent_id="a")
        .wait(before)
        .say("queued", queue="q")
    )
    s.wait(200 * S).say("ended", by="customer")
    came = tell(way, s)
    place = ("voice", "q", "none")
    assert figure(came, "speed_of_answer.answered_legs") == {place: (0, 1)}
    assert figure(came, "abandonment.of_left") == {place: (0, 1)}
    assert figure(came, "handle_time.talk") == {place: (200 * S + before, 1)}


@pytest.mark.parametrize("moved_on", ["queued", "transferred"])
def test_of_one_moment_what_came_first_happened_first(way: str, moved_on: str) -> None:
    """A log in whole seconds: answered and moved in one."""
    s = call("p", customer_id="7", tier="gold").say("queued", queue="cards").wait(40 * S).say("connected", agent_id="a")
    if moved_on == "transferred":
        s.say("transferred", to_queue="loans", agent_id="a")
    s.say("queued", queue="loans").wait(250 * S).say("connected", agent_id="b").wait(50 * S).say("ended", by="agent")
    came = tell(way, s, filler(900, 30))
    assert figure(came, "speed_of_answer.answered_legs") == {
        ("voice", "cards", "gold"): (40 * S, 1), ("voice", "loans", "gold"): (250 * S, 1),
    }  # fmt: skip
    assert standing(came) == [("customer:7", "p", "answered")]


@pytest.mark.parametrize("greeted", ["bot", "agent", None])
def test_what_we_say_before_the_customer_has_spoken_is_no_reply(way: str, greeted: str | None) -> None:
    s = story("chat", "p", customer_id="7").say("initiated").wait(S)
    if greeted:
        s.reply(greeted)
    s.wait(44 * S).customer(0.0).wait(25 * S).reply(agent_id="a").wait(10 * S).say("ended", by="agent")
    came = tell(way, s)
    assert figure(came, "first_response.any") == {("chat", "none", "none"): (25 * S, 1)}
    assert figure(came, "first_response.human_from_start") == {("chat", "none", "none"): (25 * S, 1)}


def test_of_a_contact_that_we_opened_the_first_response_is_to_the_customers_first_message(way: str) -> None:
    s = (
        story("messaging", "p", customer_id="7")
        .say("initiated", direction="outbound", opened_by="campaign")
        .reply("bot")
    )
    s.wait(3 * HOUR).customer().wait(7 * MIN).reply(agent_id="a").wait(MIN).say("ended", by="agent")
    silent = (
        story("messaging", "q", customer_id="8")
        .say("initiated", direction="outbound", opened_by="agent")
        .reply(agent_id="a")
    )
    silent.wait(HOUR).say("ended", by="agent")
    came = tell(way, s, silent)
    assert figure(came, "first_response.human_from_start") == {("messaging", "none", "none"): (7 * MIN, 1)}
    assert counted(came, "contacts_offered.all") == {}
