"""What limits cost: nothing is counted twice or lost in silence beyond them. Sizes, times, many of something."""

import json

import pytest

from tests.reference import drive
from tests.reference.drive import read, replayed
from tests.reference.events import MIN, Event, S, Story
from tests.reference.kit import WAYS, T, call, counted, figure, filler, history, mark, owners, standing, story, tell
from tests.support.offline import NOW, deployment, settle

PHONE = [{"kind": "phone", "value": "+442079460011"}]


def test_many_who_wait_at_once_under_one_customer() -> None:
    told: list[Event] = []
    for n in range(620):
        s = call(f"p{n}", T + n * 90, customer_id="77").say("queued", queue="cards").wait(500 * S)
        told += s.say("connected").wait(40 * S).say("ended", by="agent").events
    came = tell("replay", told)
    assert figure(came, "speed_of_answer.answered_legs") == {("voice", "cards", "none"): (620 * 500 * S, 620)}
    assert counted(came, "contacts_offered.all") == {("voice", "cards", "none"): 620}
    assert owners(came) == {"customer:77": 620}


def test_many_short_calls_that_are_rated_later() -> None:
    told: list[Event] = []
    for n in range(180):
        s = (
            call(f"p{n}", T + n * 1700, identifiers=PHONE)
            .say("queued", queue="cards")
            .wait(4 * S)
            .say("connected")
            .wait(50 * S)
        )
        told += s.say("ended", by="agent").wait(25 * MIN).say("feedback.given", metric="csat", score=4).events
    came = tell("replay", told)
    assert figure(came, "csat.satisfied") == {("voice", "cards", "none"): (180, 180)}
    assert owners(came) == {"anonymous:phone:+442079460011": 180}


def test_replays_side_by_side_of_the_same_customers() -> None:
    run = deployment()
    lines = [f"side-{n}" for n in range(12)]
    told = []
    for n in range(4):
        s = (
            call(f"p{n}", T + n * MIN, customer_id=f"{7 + n % 2}")
            .say("queued", queue="cards")
            .wait(8 * S)
            .say("connected")
            .wait(60 * S)
        )
        told += s.say("ended", by="customer").events
    events = history(told)
    topics = sorted({e.topic for e in events.events})
    mark(run, lines, "started", T - 1, topics)
    for event in events.events:
        for line in lines:
            run.publish(event.topic, event.key, event.value(line), NOW)
        run.run(NOW)
    mark(run, lines, "ended", events.end, topics)
    settle(run, NOW)
    for line in lines:
        came = read(run, line)
        assert figure(came, "handle_time.talk") == {("voice", "cards", "none"): (4 * 60 * S, 4)}, line
        assert owners(came) == {"customer:7": 2, "customer:8": 2}, line


@pytest.mark.parametrize("shape", ["two large", "long ids", "many messages"])
def test_what_is_large_is_served(shape: str) -> None:
    told: list[Event] = []
    if shape == "two large":
        s = call("big", customer_id="1")
        for n in range(2):
            s.say("article.viewed", article_id=str(n), **{f"f{m}": "x" * 1800 for m in range(470)}).wait(MIN)
        told = s.events
    elif shape == "long ids":
        for n in range(1000):
            told += call(f"{n:04}" + "ü" * 180, T + n * 100, customer_id="1").say("queued", queue="big").events
    else:
        s = story("chat", "many", customer_id="1")
        for _ in range(3000):
            s.customer(0.5).wait(300)
        told = s.events
    good = call("p", T + MIN, customer_id="7").served("cards", 9 * S, MIN)
    run = deployment()
    came = replayed(history(told, good.events), run=run)
    assert came.letters == []
    assert figure(came, "handle_time.talk") == {("voice", "cards", "none"): (MIN, 1)}
    assert owners(came)["customer:1"] == (1000 if shape == "long ids" else 1)
    if shape == "many messages":
        assert figure(came, "sentiment.mean") == {("chat", "none", "none"): (3000 * 500, 3000)}
    assert all(task.failed == 0 and task.aside == 0 and task.unfinished is None for task in run.tasks)


@pytest.mark.parametrize("known", [range(1, 2), range(1, 12, 10), range(1, 130, 10)])
def test_of_too_many_contacts_those_that_become_known_are_counted_once(known: range) -> None:
    """Beyond 100 that are over, the quietest is not kept with its events; it may still be somebody else's, also after
    a word about it. Here all have one number: it is the customer's that is known, or nobody's when several are.
    """
    told: list[Event] = []
    for n in range(130):
        s = call(f"p{n}", T + n * 2000, identifiers=PHONE).served("cards", 4 * S, 50 * S).wait(25 * MIN)
        told += s.say("wrapped_up", duration_ms=5 * S, **({"customer_id": f"k{n}"} if n in known else {})).events
    came = tell("paced replay", told)
    place = ("voice", "cards", "none")
    assert figure(came, "handle_time.all") == {place: (130 * 55 * S, 130)}
    assert counted(came, "legs_entered.all") == {place: 130}
    apart = {f"customer:k{n}" if n in known else f"contact:voice:p{n}": 1 for n in range(130)}
    assert owners(came) == ({"customer:k1": 130} if len(known) == 1 else apart)


