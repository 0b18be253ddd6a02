"""Duplicates against a plain dictionary, through batches, undoing, restoring and expiry."""

import sys
import tracemalloc
from hashlib import blake2b
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from schemas.envelope import from_binary
from schemas.events import EVENTS, parse
from streams.intake.dedup import Seen, append_time, content_before, content_of, upgraded


def test_new_duplicate_reused() -> None:
    seen = Seen()
    assert seen.check("voice", "/pbx", "1", b"a") == "new"
    assert seen.check("voice", "/pbx", "1", b"a") == "new"
    seen.add("voice", "/pbx", "1", b"a")
    assert seen.check("voice", "/pbx", "1", b"a") == "duplicate"
    assert seen.check("voice", "/pbx", "1", b"b") == "reused"
    assert seen.check("voice", "/crm", "1", b"a") == "new"
    chunk = seen.seal("0", 7)
    assert chunk is not None
    assert len(chunk) == 8 + 24
    assert append_time(chunk) == 7
    assert seen.check("voice", "/pbx", "1", b"a") == "duplicate"
    assert seen.check("voice", "/pbx", "1", b"b") == "reused"


def test_the_time_of_receipt_is_no_content() -> None:
    told = {"id": "1", "type": "article.viewed", "data": {"a": 1}}
    assert content_of(told, 1000) != content_of(told, 2000)
    received = {"timebasis": "received"}
    assert content_of(told | received, 1000) == content_of(told | received, 2000)
    assert content_of(told | received, 1000) != content_of({**told, "data": {"a": 2}} | received, 2000)
    assert content_of(told | {"timebasis": "event"}, 1000) != content_of(told | {"timebasis": "event"}, 2000)


def test_topic_source_and_id_are_kept_apart() -> None:
    seen = Seen()
    seen.add("voice", "ab", "c", b"")
    for name in [("voice", "a", "bc"), ("voicea", "b", "c"), ("voic", "eab", "c"), ("forum", "ab", "c")]:
        assert seen.check(*name, b"") == "new"
    assert seen.check("voice", "ab", "c", b"") == "duplicate"


def before(append_time: int, *events: tuple[str, str, bytes]) -> bytes:
    """A chunk as the version before wrote it."""
    names = [(f"{len(source)}:{source}{event_id}".encode(), content) for source, event_id, content in events]
    entries = sorted((blake2b(n, digest_size=16).digest() + blake2b(c, digest_size=8).digest()) for n, c in names)
    return append_time.to_bytes(8, "big") + b"".join(entries)


def test_ids_of_the_version_before_are_duplicates_on_every_topic_until_their_horizon() -> None:
    many = [("/pbx", str(n), b"a") for n in range(9)]
    seen = Seen({"old": upgraded(before(10, *many)), "older": upgraded(before(5, ("/pbx", "x", b"a")))}.items())
    assert len(seen) == 10
    seen.add("voice", "/pbx", "new", b"a")
    chunk = seen.seal("0", 20)
    assert chunk is not None
    again = Seen({"old": upgraded(before(10, *many)), "0": chunk}.items())
    for one in (seen, again):
        for topic in ("voice", "forum"):
            assert {one.check(topic, *each) for each in many} == {"duplicate"}
        assert one.check("voice", "/pbx", "3", b"b") == "reused"
        assert one.check("voice", "/pbx", "new", b"a") == "duplicate"
        assert one.check("forum", "/pbx", "new", b"a") == "new"
    assert seen.expire(11) == ["older", "old"]
    assert {seen.check("voice", *each) for each in many} == {"new"}
    assert seen.check("voice", "/pbx", "new", b"a") == "duplicate"
    assert len(seen) == 1


def test_no_name_of_the_version_before_can_be_made_to_look_like_one_of_this() -> None:
    seen = Seen({"old": upgraded(before(10, ("contacts.voice", "4:/pbx1", b"a")))}.items())
    assert seen.check("contacts.voice", "/pbx", "1", b"a") == "new"


def test_a_batch_without_new_events_writes_nothing() -> None:
    assert Seen().seal("0", 7) is None


def test_a_key_is_used_once() -> None:
    seen = Seen()
    seen.add("voice", "s", "1", b"")
    seen.seal("0", 7)
    seen.add("voice", "s", "2", b"")
    with pytest.raises(ValueError, match="chunk '0' exists"):
        seen.seal("0", 8)


