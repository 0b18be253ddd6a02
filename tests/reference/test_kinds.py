"""The rules of contacts one by one, with values of their own, live and as a replay."""

import pytest

from tests.reference.events import DAY, HOUR, MIN, S, Story
from tests.reference.kit import WAYS, T, call, contacts, counted, figure, filler, owners, standing, story, tell

pytestmark = pytest.mark.parametrize("way", WAYS)

SATURDAY = T + 5 * DAY


# A reply after a night, a weekend, a week


@pytest.mark.parametrize(
    ("channel", "hours"), [("messaging", 47), ("messaging", 26), ("email", 80), ("chat", 30), ("email", 71)]
)
def test_the_first_response_runs_through_idle_time(way: str, channel: str, hours: float) -> None:
    s = story(channel, "m", SATURDAY, customer_id="7", queue="post")
    s.say("initiated").customer().wait(round(hours * HOUR)).reply(agent_id="a").wait(10 * MIN).say("ended", by="agent")
    came = tell(way, s)
    assert figure(came, "first_response.human_from_start") == {(channel, "post", "none"): (round(hours * HOUR), 1)}
    assert counted(came, "contacts_offered.all") == {(channel, "post", "none"): 1}
    assert list(contacts(came, "customer:7")) == ["m"]


@pytest.mark.parametrize("by", ["connect", "message"])
@pytest.mark.parametrize("hours", [25, 47, 60])
def test_who_waits_in_a_queue_over_the_weekend_is_offered_once(way: str, hours: int, by: str) -> None:
    s = story("messaging", "m", SATURDAY, customer_id="7").say("initiated").say("queued", queue="wa").customer()
    s.wait(hours * HOUR)
    if by == "connect":
        s.say("connected", agent_id="a").wait(20 * S)
    s.reply(agent_id="a").wait(5 * MIN).say("ended", by="agent")
    came = tell(way, s)
    place = ("messaging", "wa", "none")
    assert counted(came, "contacts_offered.all") == {place: 1}
    assert counted(came, "legs_entered.all") == {place: 1}
    assert figure(came, "speed_of_answer.answered_legs") == {place: (hours * HOUR, 1)}
    assert figure(came, "flow_out.of_left") == {place: (0, 1)}
    assert figure(came, "answered_in_time.of_offered") == {place: (0, 1)}
    assert counted(came, "longest_wait.left") == {place: hours * HOUR}


# What comes long after the end


@pytest.mark.parametrize("late", [2 * HOUR, 25 * HOUR, 6 * DAY, 13 * DAY])
@pytest.mark.parametrize("channel", ["voice", "chat"])
def test_a_survey_belongs_to_its_contact_however_late(way: str, channel: str, late: int) -> None:
    s = Story(channel, "p", T, {}, {"customer_id": "7", "tier": "gold"})
    s.say("initiated").wait(S).say("queued", queue="loans").wait(7 * S).say("connected", agent_id="a").wait(95 * S)
    s.say("ended", by="customer").wait(late).say("feedback.given", metric="csat", score=4)
    came = tell(way, s)
    assert figure(came, "csat.satisfied") == {(channel, "loans", "gold"): (1, 1)}
    assert counted(came, "contacts_offered.all") == {(channel, "loans", "gold"): 1}
    assert owners(came) == {"customer:7": 1}
    assert contacts(came, "customer:7")["p"]["ended"] is not None


@pytest.mark.parametrize("late", [65 * MIN, 5 * HOUR])
def test_after_contact_work_told_late_counts_the_contact_once(way: str, late: int) -> None:
    s = call("p", customer_id="7").say("queued", queue="cards").wait(4 * S).say("connected", agent_id="a").wait(60 * S)
    s.say("ended", by="agent").wait(late).say("wrapped_up", agent_id="a", duration_ms=45 * S)
    came = tell(way, s, filler(6 * 3600))
    assert figure(came, "handle_time.all") == {("voice", "cards", "none"): (105 * S, 1)}
    assert owners(came) == {"customer:7": 1, "customer:filler": 1}


def test_the_last_answer_of_a_contact_counts(way: str) -> None:
    one, two = call("p", customer_id="7"), call("q", customer_id="8")
    for s in (one, two):
        s.served("cards", 9 * S, 60 * S).wait(30 * S)
    one.say("feedback.given", metric="csat", score=2).wait(400).say("feedback.given", metric="csat", score=2)
    one.wait(90 * S).say("feedback.given", metric="csat", score=5).say("feedback.given", metric="ces", score=3)
    two.say("feedback.given", metric="csat", score=1)
    came = tell(way, one, two)
    assert figure(came, "csat.satisfied") == {("voice", "cards", "none"): (1, 2)}
    assert figure(came, "csat.mean_score") == {("voice", "cards", "none"): (6000, 2)}
    assert figure(came, "ces.easy") == {("voice", "cards", "none"): (0, 1)}


