"""Time lines: a replay never touches live records."""

from hashlib import blake2b
from itertools import product
from typing import Any

import msgspec
import orjson

from schemas.registry import topics
from streams.base.records import Line, Progress
from streams.customers.journey_names import journey_id, key_of, short
from streams.engine.changelog import encode_key
from streams.intake.dedup import content_before
from tests.support.offline import NOW, TaskUnderTest, fetched, hops, the_ingest
from tests.support.records import record
from tests.support.system import event

TOPICS = topics()
STEPS = (
    ("identify", "contact.normalised", "contact.interactions"),
    ("track", "contact.interactions", "contact.measurements"),
    ("measure", "contact.measurements", ""),
)


def through(events: list[dict[str, Any]], lines: dict[str, int]) -> dict[str, TaskUnderTest]:
    """Events through all agents; then stream time of each line passes what is given."""
    first, tasks = the_ingest(), hops()
    first.batch(fetched(events))
    assert first.on("contacts.dead-letters") == []
    waiting = [(key, value) for where, key, value in first.sent if where == "contact.normalised" and key is not None]
    for hop, topic, following in STEPS:
        read = [record(topic=topic, offset=n, key=k, value=orjson.dumps(v)) for n, (k, v) in enumerate(waiting)]
        passed = msgspec.json.encode(Progress("up-0", 1, {line: Line(time) for line, time in lines.items()}))
        tasks[hop].batch([*read, record(topic=topic, offset=len(read), value=passed)])
        waiting = [(k, v) for where, k, v in tasks[hop].sent if where == following and k is not None]
    return tasks


def test_what_comes_out_of_a_replay_has_other_keys_than_live() -> None:
    """Kafka keeps the newest record of a key: with the same one a replayed call of 2001 took the live journey away."""
    about = {
        "queue": "cards",
        "customer_id": "vip",
        "tier": "gold",
        "identifiers": [{"kind": "customer", "value": "b"}],
    }
    live = [event("contact.initiated", "c1", NOW / 1000 - 60, identifiers=[{"kind": "email", "value": "a@b.de"}])]
    live += [event("contact.queued", "c1", NOW / 1000 - 60, **about)]
    old = [{**each, "time": "2001-01-01T01:00:00Z", "replayid": "customer"} for each in live]
    tasks = through([*live, *old], {"": NOW + 20_000, "customer": 978_310_800_000 + 20_000})
    for task in tasks.values():
        for topic, key, value in task.sent:
            spec = TOPICS[topic]
            if spec.direction == "output":
                assert key is not None
                assert key.decode() == spec.key_of(value)
    for topic, hop in [
        ("journeys", "track"),
        ("segments", "track"),
        ("queue.state", "measure"),
        ("identity.changes", "identify"),
    ]:
        keys = {
            line: {k for where, k, v in tasks[hop].sent if where == topic and v["line"] == line}
            for line in ("", "customer")
        }
        assert keys[""]
        if topic == "journeys":
            assert {key.endswith(b"~customer") for key in keys["customer"]} == {True}
            assert len(keys["customer"]) == len(keys[""])
        else:
            assert keys["customer"] == {b"customer/" + key for key in keys[""]}


def test_the_keys_of_two_lines_are_never_the_same() -> None:
    """Names may hold every separator: a queue `voice|x`, a customer `a/b`; lines may be called like channels."""
    queue, segment = TOPICS["queue.state"], TOPICS["segments"]
    lines, names = ("", "voice", "chat", "customer"), ("x", "chat|x", "voice/chat|x", "customer:x", "/")
    queues = [
        queue.key_of({"line": line, "channel": c, "queue": n})
        for line in lines
        for c in ("voice", "chat")
        for n in names
    ]
    owners = [f"{kind}:{name}" for kind in ("customer", "contact", "anonymous:email") for name in names]
    customers = [segment.key_of({"line": line, "customer": owner}) for line in lines for owner in owners]
    assert len(set(queues)) == len(queues)
    assert len(set(customers)) == len(customers)


def test_no_two_journeys_have_one_key() -> None:
    """Also of owners that are called like journeys: what sets the parts of a name apart is in no line and no time."""
    times, lines = (0, NOW), ("", "a", "week-1")
    owners = ["customer:a"]
    for _ in range(2):  # called like journeys, and like those of such
        names = [journey_id(owner, line, at) for owner in owners for line in lines for at in times]
        owners = [*dict.fromkeys([*owners, *names, *(f"{name}#0a1b2c3d" for name in names)])]
    parts = [*product(owners, lines, times, ("", "#0a1b2c3d"))]
    keys = [journey_id(owner, line, at) + other for owner, line, at, other in parts]
    assert len({*keys}) == len(keys)
    for key, (owner, line, at, _) in zip(keys, parts, strict=True):
        assert key_of(short(key, at), owner, line) == key.encode(), "as rows have them"


def test_an_event_of_another_topic_with_the_same_source_and_id_suppresses_nothing() -> None:
    """Ids are made from call numbers: whoever guessed the next one on the forum's topic made the real call vanish."""
    task, owners = the_ingest("contacts.voice", "contacts.forum"), hops()["identify"]
    name = {"id": "call-1-queued", "source": "/telephony/site-1"}
    claimed = {**event("visit.made", "call-1", NOW / 1000, channel="forum"), **name}
    real = {**event("contact.queued", "call-1", NOW / 1000, queue="cards", customer_id="victim"), **name}
    task.batch(fetched([claimed, real, real]))
    assert task.on("contacts.dead-letters") == []
    assert [v["type"] for v in task.on("contact.normalised")] == ["visit.made", "contact.queued"]
    owners.batch(
        [record(offset=n, key=b"call-1", value=orjson.dumps(v)) for n, v in enumerate(task.on("contact.normalised"))]
    )
    assert {v["id"] for v in owners.on("contact.interactions") if v["kind"] == "event" and v["channel"] == "voice"}


def test_what_the_version_before_has_seen_is_still_a_duplicate() -> None:
    task = the_ingest()
    (one,) = fetched([event("contact.initiated", "c1", NOW / 1000)])
    value = orjson.loads(one.value or b"")
    name = f"{len(value['source'])}:{value['source']}{value['id']}".encode()
    chunk = NOW.to_bytes(8, "big") + blake2b(name, digest_size=16).digest()
    chunk += blake2b(content_before(value), digest_size=8).digest()
    task.changelog[encode_key("seen", "contacts.voice:0")] = chunk
    task.restart()
    task.batch([one])
    assert task.on("contact.normalised") == task.on("contacts.dead-letters") == []
