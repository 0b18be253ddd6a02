"""Queues that are left or closed, sums instead of moments, contacts that a provider opens again; live and as a replay."""

import pytest

from tests.reference.events import HOUR, MIN, S
from tests.reference.kit import WAYS, call, contacts, counted, figure, filler, standing, story, tell

pytestmark = pytest.mark.parametrize("way", WAYS)
Q = ("voice", "cards", "none")


@pytest.mark.parametrize("reason", ["timeout", "key", "no-agents", "full", "closed", "withdrawn", "moved", "other"])
@pytest.mark.parametrize("then", ["another queue", "a human", "the end"])
def test_a_queue_that_is_left_is_no_transfer_and_no_giving_up(way: str, then: str, reason: str) -> None:
    s = (
        call("p", customer_id="7")
        .say("queued", queue="cards")
        .wait(25 * S)
        .say("left_queue", queue="cards", reason=reason)
    )
    s.wait(3 * S)
    if then == "another queue":
        s.say("queued", queue="loans").wait(11 * S)
    if then != "the end":
        s.say("connected", agent_id="a").wait(MIN)
    s.say("ended", by="system" if then == "the end" else "agent")
    came = tell(way, s)
    assert figure(came, "flow_out.of_left")[Q] == (1, 1)
    assert counted(came, "longest_wait.left")[Q] == 25 * S
    assert contacts(came, "customer:7")["p"]["transfers"] == 0
    assert contacts(came, "customer:7")["p"]["outcome"] == ("flow_out" if then == "the end" else "answered")
    if then == "another queue":
        assert figure(came, "speed_of_answer.answered_legs") == {("voice", "loans", "none"): (11 * S, 1)}
    assert sum(counted(came, "contacts_offered.all").values()) == 1


def test_leaving_one_queue_says_nothing_of_another(way: str) -> None:
    s = call("p", customer_id="7").say("queued", queue="cards").wait(25 * S).say("queued", queue="loans").wait(200)
    s.say("left_queue", queue="cards", reason="moved").wait(30 * S).say("connected", agent_id="a").wait(MIN)
    came = tell(way, s.say("ended", by="agent"))
    assert figure(came, "speed_of_answer.answered_legs") == {("voice", "loans", "none"): (30 * S + 200, 1)}


def test_an_alert_is_over_when_the_queue_is_left(way: str) -> None:
    s = call("p", customer_id="7", tier="gold").say("queued", queue="cards").wait(200 * S)
    s.say("left_queue", queue="cards", reason="no-agents").wait(MIN).say("ended", by="system", reason="voicemail")
    assert standing(tell(way, s, filler(900, 30))) == [("customer:7", "p", "flow_out")]


@pytest.mark.parametrize(
    ("by", "outcome"), [("customer", "abandoned"), ("system", "flow_out"), ("unknown", "flow_out")]
)
def test_who_was_turned_away_is_counted_and_did_not_wait(way: str, by: str, outcome: str) -> None:
    s = call("p", customer_id="7").say("initiated").wait(9 * S).say("turned_away", queue="cards", reason="full").wait(S)
    came = tell(way, s.say("ended", by=by))
    assert counted(came, "contacts_turned_away.all") == counted(came, "contacts_offered.all") == {Q: 1}
    assert counted(came, "legs_entered.all") == {}
    assert contacts(came, "customer:7")["p"]["wait_ms"] == 0
    assert contacts(came, "customer:7")["p"]["outcome"] == outcome


@pytest.mark.parametrize("told", ["contact.ended", "contact.wrapped_up"])
def test_sums_of_talk_and_hold_rule_where_no_moments_came(way: str, told: str) -> None:
    sums = {"talk_ms": 70 * S, "hold_ms": 20 * S}
    s = call("p", customer_id="7").say("queued", queue="cards").wait(5 * S).say("connected", agent_id="a").wait(95 * S)
    s.say("ended", by="unknown", **(sums if told == "contact.ended" else {})).wait(30 * S)
    s.say("wrapped_up", agent_id="a", duration_ms=8 * S, **(sums if told != "contact.ended" else {}))
    came = tell(way, s)
    assert figure(came, "handle_time.talk") == {Q: (70 * S, 1)}
    assert figure(came, "handle_time.hold") == {Q: (20 * S, 1)}
    assert figure(came, "handle_time.all") == {Q: (98 * S, 1)}


@pytest.mark.parametrize("sums", [{"talk_ms": 0}, {"hold_ms": 0}, {"talk_ms": 0, "hold_ms": 0}])
@pytest.mark.parametrize("how", ["gave up", "served itself"])
def test_sums_of_nothing_make_no_handled_contact(way: str, how: str, sums: dict[str, int]) -> None:
    """Providers send a record of every call, with 0 for those that nobody took."""
    s = call("p", customer_id="7").say("initiated").wait(5 * S)
    s = s.say("queued", queue="cards") if how == "gave up" else s.say("connected", party="self-service")
    reason = "abandoned" if how == "gave up" else "self-served"
    s.wait(30 * S).say("ended", by="customer", reason=reason, **sums).wait(S).say("wrapped_up", duration_ms=0, **sums)
    came = tell(way, s)
    assert figure(came, "handle_time.all") == figure(came, "handle_time.talk") == {}
    assert sum(counted(came, "abandonment.of_left").values()) == (how == "gave up")


