"""Contacts that rest, are spoken about, and go on; live and as a replay: what is told about a contact changes nothing
of it, and it counts once whoever it turns out to belong to."""

import pytest

from tests.reference.events import DAY, HOUR, MIN, S, Story
from tests.reference.kit import WAYS, T, call, contacts, counted, figure, owners, story, tell

pytestmark = pytest.mark.parametrize("way", WAYS)

COOKIE = [{"kind": "cookie", "value": "k1"}]
TOLD = {
    "message.changed": {"message_id": "1", "change": "read"},
    "contact.assigned": {"agent_id": "a"},
    "case.opened": {"case_id": "k"},
    "case.reopened": {"case_id": "k"},
    "feedback.given": {"metric": "csat", "score": 4},
}


# Told about a contact that is idle


@pytest.mark.parametrize("told", TOLD)
def test_what_is_told_about_an_idle_contact_does_not_open_it(way: str, told: str) -> None:
    s = story("messaging", "m", customer_id="7").say("initiated").customer().wait(MIN).reply(agent_id="a")
    came = tell(way, s.wait(26 * HOUR).say(told, **TOLD[told]))
    assert counted(came, "contacts_reopened.all") == {}
    listed = contacts(came, "customer:7")["m"]
    assert (listed["outcome"], listed["ended"]) == ("answered", "2026-03-03T09:01:00.000Z")


@pytest.mark.parametrize("told", TOLD)
@pytest.mark.parametrize("by", ["message", "connect"])
@pytest.mark.parametrize("between", [20 * MIN, 5 * HOUR])
def test_and_what_goes_on_with_it_finds_it_as_it_was(way: str, told: str, by: str, between: int) -> None:
    s = story("messaging", "m", customer_id="7").say("initiated").say("queued", queue="wa").customer()
    s.wait(40 * HOUR).say(told, **TOLD[told]).wait(between)
    if by == "connect":
        s.say("connected", agent_id="a")
    s.reply(agent_id="a").wait(MIN).say("ended", by="agent")
    came, place, waited = tell(way, s), ("messaging", "wa", "none"), 40 * HOUR + between
    assert figure(came, "first_response.human_from_start") == {place: (waited, 1)}
    assert figure(came, "speed_of_answer.answered_legs") == {place: (waited, 1)}
    assert figure(came, "flow_out.of_left") == {place: (0, 1)}
    assert counted(came, "contacts_offered.all") == {place: 1}
    assert counted(came, "contacts_reopened.all") == {place: 1}
    assert contacts(came, "customer:7")["m"]["outcome"] == "answered"


def test_after_contact_work_told_days_after_a_talk_without_an_end_is_no_talk(way: str) -> None:
    s = call("p", customer_id="7").say("queued", queue="q").wait(10 * S).say("connected", agent_id="a").wait(MIN)
    s.say("held").wait(S).say("resumed").wait(30 * HOUR).say("wrapped_up", agent_id="a", duration_ms=30 * S)
    came = tell(way, s)
    assert figure(came, "handle_time.talk") == {("voice", "q", "none"): (MIN, 1)}
    assert figure(came, "handle_time.wrap") == {("voice", "q", "none"): (30 * S, 1)}


# Told about a contact that nobody knows


WORDS = TOLD | {"wrapped_up": {"agent_id": "a", "duration_ms": 9000}, "case.solved": {"case_id": "k"}}


@pytest.mark.parametrize("told", WORDS)
@pytest.mark.parametrize("channel", ["voice", "email"])
def test_a_contact_that_was_only_told_about_asked_for_nothing(way: str, channel: str, told: str) -> None:
    """Its events were lost, or it is over for longer than the horizon: the word counts, and it is no contact offered,
    contained or left."""
    s = Story(channel, "p", T, {}, {"customer_id": "7"}).say("initiated").customer().wait(8 * S)
    s.say("connected", agent_id="a").wait(MIN).say("ended", by="agent").wait(16 * DAY).say(told, **WORDS[told])
    unknown = Story(channel, "q", T).say(told, **WORDS[told]).wait(2 * HOUR).say(told, **WORDS[told])
    came, place = tell(way, s, unknown, after=5 * DAY), (channel, "none", "none")
    assert counted(came, "contacts_offered.all") == {place: 1}
    assert counted(came, "contacts_contained.all") == counted(came, "contacts_left.all") == {}
    assert figure(came, "handle_time.all") == {place: (MIN, 1)}
    assert sum(bottom for _, bottom in figure(came, "csat.satisfied").values()) == 2 * (told == "feedback.given")