def test_only_new_events_are_added() -> None:
    seen = Seen()
    seen.add("voice", "s", "1", b"")
    with pytest.raises(ValueError, match="id '1' of source 's'"):
        seen.add("voice", "s", "1", b"x")


QUEUED: dict[str, Any] = {
    "specversion": "1.0",
    "id": "c1-1",
    "source": "/pbx",
    "type": "contact.queued",
    "time": "2026-03-02T09:15:04.120Z",
    "data": {"contact_id": "c1", "channel": "voice", "queue": "cards", "priority": 2},
}


def content(event: dict[str, Any]) -> bytes:
    """As `ingest` takes it."""
    return content_of(event, parse(event).time_ms)


def with_data(event: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**event, "data": {**event["data"], **more}}


@st.composite
def spellings(draw: st.DrawFn, event: dict[str, Any]) -> dict[str, Any]:
    """The same event, written otherwise."""
    data = dict(draw(st.permutations(list(event["data"].items()))))
    known = EVENTS[event["type"]].model_fields["data"].annotation.model_fields  # type: ignore[union-attr]
    for name, field in known.items():
        if name not in data and not field.is_required() and draw(st.booleans()):
            data[name] = field.default
    for name, value in data.items():
        if name in ("score", "sentiment") and value == int(value):
            data[name] = draw(st.sampled_from([int(value), float(value)]))
        elif name in ("scheduled_for", "until") and value is not None:
            data[name] = draw(st.sampled_from(WRITTEN)).format("2026-03-03T")
    envelope = {**event, "time": draw(st.sampled_from(WRITTEN)).format("2026-03-02T"), "data": data}
    more = {
        "datacontenttype": ["application/json", "application/json; charset=utf-8", None],
        "subject": ["x", "y" * 300, "call\u0007", None],
        "dataschema": ["/s", None],
        "traceparent": ["00-a", "00-b"],
        "replayid": ["r1", None],
        "partitionkey": ["c1", 7],
    }
    for name, values in more.items():
        if draw(st.booleans()):
            envelope[name] = draw(st.sampled_from(values))
    written: dict[str, Any] = orjson.loads(orjson.dumps(dict(draw(st.permutations(list(envelope.items()))))))
    if not draw(st.booleans()):
        return written
    attributes = [(name, value) for name, value in written.items() if name != "data" and isinstance(value, str)]
    headers = [(f"ce_{name}", value.encode()) for name, value in attributes]
    return from_binary([*headers, ("content-type", b"application/json")], written["data"])


WRITTEN = [
    "{}09:15:04.120Z",
    "{}09:15:04.12Z",
    "{}09:15:04.12+00:00",
    "{}10:15:04.120000+01:00",
    "{}09:15:04.1209-00:00",
    "{}09:15:04.120z",
]
EXAMPLES = [
    QUEUED,
    {**QUEUED, "type": "contact.ended", "data": {"contact_id": "c1", "channel": "voice", "by": "customer"}},
    {
        **QUEUED,
        "type": "feedback.given",
        "data": {"contact_id": "c1", "channel": "voice", "metric": "csat", "score": 5},
    },
    {
        **QUEUED,
        "type": "contact.callback_requested",
        "data": {"contact_id": "c1", "channel": "voice", "scheduled_for": "2026-03-03T09:15:04.120Z"},
    },
    {
        **QUEUED,
        "type": "customer.profile_changed",
        "data": {"customer_id": "7", "preferences": {"a": None, "b": [1, None]}},
    },
]


@given(st.data(), st.sampled_from(EXAMPLES))
def test_the_same_event_has_the_same_content_however_it_is_written(data: st.DataObject, event: dict[str, Any]) -> None:
    assert content(data.draw(spellings(event))) == content(event)


@pytest.mark.parametrize(
    "other",
    [
        with_data(QUEUED, queue="loans"),
        with_data(QUEUED, priority=3),
        with_data(QUEUED, tier="gold"),
        with_data(QUEUED, unknown=1),
        with_data(QUEUED, unknown=False),
        with_data(QUEUED, unknown=""),
        {**QUEUED, "type": "contact.held"},
        {**QUEUED, "time": "2026-03-02T09:15:04.121Z"},
    ],
)
def test_another_meaning_is_another_content(other: dict[str, Any]) -> None:
    assert content(other) != content(QUEUED)