def test_moments_of_hold_rule_over_sums(way: str) -> None:
    s = call("p", customer_id="7").say("queued", queue="cards").wait(5 * S).say("connected", agent_id="a").wait(60 * S)
    s.say("held").wait(15 * S).say("resumed").wait(25 * S).say("ended", by="agent", talk_ms=99 * S, hold_ms=S)
    came = tell(way, s)
    assert figure(came, "handle_time.talk") == {Q: (85 * S, 1)}
    assert figure(came, "handle_time.hold") == {Q: (15 * S, 1)}


def test_what_a_provider_opens_again_is_the_same_contact(way: str) -> None:
    s = story("chat", "m", customer_id="7").say("initiated").customer().wait(20 * S).reply(agent_id="a").wait(MIN)
    s.say("ended", by="agent").wait(3 * HOUR).say("reopened", by="agent").wait(S).customer().wait(90 * S).reply(
        agent_id="a"
    )
    came = tell(way, s.wait(MIN).say("ended", by="agent"))
    assert figure(came, "first_response.human_from_start") == {("chat", "none", "none"): (20 * S, 1)}
    assert figure(came, "first_response.after_reopen") == {("chat", "none", "none"): (90 * S, 1)}
    assert list(contacts(came, "customer:7")) == ["m"]


@pytest.mark.parametrize(("score", "satisfied"), [(1, 1), (0, 0)])
def test_an_answer_in_words_is_on_its_own_scale(way: str, score: int, satisfied: int) -> None:
    s = call("p", customer_id="7").served("cards", 5 * S, MIN).wait(MIN)
    s.say("feedback.given", metric="csat", score=score, scale="good-bad")
    assert figure(tell(way, s), "csat.satisfied") == {Q: (satisfied, 1)}


def test_receipts_and_assignments_are_no_words_and_no_answers(way: str) -> None:
    s = story("chat", "m", customer_id="7").say("initiated").say("queued", queue="desk").customer().wait(5 * S)
    s.say("assigned", agent_id="a").wait(20 * S).reply(agent_id="a", message_id="1").wait(S)
    for change in ("delivered", "read"):
        s.say("message.changed", message_id="1", change=change).wait(S)
    came = tell(way, s.say("ended", by="agent"))
    assert figure(came, "speed_of_answer.answered_legs") == {("chat", "desk", "none"): (25 * S, 1)}
    assert contacts(came, "customer:7")["m"]["messages"] == 2


@pytest.mark.parametrize("talk", [0, 20 * S])
def test_sums_are_of_contacts_that_were_answered(way: str, talk: int) -> None:
    """Some systems send them with every contact, also with those that nobody answered."""
    s = call("p", customer_id="7").say("queued", queue="cards").wait(30 * S)
    came = tell(way, s.say("ended", by="customer", talk_ms=talk, hold_ms=0))
    assert figure(came, "handle_time.talk") == {}
    assert figure(came, "abandonment.of_offered") == {Q: (1, 1)}


def test_sums_of_a_chat_that_was_answered_in_writing_count(way: str) -> None:
    s = story("chat", "m", customer_id="7").say("initiated").customer().wait(20 * S).reply(agent_id="a").wait(MIN)
    came = tell(way, s.say("ended", by="customer", talk_ms=50 * S))
    assert figure(came, "handle_time.talk") == {("chat", "none", "none"): (50 * S, 1)}


@pytest.mark.parametrize("to", [{"to_queue": "loans"}, {"to_external": "+442079460199"}])
def test_a_menu_that_sends_the_caller_on_has_contained_nothing(way: str, to: dict[str, str]) -> None:
    s = call("p", customer_id="7").say("initiated").say("connected", party="self-service").wait(9 * S)
    came = tell(way, s.say("transferred", **to).wait(2 * S).say("ended", by="unknown"))
    assert counted(came, "contacts_offered.all") == {("voice", "none", "none"): 1}
    assert contacts(came, "customer:7")["p"]["outcome"] == "flow_out"


def test_a_transfer_that_is_told_after_the_end_is_none(way: str) -> None:
    s = call("p", customer_id="7").say("queued", queue="cards").wait(5 * S).say("connected", agent_id="a").wait(MIN)
    came = tell(way, s.say("ended", by="agent").wait(S).say("transferred", to_queue="loans"))
    assert contacts(came, "customer:7")["p"]["transfers"] == 0
