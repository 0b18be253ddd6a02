"""The agents' handlers without a broker: any cut into batches, and a restore in between, give the same."""

from dataclasses import replace
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.engine.inlet import Unfetchable
from streams.engine.outputs import Outputs
from tests.support.offline import NOW, PARTITIONS, TaskUnderTest, fetched, the_ingest, through
from tests.support.records import Fetched, record
from tests.support.system import event

some_events = st.lists(
    st.builds(
        lambda contact, kind, second: event(kind, f"c{contact}", NOW / 1000 - 60 + second),
        st.integers(0, 3),
        st.sampled_from(["contact.initiated", "contact.connected", "contact.held"]),
        st.integers(0, 5),
    ),
    max_size=30,
)


@settings(max_examples=30)
@given(some_events, st.lists(st.tuples(st.integers(1, 9), st.booleans()), min_size=1, max_size=40))
def test_ingest_passes_each_event_once_however_it_is_cut_and_restarted(
    events: list[dict[str, Any]], cuts: list[tuple[int, bool]]
) -> None:
    whole, cut = the_ingest(), the_ingest()
    whole.batch(fetched(events))
    cut.batches(fetched(events), cuts)
    once = {one["id"]: one["data"]["contact_id"] for one in events}
    assert sorted(v["id"] for v in whole.on("contact.normalised")) == sorted(once)
    assert sorted(map(str, cut.on("contact.normalised"))) == sorted(map(str, whole.on("contact.normalised")))
    assert cut.on("contacts.dead-letters") == []


def test_an_event_that_was_undone_is_not_taken_for_a_duplicate() -> None:
    task = the_ingest()
    (one,) = fetched([event("contact.initiated", "c1", NOW / 1000)])
    out = Outputs(PARTITIONS, NOW, {})
    task.processor.handle(one, out)
    task.processor.undo(one)
    task.batch([one])
    assert len(task.on("contact.normalised")) == 1


def test_ids_of_a_topic_that_was_made_anew_are_kept_beside_those_of_before() -> None:
    task = the_ingest()
    old, new = ([event("contact.initiated", name, NOW / 1000)] for name in ("c1", "c2"))
    task.batch(fetched(old))
    task.batch([replace(one, timestamp=one.timestamp + 1) for one in fetched(new)])
    task.restart()
    task.batch(fetched([*old, *new]))
    assert [value["id"] for value in task.on("contact.normalised")] == [old[0]["id"], new[0]["id"]]


def test_a_record_that_is_refused_unread_makes_nobody_forget_the_event_before_it() -> None:
    task = the_ingest()
    (one,) = fetched([event("contact.initiated", "c1", NOW / 1000)])
    task.batch([one, Unfetchable(one.topic, 0, 1, NOW, ValueError("cannot be taken apart"))])
    task.batch([replace(one, offset=2)])
    assert len(task.on("contact.normalised")) == 1, "the second one is a duplicate"


def progress_of(task: TaskUnderTest, topic: str) -> list[dict[str, Any]]:
    return [value["lines"] for where, key, value in task.sent if where == topic and key is None]


def test_live_stream_time_follows_the_clock_only_when_everything_is_read() -> None:
    task = the_ingest()
    task.batch([], caught_up=False)
    assert progress_of(task, "contact.normalised") == []
    at = NOW - 30_000
    task.batch(fetched([event("contact.initiated", "c1", at / 1000)]), caught_up=False)
    assert progress_of(task, "contact.normalised") == [], "nothing is known of the other topic"
    task.batch([], now=NOW + 1000, caught_up=True)
    assert progress_of(task, "contact.normalised")[-1] == {"": {"watermark": NOW + 1000 - 2000}}


def marker(kind: str, replay: str, at: int, topics: list[str]) -> Fetched:
    value = {
        "specversion": "1.0", "id": f"{kind}{at}", "source": "/tests", "type": kind, "time": "2020-01-01T00:00:10Z",
        "replayid": replay, "data": {"replay_id": replay, "topics": topics},
    }  # fmt: skip
    return record(topic=topics[0], key=b"replay:r", value=orjson.dumps(value), timestamp=NOW)


def test_a_replay_has_its_own_time_and_an_end() -> None:
    task = the_ingest()
    task.batch([marker("replay.started", "r", 0, ["contacts.voice"])])
    old = {**event("contact.initiated", "c1", 1_577_836_800), "replayid": "r"}
    task.batch(fetched([old]), now=NOW + 500)
    task.restart()
    task.batch([marker("replay.ended", "r", 1, ["contacts.voice"])], now=NOW + 1000)
    lines = progress_of(task, "contact.normalised")
    assert lines[-1]["r"] == {"watermark": 1_577_836_810_000, "ended": True}
    assert len(task.on("contact.normalised")) == 1, "age limits are for live events"


calls = st.lists(
    st.tuples(st.integers(0, 5), st.integers(1, 200), st.integers(1, 300), st.sampled_from(["gold", "silver", None])),
    min_size=1,
    max_size=8,
    unique_by=lambda call: call[0],
)


@settings(max_examples=15)
@given(calls, st.randoms(use_true_random=False), st.integers(1, 20), st.booleans())
def test_what_comes_out_does_not_depend_on_order_cuts_or_restarts(
    these: list[tuple[int, int, int, str | None]], dice: Any, size: int, restart: bool
) -> None:
    """Events in any order inside the lateness, each possibly twice, in any cut, restored between batches or not."""
    events = []
    for number, wait, talk, tier in these:
        start = NOW / 1000 - 1800 + 20 * number
        about = {"queue": "q", "customer_id": f"u{number % 3}", **({"tier": tier} if tier else {})}
        events += [
            event("contact.queued", f"c{number}", start, **about),
            event("contact.connected", f"c{number}", start + wait, **about),
            event("contact.ended", f"c{number}", start + wait + talk, by="customer", **about),
        ]
    straight = through(events, len(events) * 3, restart=False)
    shuffled = [*events, *dice.sample(events, len(events) // 2)]
    dice.shuffle(shuffled)
    other = through(shuffled, size, restart)
    assert other["kpis"] == straight["kpis"]
    assert other["journeys"] == straight["journeys"]
    episodes = [{(a["alert_id"], a["since"], a["resolved_at"], a["reason"]) for a in found["alerts"] if a["revision"] == 2}
                for found in (straight, other)]  # fmt: skip
    assert episodes[0] == episodes[1]
    expected = sum(wait > 120 and tier == "gold" for _, wait, _, tier in these)
    assert len(straight["alerts"]) == 2 * expected