def test_what_is_inside_an_object_counts_as_it_is() -> None:
    one = EXAMPLES[4]
    assert content(with_data(one, preferences={"b": [1, None]})) != content(one)
    assert content(with_data(one, preferences={"a": None, "b": [None, 1]})) != content(one)


def test_content_nested_too_deep_is_refused() -> None:
    assert content(with_data(QUEUED, unknown=orjson.loads(b"[" * 200 + b"]" * 200)))
    deep = orjson.loads(b"[" * 300 + b"]" * 300)
    with pytest.raises(TypeError, match="Recursion limit"):
        content(with_data(QUEUED, unknown=deep))
    assert content({**QUEUED, "extension": deep}) == content(QUEUED)
    assert content_before({**QUEUED, "extension": deep}) == b""


def test_the_content_of_the_version_before() -> None:
    first = orjson.loads(b'{"id": "1", "data": {"a": 1, "b": [1, 2]}, "replayid": "r1", "traceparent": "x"}')
    second = orjson.loads(b'{"data":{"b":[1,2],"a":1},"id":"1","replayid":"r2"}')
    assert content_before(first) == content_before(second) == b'{"data":{"a":1,"b":[1,2]},"id":"1"}'


def test_the_horizon_runs_on_append_time() -> None:
    seen = Seen()
    for key, time in (("a", 30), ("b", 10), ("c", 20)):
        seen.add("voice", "s", key, b"")
        seen.seal(key, time)
    assert seen.expire(10) == []
    assert seen.expire(21) == ["b", "c"]
    assert [seen.check("voice", "s", key, b"") for key in "abc"] == ["duplicate", "new", "new"]


def test_memory_per_id() -> None:
    batches, size = 200, 500
    tracemalloc.start()
    seen, chunks = Seen(), {}
    for batch in range(batches):
        for at in range(size):
            seen.add("voice", "/pbx", f"{batch}-{at}", b"content")
        key = f"contacts.voice:{batch * size}"
        chunks[key] = seen.seal(key, batch)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(seen) == batches * size
    assert used / (batches * size) < 200
    assert sys.getsizeof(chunks) < used


class AgainstModel(RuleBasedStateMachine):
    """Committed chunks in a dictionary, as the table holds them; a model of name → (content, chunk key)."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = Seen()
        self.table: dict[str, bytes] = {}
        self.model: dict[tuple[str, str], tuple[bytes, str | None]] = {}
        self.open: list[tuple[str, str]] = []
        self.batch = 0

    @rule(source=st.sampled_from("ab"), event_id=st.sampled_from("123456"), content=st.sampled_from([b"x", b"y"]))
    def event(self, source: str, event_id: str, content: bytes) -> None:
        known = self.model.get((source, event_id))
        expected = "new" if known is None else "duplicate" if known[0] == content else "reused"
        assert self.seen.check("t", source, event_id, content) == expected
        if known is None:
            self.seen.add("t", source, event_id, content)
            self.model[source, event_id] = (content, None)
            self.open.append((source, event_id))

    @precondition(lambda self: self.open)
    @rule()
    def undo_last(self) -> None:
        self.seen.undo_last()
        del self.model[self.open.pop()]

    @rule()
    def fails(self) -> None:
        """A batch that failed: what is known comes from the table."""
        self.seen = Seen(self.table.items())
        for name in self.open:
            del self.model[name]
        self.open = []

    @rule(time=st.integers(-5, 50))
    def seal(self, time: int) -> None:
        self.batch += 1
        key = f"k{self.batch}"
        chunk = self.seen.seal(key, time)
        assert (chunk is None) == (not self.open)
        if chunk is not None:
            self.table[key] = chunk
        for name in self.open:
            self.model[name] = (self.model[name][0], key)
        self.open = []

    @rule(before=st.integers(-5, 50))
    def expire(self, before: int) -> None:
        gone = self.seen.expire(before)
        assert sorted(gone) == sorted(key for key, chunk in self.table.items() if append_time(chunk) < before)
        for key in gone:
            del self.table[key]
        self.model = {name: known for name, known in self.model.items() if known[1] not in gone}

    @precondition(lambda self: not self.open)
    @rule()
    def restore(self) -> None:
        self.seen = Seen(reversed(list(self.table.items())))

    @invariant()
    def counts(self) -> None:
        assert len(self.seen) == len(self.model)


AgainstModel.TestCase.settings = settings(max_examples=60, stateful_step_count=40)
TestAgainstModel = AgainstModel.TestCase
