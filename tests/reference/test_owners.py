"""Whose a contact is, tiers and moods, with values of their own, live and as a replay."""

import pytest

from tests.reference.events import MIN, Event, S, Story, profile
from tests.reference.kit import WAYS, T, call, counted, figure, filler, owners, standing, story, tell

pytestmark = pytest.mark.parametrize("way", WAYS)


# Whose it is


def test_the_owner_who_has_it_again_still_waits(way: str) -> None:
    s = Story("voice", "p", T, {"tier": "platinum"}, {})
    s.say("initiated", customer_id="7").wait(S).say("queued", queue="cards").wait(180 * S)
    s.say("article.viewed", article_id="x", customer_id="8").wait(100 * S).say(
        "article.viewed", article_id="x", customer_id="7"
    )
    came = tell(way, s, filler(900, 30), after=MIN)
    assert standing(came) == [("customer:7", "p", None)]
    assert owners(came) == {"customer:7": 1, "customer:filler": 1}


def test_a_wait_that_was_over_before_its_customer_was_known_raises_nothing(way: str) -> None:
    s = call("p", tier="gold").say("queued", queue="loans").wait(400 * S).say("connected", agent_id="a").wait(MIN)
    s.say("ended", by="agent", identifiers=[{"kind": "phone", "value": "+442079460017"}]).wait(80 * S)
    s.say("wrapped_up", duration_ms=0, customer_id="7")
    told = tell(way, s, filler(900, 20))
    assert [a for a in told.alerts if a["customer"] in ("customer:7", "anonymous:phone:+442079460017")] == []


def test_revisions_go_on_when_a_contact_comes_back(way: str) -> None:
    s = call("p").say("initiated", customer_id="7").wait(20 * S).say("article.viewed", article_id="x")
    for who in ("8", "7", "8", "7"):
        s.wait(2 * MIN).say("article.viewed", article_id="x", customer_id=who)
    came = tell(way, s, filler(900, 30))
    assert owners(came) == {"customer:7": 1, "customer:filler": 1}
    told: dict[str, list[int]] = {}
    for record in came.said:
        told.setdefault(record["journey_id"], []).append(record["revision"])
    for revisions in told.values():
        assert revisions == list(range(1, len(revisions) + 1))
    assert came.journeys["customer:7"]["revision"] >= (1 if way == "replay" else 3)


@pytest.mark.parametrize("hidden", ["+266696687", "Private Number", "anonymous", "0"])
def test_who_hides_is_nobody(way: str, hidden: str) -> None:
    told: list[Event] = []
    for number in range(3):
        s = call(f"h{number}", T + number * MIN, identifiers=[{"kind": "phone", "value": hidden}]).say(
            "queued", queue="cards"
        )
        told += s.wait(9 * S).say("connected", agent_id="a").wait(MIN).say("ended", by="agent").events
    assert sorted(owners(tell(way, told)).values()) == [1, 1, 1]


def test_one_mail_address_is_one_person(way: str) -> None:
    spelled = ["zoë@example.com", "zoe\u0308@example.com", "Zoë W. <zoë@example.com>", "MAILTO:zoë@EXAMPLE.com"]
    told: list[Event] = []
    for number, value in enumerate(spelled):
        s = story("email", f"e{number}", T + number * S, identifiers=[{"kind": "email", "value": value}])
        told += s.say("initiated").wait(20 * S).say("ended", by="agent").events
    assert list(owners(tell(way, told)).values()) == [len(spelled)]


# Tiers and moods


@pytest.mark.parametrize("profiles", [17, 40])
def test_profiles_that_say_the_same_change_nothing(way: str, profiles: int) -> None:
    s = call("p", customer_id="7").served("cards", 11 * S, 90 * S, by="customer")
    told = [profile("7", T - S if not n else T + 150 * S + n * 45 * S, tier="gold") for n in range(profiles)]
    came = tell(way, s, told)
    assert counted(came, "contacts_offered.all") == {("voice", "cards", "gold"): 1}
    assert came.journeys["customer:7"]["tier"] == "gold"


@pytest.mark.parametrize("moods", [(-0.5, -0.5, -0.5), (-0.6, -0.5, -0.4), (-0.7, -0.3, -0.5)])
@pytest.mark.parametrize("gap", [0, 61, 437])
def test_a_mean_exactly_at_the_limit_is_an_alert(way: str, moods: tuple[float, ...], gap: int) -> None:
    """With equal moods any gap; else the messages of one moment, which weigh the same."""
    s = story("chat", "p", customer_id="7", tier="gold")
    for mood in moods:
        s.customer(mood).wait(gap * S if len(set(moods)) == 1 else 0)
    came = tell(way, s, after=MIN)
    assert [(a["kind"], a["status"], a["customer"]) for a in came.alerts] == [("sentiment", "firing", "customer:7")]


def test_profiles_that_say_the_same_leave_an_alert_on_moods_alone(way: str) -> None:
    s = story("chat", "p", customer_id="7")
    for _ in range(4):
        s.customer(-0.9).wait(20 * S)
    told = [profile("7", T - S if not n else T + 100 * S + n * 30 * S, tier="gold") for n in range(20)]
    came = tell(way, s, told, after=MIN)
    assert [(a["kind"], a["status"]) for a in came.alerts] == [("sentiment", "firing")]


@pytest.mark.parametrize(
    "text",
    [
        "Estou muito zangado, o serviço é horrível",
        "Я очень зол",
        "私はとても怒っています",
        "Jestem bardzo zły, obsługa jest okropna",
    ],
)
def test_what_cannot_be_read_has_no_score(way: str, text: str) -> None:
    s = story("chat", "p", customer_id="7")
    for _ in range(2):
        s.say("message.sent", direction="inbound", author="customer", text=text).wait(S)
    assert figure(tell(way, s), "sentiment.mean") == {}
