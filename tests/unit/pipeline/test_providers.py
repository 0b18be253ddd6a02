"""What providers tell comes in at the door and goes out at the other end, each record as the contract has it."""

from typing import Any

import msgspec
import orjson

from schemas.registry import topics
from streams.base.records import Line, Progress
from tests.support.offline import NOW, fetched, hops, the_ingest
from tests.support.records import record
from tests.support.system import event

TOPICS = topics()
START = NOW / 1000 - 3600


def ticket(kind: str, at: float, **data: Any) -> dict[str, Any]:
    return event(kind, "t1", START + at, channel="ticket", customer_id="c1", **data)


STORY = [
    ticket("contact.initiated", 0, continues="t0"),
    ticket("contact.turned_away", 1, queue="gold-desk", reason="closed"),
    ticket("message.sent", 2, direction="inbound", author="customer", text="My form is lost.", message_id="m1"),
    ticket("contact.queued", 3, queue="forms"),
    ticket("contact.assigned", 4, queue="forms", agent_id=None),
    ticket("message.changed", 5, message_id="m1", change="edited", text="write to anna@example.com"),
    ticket("contact.left_queue", 6, queue="forms", reason="timeout"),
    ticket("contact.transferred", 7, to_external="+442079460199"),
    ticket("contact.ended", 8, by="unknown", talk_ms=0, hold_ms=0),
    ticket("message.changed", 9, message_id="m1", change="failed", reason="not at +49 89 1234567"),
    ticket("contact.reopened", 60, by="customer"),
    ticket("contact.ended", 70, by="agent", reason="completed"),
    ticket("feedback.given", 80, metric="csat", score=0, scale="good-bad"),
]


def test_a_ticket_with_all_that_providers_tell_goes_all_the_way() -> None:
    door, behind = the_ingest("contacts.ticket", "agents.state"), hops()
    told = [*STORY, event("agent.state_changed", "", START, agent_id="a1", state="busy")]
    told[-1]["data"]["capacity"] = {"chat": {"free": 1, "of": 3}, "ticket": {"free": 0, "of": 5}}
    door.batch(fetched(told))
    assert door.on("contacts.dead-letters") == []
    waiting = [(key, value) for where, key, value in door.sent if where == "contact.normalised" and key is not None]
    assert [v["type"] for _, v in waiting if v["kind"] == "event"] == [each["type"] for each in STORY]
    assert [v["capacity"] for _, v in waiting if v["kind"] == "agent"] == [{"chat": [1, 3], "ticket": [0, 5]}]
    texts = {v["data"].get("text") or v["data"].get("reason") for _, v in waiting if v.get("type") == "message.changed"}
    assert texts == {"write to [email]", "not at [phone]"}
    end = msgspec.json.encode(Progress("up-0", 1, {"": Line(NOW)}))
    for hop, here, following in (
        ("identify", "contact.normalised", "contact.interactions"),
        ("track", "contact.interactions", "contact.measurements"),
        ("measure", "contact.measurements", ""),
    ):
        for key, value in waiting:
            assert key is None or TOPICS[here].check(value) is None
        lying = [record(topic=here, offset=n, key=k, value=orjson.dumps(v)) for n, (k, v) in enumerate(waiting)]
        behind[hop].batch([*lying, record(topic=here, offset=len(lying), value=end)])
        waiting = [(k, v) for where, k, v in behind[hop].sent if where == following and k is not None]
    for stage in behind.values():
        assert stage.on("contacts.dead-letters") == []
        for where, key, value in stage.sent:
            if key is not None and where in TOPICS:
                assert TOPICS[where].check(value) is None, value
    journey = behind["track"].on("journeys")[-1]
    assert (journey["channels"], [each["contact_id"] for each in journey["contacts"]]) == (["ticket"], ["t1"])
    assert journey["contacts"][0]["messages"] == 1, "what became of a message is no message"


def test_an_event_whose_time_is_that_of_receipt_is_known_again_when_it_is_delivered_twice() -> None:
    door = the_ingest("contacts.ticket")
    first = {**ticket("contact.initiated", 0), "id": "ringing", "timebasis": "received"}
    again = {**first, "time": ticket("contact.initiated", 31)["time"]}
    other = {**again, "data": {**again["data"], "entry_point": "/form"}}
    door.batch(fetched([first, again, other]))
    assert [each["time"] for each in door.on("contact.normalised")] == [round(START * 1000)]
    assert [each["reason"] for each in door.on("contacts.dead-letters")] == ["id-reused"]


def test_an_answer_off_the_scale_it_names_is_refused_at_the_door() -> None:
    door = the_ingest("contacts.ticket")
    answers = [("csat", 3, "good-bad"), ("nps", 4, "1-5"), ("csat", 9, "0-10")]
    door.batch(
        fetched(
            [
                ticket("feedback.given", number, metric=metric, score=score, scale=scale)
                for number, (metric, score, scale) in enumerate(answers)
            ]
        )
    )
    letters = [(each["reason"], each["path"]) for each in door.on("contacts.dead-letters")]
    assert letters == [("wrong-type", "data.score"), ("wrong-type", "data.scale")]
    assert [each["data"]["score"] for each in door.on("contact.normalised")] == [9]