@pytest.mark.parametrize("word", [True, False])
def test_of_too_many_contacts_one_that_goes_to_somebody_else_after_a_word_is_counted_there_alone(word: bool) -> None:
    """It is not kept with its events any more, a word about it calls it up, and then it is somebody else's."""
    told: list[Event] = []
    for n in range(130):
        s = call(f"p{n}", T + n * 2000, identifiers=PHONE).served("cards", 4 * S, 50 * S).wait(25 * MIN)
        s = s.say("wrapped_up", duration_ms=5 * S).wait(MIN) if word or n % 10 != 1 else s.wait(MIN)
        if n % 10 == 1:
            s.say("article.viewed", article_id="x", customer_id=f"k{n}")
        told += s.events
    came = tell("paced replay", told)
    assert counted(came, "legs_entered.all") == {("voice", "cards", "none"): 130}
    assert owners(came) == {f"customer:k{n}" if n % 10 == 1 else f"contact:voice:p{n}": 1 for n in range(130)}


@pytest.mark.parametrize(
    ("messages", "apart", "owner"), [(1200, 900, "customer:7"), (700, 20_000, "customer:7"), (2500, 900, "cookie:k1")]
)
def test_a_long_chat_whose_customer_is_known_at_its_end_counts_each_message_once(
    messages: int, apart: int, owner: str
) -> None:
    """Also when its earlier events are settled; one of which `identify` no longer has all events stays where it is."""
    s = Story("chat", "long", T, {"identifiers": [{"kind": "cookie", "value": "k1"}]}, {})
    for _ in range(messages):
        s.customer(0.25).wait(apart)
    s.say("ended", by="customer", customer_id="7")
    came = tell("paced replay", s)
    assert figure(came, "sentiment.mean") == {("chat", "none", "none"): (messages * 250, messages)}
    owner = owner if owner.startswith("customer") else f"anonymous:{owner}"
    assert owners(came) == {owner: 1}
    assert came.journeys[owner]["counts"]["messages"] == messages


# Names


@pytest.mark.parametrize("length", [50, 150, 200])
def test_an_alert_of_a_customer_with_a_long_id_can_be_closed(length: int) -> None:
    owner = ("k7x" * 70)[:length]
    run = deployment()
    now = T
    for second in range(-3, 1):
        run.run(now + second * S)
    one = call("p", now, customer_id=owner, tier="gold").say("queued", queue="cards").events[0]
    run.publish(one.topic, one.key, one.value(), now)
    for second in range(1, 300):
        run.run(now + second * S)
    came = read(run, "")
    assert [(a["status"], a["customer"]) for a in came.alerts] == [("firing", f"customer:{owner}")]
    name = came.alerts[0]["alert_id"]
    command = {
        "specversion": "1.0", "id": "close-1", "source": "/desk", "type": "alert.commanded", "time": drive.rfc(now + 300 * S),
        "data": {"alert_id": name, "action": "close", "by": "sup"},
    }  # fmt: skip
    run.publish("alert.commands", name.encode(), json.dumps(command).encode(), now + 300 * S)
    for second in range(300, 310):
        run.run(now + second * S)
    came = read(run, "")
    assert came.letters == []
    assert [(a["status"], a["reason"]) for a in came.alerts] == [("resolved", "closed")]


@pytest.mark.parametrize("way", WAYS)
def test_two_channels_that_count_from_one_do_not_mix_two_people(way: str) -> None:
    voice = (
        call("1001", T, customer_id="bob", tier="gold")
        .say("queued", queue="cards")
        .wait(300 * S)
        .say("connected")
        .wait(MIN)
    )
    voice.say("ended", by="agent")
    chat = (
        story("chat", "1001", T + 30 * S, customer_id="alice")
        .say("queued", queue="cards")
        .customer()
        .wait(20 * S)
        .reply(agent_id="a")
    )
    chat.wait(MIN).say("ended", by="customer")
    came = tell(way, voice, chat, filler(900, 30))
    assert owners(came) == {"customer:bob": 1, "customer:alice": 1, "customer:filler": 1}
    assert came.journeys["customer:bob"]["channels"] == ["voice"]
    assert came.journeys["customer:alice"]["channels"] == ["chat"]
    assert standing(came) == [("customer:bob", "1001", "answered")]


MASKED = [
    "call me at +44 20 7946 0015 please",
    "zoe\u0308.weber@example.com",
    "अनिल@example.com",
    "an\u200bna.weber@exam\u200bple.com",
    "+49 89 2020 1212",
    "anna%40example.com",
]


@pytest.mark.parametrize("text", MASKED)
@pytest.mark.parametrize("where", ["text", "a field nobody knows"])
def test_what_names_a_person_is_masked_before_it_is_stored(text: str, where: str) -> None:
    s = story("chat", "p", customer_id="7")
    s.say(
        "message.sent",
        direction="inbound",
        author="customer",
        **({"text": text} if where == "text" else {"text": "hi", "remark": text}),
    )
    run = deployment()
    replayed(history(s), run=run)
    kept = [record for (topic, _), log in run.topics.items() if not topic.startswith("contacts.") for record in log]
    marks = sum((record.value or b"").count(mark) for record in kept for mark in (b"[email]", b"[phone]"))
    assert marks > 0 if where == "text" else marks == 0, "what the contract does not know is not kept at all"
    bare = text.replace("call me at ", "").replace(" please", "")
    for record in kept:
        assert bare not in (record.value or b"").decode(), record.topic
        assert json.dumps(bare)[1:-1] not in (record.value or b"").decode(), record.topic
