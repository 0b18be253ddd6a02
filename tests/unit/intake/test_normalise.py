"""Identifiers in one form, and the record of each type of event."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.events import EVENTS, TEXTS
from schemas.fields import MAX_TEXT
from streams.base.alert_records import Command
from streams.base.records import AgentState, Event, Profile
from streams.base.times import to_ms
from streams.identity.nobody import Nobody
from streams.intake.normalise import Policy, event_record
from streams.rules import shipped_nobody
from streams.sentiment.scoring import Reading

PLAIN = Policy(shipped_nobody())


def cloud_event(kind: str, **data: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": "e1",
        "source": "/pbx",
        "type": kind,
        "time": "2026-01-05T10:00:00Z",
        "data": data,
    }


def contact_event(kind: str, **data: Any) -> dict[str, Any]:
    return cloud_event(kind, contact_id="c1", channel="voice", **data)


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("1970-01-01T00:00:01.2345Z", 1234),
        ("1970-01-01t01:00:00+01:00", 0),
        ("1969-12-31T23:59:59.9999999Z", -1),
        ("2016-12-31T23:59:60Z", 1483228800000),
        ("2016-12-31 23:59:60.500z", 1483228800500),
        (17, 17),
        (datetime(1970, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))), 0),
    ],
)
def test_to_ms(text: str | int | datetime, ms: int) -> None:
    assert to_ms(text) == ms


@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)))
def test_to_ms_is_exact(moment: datetime) -> None:
    whole = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    assert datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=to_ms(moment.isoformat())) == whole


@pytest.mark.parametrize("text", ["2026-01-05T10:00:00", "soon"])
def test_a_time_without_zone_or_meaning_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        to_ms(text)


def test_contact_event() -> None:
    obj = contact_event(
        "contact.queued",
        queue="sales",
        customer_id=" 7 ",
        tier="gold",
        identifiers=[{"kind": "email", "value": "A@example.com"}, {"kind": "customer", "value": "7"}],
        priority=2,
        x_trunk="t-9",
    )
    before = repr(obj)
    assert event_record(obj, 5, "replay-1", PLAIN) == Event(
        id="e1",
        source="/pbx",
        type="contact.queued",
        time=5,
        contact="c1",
        channel="voice",
        line="replay-1",
        queue="sales",
        customer="7",
        tier="gold",
        identifiers=(("email", "a@example.com"),),
        data={"priority": 2},
    )
    assert repr(obj) == before


def test_a_customer_identifier_becomes_the_customer() -> None:
    given_ = [
        {"kind": "email", "value": "a@example.com"},
        {"kind": "customer", "value": " 8 "},
        {"kind": "customer", "value": "9"},
    ]
    record = event_record(contact_event("contact.initiated", identifiers=given_), 0, "", PLAIN)
    assert isinstance(record, Event)
    assert record.customer == "8"
    assert record.identifiers == (("customer", "9"), ("email", "a@example.com"))


@pytest.mark.parametrize("nobody", [" ", "-", "0", "0000", "UNKNOWN", "n/a", "Guest", "null"])
def test_a_customer_id_that_names_nobody_is_none(nobody: str) -> None:
    record = event_record(contact_event("contact.initiated", customer_id=nobody), 0, "", PLAIN)
    assert isinstance(record, Event)
    assert record.customer is None


def test_the_event_stays_and_what_is_left_out_is_told() -> None:
    left_out: list[tuple[str, str]] = []
    policy = Policy(Nobody.of(words=["laufkunde"]), "DE", None, lambda kind, why: left_out.append((kind, why)))
    values = [
        ("phone", "4711"),
        ("email", "weber"),
        ("account", "Laufkunde"),
        ("cookie", "k1"),
        ("phone", "030 901820"),
    ]
    given_ = [{"kind": kind, "value": value} for kind, value in values]
    obj = contact_event("contact.queued", queue="q", customer_id="lauf-kunde", identifiers=given_)
    record = event_record(obj, 0, "", policy)
    assert isinstance(record, Event)
    assert (record.customer, record.identifiers) == (None, (("phone", "+4930901820"), ("cookie", "k1")))
    assert left_out == [("phone", "form"), ("email", "form"), ("account", "nobody"), ("customer", "nobody")]


def test_a_customer_is_one_in_every_form_of_its_letters() -> None:
    ids = ["Jos\u00e9-7", "Jose\u0301-7", " Jos\u00e9-7\u00a0", "\u200bJos\u00e9-7\ufeff"]
    records = [event_record(contact_event("contact.initiated", customer_id=each), 0, "", PLAIN) for each in ids]
    profile = event_record(cloud_event("customer.profile_changed", customer_id=ids[3]), 0, "", PLAIN)
    assert {record.customer for record in [*records, profile]} == {ids[0]}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("message.sent", "text"),
        ("post.made", "text"),
        ("post.answered", "text"),
        ("feedback.given", "comment"),
        ("search.failed", "query"),
        ("case.opened", "subject"),
        ("contact.wrapped_up", "disposition"),
        ("contact.missed", "reason"),
        ("contact.reopened", "reason"),
        ("message.changed", "text"),
        ("message.changed", "reason"),
    ],
)
def test_texts_are_masked(kind: str, field: str) -> None:
    record = event_record(
        contact_event(kind, **{field: "ask 0170 1234567 or a@example.com"}), 0, "", PLAIN._replace(region="DE")
    )
    assert isinstance(record, Event)
    assert record.data == {field: "ask [phone] or [email]"}


def test_topic_intent_and_product_are_masked_and_the_same_however_they_are_written() -> None:
    said = {"topic": " Card\u00a0 Reader", "intent": "BLOCK_card", "product": "Straße of A@example.com"}
    record = event_record(contact_event("contact.queued", **said), 0, "", PLAIN)
    assert isinstance(record, Event)
    assert (record.topic, record.intent, record.product) == ("card reader", "block_card", "strasse of [email]")
    long = event_record(contact_event("contact.queued", topic="ß" * 100, product="  "), 0, "", PLAIN)
    assert isinstance(long, Event)
    assert (long.topic, long.product) == ("s" * 100, None)


def test_callback() -> None:
    obj = contact_event("contact.callback_requested", phone="0170 1234567", scheduled_for="1970-01-01T01:00:01+01:00")
    record = event_record(obj, 0, "", PLAIN._replace(region="DE"))
    assert isinstance(record, Event)
    assert record.data == {"phone": "+491701234567", "scheduled_for": 1000}


def scored(kind: str, **data: Any) -> Any:
    asked: list[tuple[str, str | None]] = []

    def scorer(text: str, language: str | None) -> float | None:
        asked.append((text, language))
        return -0.5 if text else None

    record = event_record(contact_event(kind, **data), 0, "", PLAIN._replace(scorer=scorer))
    assert isinstance(record, Event)
    return record.data.get("sentiment"), asked


def test_customer_texts_are_scored_when_the_connector_did_not() -> None:
    assert scored("message.sent", author="customer", text="bad a@b.example", language="en") == (
        -0.5,
        [("bad [email]", "en")],
    )
    assert scored("post.made", text="bad") == (-0.5, [("bad", None)])
    assert scored("message.sent", author="customer", text="") == (None, [("", None)])
    assert scored("message.sent", author="customer", text="bad", sentiment=0) == (0, [])
    assert scored("message.sent", author="customer", text="bad", sentiment=None) == (-0.5, [("bad", None)])


def test_a_score_says_by_what_it_was_made_and_a_connectors_does_not() -> None:
    class Known:
        def __call__(self, text: str, language: str | None) -> float | None:
            raise NotImplementedError

        def read(self, text: str, language: str | None) -> Reading | None:
            return Reading(-0.5, "mine", "7", "en", 0.8) if text else None

    def data(**given: Any) -> Any:
        event = contact_event("message.sent", author="customer", **given)
        return event_record(event, 0, "", PLAIN._replace(scorer=Known())).data

    made = data(text="bad")
    assert made["sentiment"] == -0.5
    assert made["sentiment_by"] == {"method": "mine", "version": "7", "language": "en", "confidence": 0.8}
    assert "sentiment_by" not in data(text="bad", sentiment=0.1)
    assert data(text="").keys().isdisjoint({"sentiment", "sentiment_by"})


def test_other_texts_are_not_scored() -> None:
    assert scored("message.sent", author="agent", text="bad") == (None, [])
    assert scored("message.sent", author="customer") == (None, [])
    assert scored("post.answered", author="customer", text="bad") == (None, [])
    assert scored("message.changed", message_id="m", change="edited", text="bad") == (None, [])
    assert scored("feedback.given", metric="csat", score=1, comment="bad") == (None, [])


def test_profile() -> None:
    obj = cloud_event(
        "customer.profile_changed", customer_id=" 7 ", tier="gold", value_cents=5, consent={"calls": False}
    )
    assert event_record(obj, 3, "", PLAIN) == Profile(
        "e1", "/pbx", "7", 3, tier="gold", value_cents=5, consent={"calls": False}
    )


def test_agent_state() -> None:
    obj = cloud_event("agent.state_changed", agent_id="a1", state="busy", queues=["q1", "q2"])
    assert event_record(obj, 3, "r", PLAIN) == AgentState("e1", "/pbx", "a1", "busy", 3, line="r", queues=("q1", "q2"))

    slots = {"chat": {"free": 1, "of": 3}, "voice": {"free": 0, "of": 1}}
    obj = cloud_event("agent.state_changed", agent_id="a1", state="busy", capacity=slots)
    assert event_record(obj, 3, "", PLAIN) == AgentState(
        "e1", "/pbx", "a1", "busy", 3, capacity={"chat": (1, 3), "voice": (0, 1)}
    )
    assert event_record(
        cloud_event("agent.state_changed", agent_id="a1", state="busy", capacity=None), 3, "", PLAIN
    ) == (AgentState("e1", "/pbx", "a1", "busy", 3))


def test_command() -> None:
    obj = cloud_event("alert.commanded", alert_id="x", action="snooze", by="ann", until="1970-01-01T00:00:09Z")
    assert event_record(obj, 3, "", PLAIN) == Command("e1", "/pbx", "x", "snooze", 3, by="ann", until=9000)
    assert event_record(cloud_event("alert.commanded", alert_id="x", action="close"), 3, "", PLAIN).until is None  # type: ignore[union-attr]


def test_a_marker_has_no_record() -> None:
    with pytest.raises(ValueError, match=r"replay\.started is a marker"):
        event_record(cloud_event("replay.started", replay_id="r"), 0, "r", PLAIN)


def long_fields(kind: str) -> set[str]:
    """The fields of a type's data that take a text, as the exported schema has them."""
    schema = EVENTS[kind].model_json_schema()
    data = schema["$defs"][schema["properties"]["data"]["$ref"].rsplit("/", 1)[1]]
    return {
        name
        for name, field in data["properties"].items()
        if MAX_TEXT in [branch.get("maxLength") for branch in (field, *field.get("anyOf", ()))]
    }


PROMISE = {"customer_id": "c", "promise_id": "p", "due": "2026-03-02T09:15:04Z"}
WORDS = {
    "alert_id": "a", "action": "comment", "silence_id": "s", "by": "eva", "ends": "2026-03-02T09:15:04Z",
    "identifier": "phone:+442079460123", "other": "customer:b", "number": 1, "version": "0123456789ab", "rules": {},
}  # fmt: skip


@pytest.mark.parametrize("kind", EVENTS)
def test_every_field_in_which_people_write_is_masked(kind: str) -> None:
    assert long_fields(kind) <= set(TEXTS[kind])
    if kind.startswith("contact.") or TEXTS[kind]:
        words = dict.fromkeys(TEXTS[kind], "write to anna@example.com")
        known = {"contact_id": "c", "channel": "chat", "agent_id": "a", "state": "busy", **PROMISE, **WORDS, **words}
        obj = {"id": "1", "source": "/s", "type": kind, "data": known}
        record = msgspec.json.encode(event_record(obj, 0, "", PLAIN))
        assert b"anna@example.com" not in record