# Contained, left, offered, abandoned


@pytest.mark.parametrize(
    ("party", "channel", "by", "reason"),
    [
        ("bot", "chat", "customer", "completed"), ("bot", "chat", "customer", "self-served"), ("bot", "chat", "system", "timeout"),
        ("bot", "chat", "bot", "completed"), ("self-service", "voice", "customer", "completed"), ("bot", "messaging", "customer", "completed"),
    ],
)  # fmt: skip
def test_who_asked_for_no_human_is_not_offered(way: str, party: str, channel: str, by: str, reason: str) -> None:
    s = story(channel, "b", customer_id="7").say("initiated").say("connected", party=party).wait(4 * S)
    if party == "bot":
        s.customer(0.2).wait(2 * S).reply("bot")
    came = tell(way, s.wait(40 * S).say("ended", by=by, reason=reason))
    assert counted(came, "contacts_offered.all") == {}
    assert figure(came, "abandonment.of_offered") == {}
    assert counted(came, "contacts_contained.all") == {(channel, "none", "none"): 1}
    assert contacts(came, "customer:7")["b"]["outcome"] == "contained"


@pytest.mark.parametrize("served", [False, True])
def test_who_goes_before_anything_was_done_has_left(way: str, served: bool) -> None:
    """Nobody had it; or nobody replied to what was said last."""
    s = story("chat", "b", customer_id="7").say("initiated").wait(3 * S)
    if served:
        s.say("connected", party="bot").customer().wait(2 * S).reply("bot").wait(20 * S).customer().wait(30 * S)
    came = tell(way, s.say("ended", by="customer"))
    assert counted(came, "contacts_left.all") == {("chat", "none", "none"): 1}
    assert counted(came, "contacts_contained.all") == counted(came, "contacts_offered.all") == {}
    assert contacts(came, "customer:7")["b"]["outcome"] == "left"


def test_a_connector_that_knows_better_says_abandoned(way: str) -> None:
    s = call("b", customer_id="7").say("initiated").say("connected", party="self-service").wait(30 * S)
    s.say("ended", by="customer", reason="abandoned")
    assert figure(tell(way, s), "abandonment.of_offered") == {("voice", "none", "none"): (1, 1)}


@pytest.mark.parametrize(("by", "outcome"), [("system", "flow_out"), ("bot", "flow_out"), ("customer", "abandoned")])
def test_who_was_handed_to_humans_and_got_none_was_offered(way: str, by: str, outcome: str) -> None:
    s = story("chat", "b", customer_id="7").say("initiated").say("connected", party="bot").wait(3 * S).customer()
    s.wait(20 * S).say("handed_off").wait(70 * S).say("ended", by=by)
    came = tell(way, s)
    assert counted(came, "contacts_offered.all") == {("chat", "none", "none"): 1}
    assert contacts(came, "customer:7")["b"]["outcome"] == outcome


@pytest.mark.parametrize("closer", ["agent", "customer", "system"])
@pytest.mark.parametrize("channel", ["chat", "messaging", "email", "social", "forum"])
@pytest.mark.parametrize("queued", [True, False])
def test_a_human_who_answers_in_writing_has_answered(way: str, channel: str, queued: bool, closer: str) -> None:
    s = story(channel, "m", customer_id="7").say("initiated")
    if queued:
        s.say("queued", queue="desk")
    s.customer().wait(17 * S).reply(agent_id="a").wait(80 * S).customer().wait(30 * S).say("ended", by=closer)
    came = tell(way, s)
    place = (channel, "desk" if queued else "none", "none")
    assert counted(came, "contacts_offered.all") == {place: 1}
    assert figure(came, "answered_in_time.of_answered") == {place: (1, 1)}
    assert figure(came, "abandonment.of_offered").get(place, (0, 0))[0] == 0
    assert figure(came, "speed_of_answer.all_contacts") == {place: (17 * S if queued else 0, 1)}
    assert came.journeys["customer:7"]["counts"]["answered"] == 1
    if queued:
        assert figure(came, "speed_of_answer.answered_legs") == {place: (17 * S, 1)}


def test_a_wait_that_a_message_has_ended_raises_no_alert(way: str) -> None:
    s = story("chat", "m", customer_id="7", tier="platinum").say("queued", queue="vip").customer().wait(60 * S)
    s.reply(agent_id="a")
    assert tell(way, s, filler(900, 30)).alerts == []