@pytest.mark.parametrize("told", WORDS)
@pytest.mark.parametrize("later", [MIN, 30 * HOUR, 9 * DAY])
def test_and_is_a_contact_like_any_other_when_it_goes_on(way: str, later: int, told: str) -> None:
    s = story("messaging", "m", customer_id="7").say(told, **WORDS[told]).wait(later).customer().wait(MIN)
    came, place = tell(way, s.reply(agent_id="a").wait(S).say("ended", by="agent")), ("messaging", "none", "none")
    assert counted(came, "contacts_offered.all") == {place: 1}
    assert figure(came, "first_response.human_from_start") == {place: (MIN, 1)}
    assert counted(came, "contacts_contained.all") == {}
    assert contacts(came, "customer:7")["m"]["outcome"] == "answered"


# Told about a contact that is over


@pytest.mark.parametrize("late", [5 * MIN, 3 * HOUR, 9 * DAY])
@pytest.mark.parametrize("queued", [True, False])
def test_a_survey_says_nothing_of_the_queue_and_the_tier(way: str, queued: bool, late: int) -> None:
    s = Story("voice", "p", T, {"customer_id": "7"}, {"tier": "gold"}).say("initiated").wait(S)
    if queued:
        s.say("queued", queue="cards").wait(9 * S)
    s.say("connected", agent_id="a").wait(MIN).say("ended", by="customer").wait(late)
    came = tell(way, s.say("feedback.given", metric="csat", score=5, queue="surveys", tier="silver"))
    place = ("voice", "cards" if queued else "none", "gold")
    assert figure(came, "csat.satisfied") == {place: (1, 1)}
    assert figure(came, "handle_time.talk") == {place: (MIN, 1)}
    assert counted(came, "contacts_offered.all") == {place: 1}
    assert counted(came, "legs_entered.all") == ({place: 1} if queued else {})


@pytest.mark.parametrize("closing", ["contact.ended", "case.solved"])
@pytest.mark.parametrize("later", [0, 2 * S, 3 * HOUR])
def test_a_reply_that_is_stamped_after_the_end_answers(way: str, later: int, closing: str) -> None:
    s = story("email", "m", customer_id="7").say("initiated").customer().wait(2 * HOUR)
    s.say(closing, **({"case_id": "k"} if closing == "case.solved" else {"by": "agent"})).wait(later).reply(
        agent_id="a"
    )
    came, place = tell(way, s.say("ended", by="agent")), ("email", "none", "none")
    assert figure(came, "first_response.human_from_start") == {place: (2 * HOUR + later, 1)}
    assert figure(came, "answered_in_time.of_answered") == {place: (1, 1)}
    assert contacts(came, "customer:7")["m"]["outcome"] == "answered"


def test_a_word_of_ours_after_a_bot_has_served_somebody_is_no_answer(way: str) -> None:
    s = story("chat", "m", customer_id="7").say("initiated").customer().wait(S).reply("bot").wait(MIN)
    s.say("ended", by="bot", reason="self-served").wait(S).reply(agent_id="a")
    assert contacts(tell(way, s), "customer:7")["m"]["outcome"] == "contained"


# Called back, two clocks


@pytest.mark.parametrize("ended", [True, False])
@pytest.mark.parametrize("later", [20 * MIN, 3 * HOUR, 30 * HOUR])
def test_a_call_back_that_is_told_as_outbound_is_still_the_customers_contact(way: str, later: int, ended: bool) -> None:
    s = call("p", customer_id="7").say("initiated").say("queued", queue="q").wait(100 * S).say("callback_requested")
    if ended:
        s.wait(S).say("ended", by="customer", reason="callback")
    s.wait(later).say("initiated", direction="outbound", opened_by="agent").wait(S).say("connected", agent_id="a")
    came, place = tell(way, s.wait(MIN).say("ended", by="customer")), ("voice", "q", "none")
    assert counted(came, "contacts_offered.all") == {place: 1}
    assert figure(came, "speed_of_answer.all_contacts") == {place: (100 * S, 1)}
    assert figure(came, "handle_time.talk") == {place: (MIN, 1)}


@pytest.mark.parametrize("kind", ["warm", "cold"])
@pytest.mark.parametrize("before", [300, 2000])
def test_the_second_agent_of_a_transfer_may_have_another_clock_too(way: str, kind: str, before: int) -> None:
    s = call("p", customer_id="7").say("queued", queue="a").wait(5 * S).say("connected", agent_id="a").wait(MIN)
    s.say("transferred", kind=kind, to_queue="b", agent_id="a").wait(20 * S).say("connected", agent_id="b")
    s.wait(before).say("queued", queue="b").wait(MIN).say("ended", by="customer")
    came = tell(way, s)
    assert figure(came, "speed_of_answer.answered_legs")["voice", "b", "none"] == (0, 1)
    assert figure(came, "abandonment.of_left")["voice", "b", "none"] == (0, 1)
    talked = MIN + MIN + before + (20 * S if kind == "warm" else 0)
    assert figure(came, "handle_time.talk") == {("voice", "b", "none"): (talked, 1)}


