"""Whatever a publisher sends: a dead letter with the right reason, and the events around it come through."""

import time
from typing import Any

import orjson

from tests.support.system import System, event

NOW = time.time()
VOICE = "contacts.voice"


def changed(**envelope: Any) -> dict[str, Any]:
    return {**event("contact.initiated", "bad", NOW), "id": f"bad-{len(CASES)}", **envelope}


def encoded(obj: object) -> bytes:
    return orjson.dumps(obj)


CASES: list[tuple[str, bytes | None, bytes | None, tuple[str, str | None]]] = []


def case(what: str, value: bytes | None, expected: tuple[str, str | None], key: bytes | None = b"bad") -> None:
    CASES.append((what, key, value, expected))


case("not JSON", b"hello", ("unreadable", None))
case("truncated", encoded(changed())[:-7], ("unreadable", None))
case("not UTF-8", b'{"id": "\xff\xfe"}', ("unreadable", None))
case("lone surrogate", encoded(changed()).replace(b"bad-", rb"\ud800-"), ("unreadable", None))
case("NaN", encoded(changed(data={"n": 0})).replace(b'"n":0', b'"n":NaN'), ("unreadable", None))
case("Infinity", encoded(changed(data={"n": 0})).replace(b'"n":0', b'"n":-Infinity'), ("unreadable", None))
case("deep nesting", b"[" * 100_000 + b"]" * 100_000, ("unreadable", None))
case("deep nesting inside data", encoded(changed()).replace(b'"voice"', b'"voice","x":' + b"[" * 600 + b"]" * 600), ("unreadable", None))  # fmt: skip
case("empty value", b"", ("unreadable", None))
case("a list", b"[1,2]", ("wrong-type", None))
case("no type", encoded({k: v for k, v in changed().items() if k != "type"}), ("missing-field", "type"))
case("no time", encoded({k: v for k, v in changed().items() if k != "time"}), ("missing-field", "time"))
case("unknown type", encoded(changed(type="contact.teleported")), ("unknown-type", "type"))
case("time without zone", encoded(changed(time="2026-11-22T10:00:00")), ("wrong-type", "time"))
case("time as a number", encoded(changed(time=1700000000)), ("wrong-type", "time"))
case("far past", encoded(changed(time="1970-01-01T00:00:00Z")), ("too-old", "time"))
case("far future", encoded(changed(time="2099-01-01T00:00:00Z")), ("in-the-future", "time"))
case("beyond the calendar", encoded(changed(time="9999-12-31T23:59:59-14:00")), ("wrong-type", "time"))
case("before the calendar", encoded(changed(time="0001-01-01T00:00:00+14:00", replayid="any")), ("wrong-type", "time"))
case("wrong type of a field", encoded(changed(data={"contact_id": 7, "channel": "voice"})), ("wrong-type", "data.contact_id"))  # fmt: skip
case("unknown channel", encoded(changed(data={"contact_id": "bad", "channel": "pigeon"})), ("wrong-type", "data.channel"))  # fmt: skip
case("control characters", encoded(changed(data={"contact_id": "b\x00d", "channel": "voice"})), ("wrong-type", "data.contact_id"))  # fmt: skip
case("channel of another topic", encoded(changed(data={"contact_id": "bad", "channel": "chat"})), ("wrong-type", "data.channel"))  # fmt: skip
case("null key", encoded(changed()), ("missing-field", "key"), None)
case("another key", encoded(changed()), ("wrong-type", "key"), b"other")
case(
    "10,000 identifiers",
    encoded(
        changed(
            data={"contact_id": "bad", "channel": "voice", "identifiers": [{"kind": "phone", "value": "1"}] * 10_000}
        )
    ),
    ("wrong-type", "data.identifiers"),
)
case("at the broker's limit", encoded(changed(note="x" * 1_048_000)), ("too-large", None))
case("sentiment out of range", encoded({**event("message.sent", "bad", NOW, direction="inbound", author="customer", sentiment=7), "id": "bad-s"}), ("wrong-type", "data.sentiment"))  # fmt: skip
case("a score off its scale", encoded({**event("feedback.given", "bad", NOW, metric="nps", score=55), "id": "bad-f"}), ("wrong-type", "data.score"))  # fmt: skip


async def test_bad_input_becomes_dead_letters_and_stops_nothing(system: System) -> None:
    good = [event("contact.initiated", f"good-{number}") for number in range(len(CASES) + 1)]
    reused = [{**event("contact.initiated", "good-0"), "id": "twice"}, {**event("contact.queued", "good-0", queue="q"), "id": "twice"}]  # fmt: skip
    async with system.run():
        for (_, key, value, _), fine in zip(CASES, good, strict=False):
            await system.publish([(VOICE, key, value)])
            await system.events(fine)
        await system.events(good[-1], good[-1], *reused)
        await system.drained()
        assert all(worker.process.returncode is None for worker in system.workers)
    letters = await system.dead_letters()
    found = {what: letters.get((value or b"")[: 64 * 1024]) for what, _, value, _ in CASES}
    # The same bytes under two keys are one entry of the mapping: those two are looked at on their own.
    expected = {what: reason for what, _, _, reason in CASES}
    for what in ("null key", "another key"):
        del found[what], expected[what]
    assert found == expected
    all_letters = await system.read("contacts.dead-letters")
    paths = sorted((letter["reason"], letter["path"]) for letter in all_letters if letter["path"] == "key")
    assert paths == [("missing-field", "key"), ("wrong-type", "key")]
    assert [letter["reason"] for letter in all_letters if letter["reason"] == "id-reused"] == ["id-reused"]
    assert len(all_letters) == len(CASES) + 1
    normalised = [value["contact"] for value in await system.read("contact.normalised") if value["kind"] == "event"]
    assert sorted(normalised) == sorted([*(fine["data"]["contact_id"] for fine in good), "good-0"])


async def test_binary_mode_and_unknown_fields_come_through(system: System) -> None:
    structured = event("contact.initiated", "b1")
    headers = [
        (f"ce_{name}", str(structured[name]).encode()) for name in ("specversion", "id", "source", "type", "time")
    ]
    async with system.run():
        await system.publish([(VOICE, b"b1", orjson.dumps({**structured["data"], "shoe_size": 43}))], headers)
        await system.events({**event("contact.initiated", "b2"), "vendor": "x"})
        await system.drained()
    normalised = {v["contact"]: v for v in await system.read("contact.normalised") if v["kind"] == "event"}
    assert set(normalised) == {"b1", "b2"}
    assert [value.get("data") for value in normalised.values()] == [None, None], "what is not known is not passed on"
    assert await system.read("contacts.dead-letters") == []


async def test_personal_data_is_masked_before_the_normalised_topic(system: System) -> None:
    text = "I am jo@example.com, card 4111 1111 1111 1111, IBAN DE89 3704 0044 0532 0130 00, call +44 20 7946 0123"
    async with system.run():
        await system.events(
            event("message.sent", "m1", channel="chat", direction="inbound", author="customer", text=text)
        )
        await system.drained()
    (message,) = [v for v in await system.read("contact.normalised") if v["kind"] == "event"]
    assert message["data"]["text"] == "I am [email], card [card], IBAN [iban], call [phone]"