def test_a_bots_message_ends_no_wait(way: str) -> None:
    s = story("chat", "m", customer_id="7", tier="gold").say("queued", queue="vip").customer().wait(20 * S).reply("bot")
    s.wait(280 * S).say("connected", agent_id="a").wait(S).say("ended", by="agent")
    came = tell(way, s, filler(900, 30))
    assert figure(came, "speed_of_answer.answered_legs") == {("chat", "vip", "gold"): (300 * S, 1)}
    assert standing(came) == [("customer:7", "m", "answered")]


# Over, and on again


@pytest.mark.parametrize("again", ["message", "case", "initiated"])
@pytest.mark.parametrize("hours", [0.5, 5, 30])
def test_a_customer_who_comes_back_asks_anew(way: str, again: str, hours: float) -> None:
    """No hours in between; the contact is one, and answered by the human whom it asked for in the end."""
    s = (
        story("chat", "m", customer_id="7")
        .say("initiated")
        .say("connected", party="bot")
        .wait(5 * S)
        .customer()
        .wait(S)
        .reply("bot")
    )
    s.wait(MIN).say("ended", by="bot", reason="self-served").wait(round(hours * HOUR))
    if again == "case":
        s.say("case.reopened", case_id="k").wait(S)
    if again == "initiated":
        s.say("initiated").wait(S)
    s.customer().wait(8 * MIN).reply(agent_id="a").wait(MIN).say("ended", by="agent")
    came = tell(way, s)
    place = ("chat", "none", "none")
    assert figure(came, "first_response.any") == {place: (1 * S, 1)}
    assert figure(came, "first_response.human_from_start") == {place: (8 * MIN, 1)}
    assert figure(came, "first_response.after_reopen") == {place: (8 * MIN, 1)}
    assert counted(came, "contacts_offered.all") == {place: 1}
    assert contacts(came, "customer:7")["m"]["outcome"] == "answered"


@pytest.mark.parametrize("wait", [100 * MIN, 3 * HOUR])
def test_who_begins_anew_is_not_forgotten_while_he_waits(way: str, wait: int) -> None:
    s = Story("messaging", "p", T, {}, {"customer_id": "7"})
    s.say("initiated").wait(S).served("cards", 6 * S, MIN)
    s.wait(8 * MIN).say("initiated", customer_id="7").say("queued", queue="cards").wait(wait).say(
        "connected", agent_id="a"
    )
    s.wait(MIN).say("ended", by="agent")
    came = tell(way, s, filler(4 * 3600))
    assert figure(came, "speed_of_answer.answered_legs") == {("messaging", "cards", "none"): (wait + 6 * S, 2)}
    assert owners(came) == {"customer:7": 1, "customer:filler": 1}


@pytest.mark.parametrize("offered", [True, False])
@pytest.mark.parametrize("reason", ["callback", "completed"])
@pytest.mark.parametrize("later", [25 * MIN, 3 * HOUR])
def test_a_call_back_under_the_same_id_is_talked(way: str, later: int, reason: str, offered: bool) -> None:
    s = (
        call("p", customer_id="7")
        .say("initiated")
        .wait(8 * S)
        .say("queued", queue="q")
        .wait(150 * S)
        .say("callback_requested")
    )
    s.wait(4 * S).say("ended", by="customer", reason=reason).wait(later)
    if offered:
        s.say("offered", agent_id="a").wait(12 * S)
    s.say("connected", agent_id="a").wait(240 * S).say("ended", by="customer")
    came = tell(way, s)
    place = ("voice", "q", "none")
    assert figure(came, "flow_out.of_left") == {place: (1, 1)}
    assert figure(came, "handle_time.talk") == {place: (240 * S, 1)}
    assert counted(came, "contacts_offered.all") == {place: 1}
    assert contacts(came, "customer:7")["p"]["talk_ms"] == 240 * S


def test_an_id_that_comes_again_for_another_customer_is_another_contact(way: str) -> None:
    s = call("1001", customer_id="7").say("initiated").served("cards", 9 * S, MIN)
    s.common = {"customer_id": "8"}
    s.wait(20 * MIN).say("initiated").say("queued", queue="loans").wait(30 * S).say("ended", by="customer")
    came = tell(way, s)
    assert owners(came) == {"customer:7": 1, "customer:8": 1}
    assert contacts(came, "customer:7")["1001"]["outcome"] == "answered"
    assert contacts(came, "customer:8")["1001"]["outcome"] == "abandoned"