# Known later


@pytest.mark.parametrize("hours", [24.5, 30, 47])
@pytest.mark.parametrize("by", ["reply", "connect", "the next message"])
def test_an_idle_contact_that_becomes_known_counts_once(way: str, hours: float, by: str) -> None:
    s = story("messaging", "m").say("initiated", identifiers=COOKIE).customer(0.5).wait(round(hours * HOUR))
    if by == "connect":
        s.say("connected", agent_id="a", customer_id="7").wait(S)
    if by == "the next message":
        s.say("message.sent", direction="inbound", author="customer", sentiment=0.25, customer_id="7").wait(5 * HOUR)
    s.reply(agent_id="a", customer_id="7").wait(3 * HOUR).customer(0.25).wait(MIN).say("ended", by="agent")
    came, place = tell(way, s), ("messaging", "none", "none")
    waited = s.events[-3].at - s.start
    assert figure(came, "first_response.human_from_start") == {place: (waited, 1)}
    assert counted(came, "contacts_offered.all") == {place: 1}
    assert counted(came, "contacts_left.all") == counted(came, "contacts_contained.all") == {}
    scored = [500, 250, 250] if by == "the next message" else [500, 250]
    assert figure(came, "sentiment.mean") == {place: (sum(scored), len(scored))}
    assert list(owners(came).values()) == [1]


@pytest.mark.parametrize("goodbye", ["bot", "agent", None])
@pytest.mark.parametrize("turns", [1, 30])
def test_each_word_counts_once_when_who_comes_back_becomes_known(way: str, turns: int, goodbye: str | None) -> None:
    """Also where what came since is settled, and with a last word of ours behind the end."""
    s = story("chat", "m").say("initiated", identifiers=COOKIE).customer(0.5).wait(10 * S).reply(agent_id="a")
    s.wait(MIN).say("ended", by="agent").wait(S)
    if goodbye:
        s.reply(goodbye)
    s.wait(4 * HOUR)
    for _ in range(turns):
        s.customer(0.25).wait(5 * MIN).reply(agent_id="a").wait(5 * MIN)
    s.say("article.viewed", article_id="x", customer_id="7").wait(MIN).say("ended", by="agent")
    came, place = tell(way, s), ("chat", "none", "none")
    assert figure(came, "sentiment.mean") == {place: (500 + turns * 250, turns + 1)}
    assert owners(came) == {"anonymous:cookie:k1": 1, "customer:7": 1}
    assert [came.journeys[who]["counts"]["messages"] for who in ("anonymous:cookie:k1", "customer:7")] == [
        2 + bool(goodbye), 2 * turns,
    ]  # fmt: skip


@pytest.mark.parametrize("late", [0, 30 * MIN])
def test_a_survey_of_the_last_moment_of_the_horizon_finds_its_contact_though_it_comes_late(way: str, late: int) -> None:
    s = Story("voice", "p", T, {}, {"customer_id": "7", "tier": "gold"}).say("initiated").served("cards", 9 * S, MIN)
    s.wait(14 * DAY).say("feedback.given", metric="csat", score=5)
    s.events[-1] = type(s.events[-1])(**{**vars(s.events[-1]), "arrives": s.events[-1].at + late})
    came = tell(way, s)
    assert figure(came, "csat.satisfied") == {("voice", "cards", "gold"): (1, 1)}
    assert owners(came) == {"customer:7": 1}


def test_of_two_customers_named_in_one_moment_the_last_that_came_holds(way: str) -> None:
    s = call("p").say("initiated")
    for number in range(12):
        s.say("article.viewed", article_id="x", customer_id="7" if number < 11 else "8")
    assert owners(tell(way, s.wait(S).served("cards", S, MIN))) == {"customer:8": 1}


@pytest.mark.parametrize("kind", ["contact.transferred", "contact.wrapped_up"])
def test_who_was_moved_to_humans_without_a_queue_had_asked_for_one(way: str, kind: str) -> None:
    s = story("chat", "m", customer_id="7").say("initiated").say("connected", party="bot").wait(MIN)
    s.say(kind, **({"to_queue": "loans"} if kind == "contact.transferred" else {"duration_ms": 5 * S})).wait(MIN)
    came = tell(way, s.say("ended", by="system"))
    assert counted(came, "contacts_offered.all") == {("chat", "none", "none"): 1}
    assert contacts(came, "customer:7")["m"]["outcome"] == "flow_out"
