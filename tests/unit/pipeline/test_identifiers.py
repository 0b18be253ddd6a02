"""Through the door: one person in every spelling, strangers who hide apart, and one event however it is written."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from streams.worker.metrics import Metrics
from tests.support.offline import NOW, TaskUnderTest, fetched, hops, the_ingest
from tests.support.records import Fetched, record


def event(kind: str, contact: str, channel: str = "voice", /, **data: Any) -> dict[str, Any]:
    time = "2026-03-02T09:00:00Z"
    data = {"contact_id": contact, "channel": channel, **data}
    return {"specversion": "1.0", "id": f"{contact}-{kind}", "source": "/sbc", "type": kind, "time": time, "data": data}


def live(events: list[dict[str, Any]]) -> list[Fetched]:
    """They happened as they arrived."""
    now = datetime.fromtimestamp(NOW // 1000, UTC).isoformat()
    return fetched([{**each, "time": now} for each in events])


def owners(kind: str, values: list[str], **settings: Any) -> tuple[list[str], TaskUnderTest]:
    """Who owns the contacts that bear the values."""
    ingest, identify = the_ingest("contacts.voice", "contacts.email", **settings), hops()["identify"]
    told = [
        event("contact.initiated", f"c{n}", identifiers=[{"kind": kind, "value": value}])
        for n, value in enumerate(values)
    ]
    ingest.batch(live(told))
    assert ingest.on("contacts.dead-letters") == []
    sent = [
        (key, value) for topic, key, value in ingest.sent if topic == "contact.normalised" and value["kind"] == "event"
    ]
    identify.batch([record(offset=n, key=key, value=orjson.dumps(value)) for n, (key, value) in enumerate(sent)])
    found = {each["contact"]: each["owner"] for each in identify.on("contact.interactions") if each["kind"] == "event"}
    return [found[f"c{n}"] for n in range(len(values))], ingest


SPELLINGS = {
    "phone": ["+4915112345678", "0049 151 12345678", "0151/12345678", "sip:+4915112345678@sbc.example;user=phone", "4915112345678@c.us", "+49\u200b151\u00a012345678"],
    "email": ["müller@example.com", "mu\u0308ller@example.com", "Müller <müller@example.com>", "MAILTO:MÜLLER@EXAMPLE.COM", '"<ceo@bank.example>" <müller@example.com>'],
}  # fmt: skip


@pytest.mark.parametrize("kind", SPELLINGS)
def test_one_person_in_every_spelling(kind: str) -> None:
    found, _ = owners(kind, SPELLINGS[kind], phone_region="DE")
    assert set(found) == {f"anonymous:{kind}:{'+4915112345678' if kind == 'phone' else 'müller@example.com'}"}


@pytest.mark.parametrize(
    ("kind", "value", "why"),
    [
        *(("phone", value, "nobody") for value in ("Private Number", "0", "-", "Unterdrückt", "sip:anonymous@anonymous.invalid", '"Anonymous" <sip:anonymous@anonymous.invalid>;tag=1')),
        *(("phone", value, "form") for value in ("4711", "counter 4", "sip:lobby@pbx.example", "12@c.us")),
        *(("phone", "+266696687", "nobody"), ("phone", "+86282452253", "nobody"), ("phone", "tel:0086282452253", "nobody")),
        *(("email", "noreply@shop.example", "nobody"), ("email", "unknown", "nobody"), ("email", "weber", "form"), ("account", "Walk-In Customer", "nobody")),
        *(("cookie", "00000000-0000-0000-0000-000000000000", "nobody"), ("customer", "GUEST", "nobody"), ("social", "@", "form")),
    ],
)  # fmt: skip
def test_strangers_who_bear_the_same_stay_apart_and_are_counted(kind: str, value: str, why: str) -> None:
    found, ingest = owners(kind, [value, value], phone_region="DE")
    assert found == ["contact:voice:c0", "contact:voice:c1"]
    registry = ingest.processor.notes.registry
    name = "contact_streams_unused_identifiers_total"
    assert registry.get_sample_value(name, {"kind": kind, "why": why}) == 2
    assert sum(each.value for family in registry.collect() for each in family.samples if each.name == name) == 2


def test_every_kind_and_reason_is_a_series_from_the_start() -> None:
    registry = Metrics().registry
    for why in ("form", "nobody"):
        assert registry.get_sample_value("contact_streams_unused_identifiers_total", {"kind": "phone", "why": why}) == 0


def binary(one: dict[str, Any], **more: Any) -> Fetched:
    (found,) = fetched([one], **more)
    headers = [(f"ce_{name}", str(value).encode()) for name, value in one.items() if name != "data"]
    headers.append(("content-type", b"application/json"))
    return replace(found, value=orjson.dumps(one["data"]), headers=tuple(headers))


def test_the_same_event_in_another_envelope_is_a_duplicate() -> None:
    ingest = the_ingest()
    (first,) = live([event("contact.queued", "c1", queue="cards")])
    one = orjson.loads(first.value or b"")
    again = [
        {**one, "datacontenttype": "application/json", "subject": "x" * 300, "dataschema": "/s"},
        {**one, "time": one["time"].replace("+00:00", "Z")},
        {**one, "data": {**one["data"], "tier": None, "skill": None}},
        {**one, "subject": "call\u0007", "partitionkey": "c1"},
    ]
    ingest.batch([first, *fetched(again, offset=1), binary(one, offset=9)])
    assert ingest.on("contacts.dead-letters") == []
    assert len([value for value in ingest.on("contact.normalised") if value["kind"] == "event"]) == 1
    assert ingest.processor.notes.registry.get_sample_value("contact_streams_duplicates_total") == 5
    other = {**one, "data": {**one["data"], "queue": "loans"}}
    ingest.batch(fetched([other], offset=20))
    assert [letter["reason"] for letter in ingest.on("contacts.dead-letters")] == ["id-reused"]
