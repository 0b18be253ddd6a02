"""Dead letters of a flood: each refused record is covered once, however the log was cut, and few letters do it."""

from collections import Counter
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.registry import topics
from streams.pipeline import dead_letters
from tests.support.offline import NOW, TaskUnderTest, fetched, hops, the_ingest
from tests.support.records import Fetched, record
from tests.support.system import event

LETTER = topics()["contacts.dead-letters"]
GOOD = "good"
BAD: dict[str, tuple[str, str | None]] = {
    "{": ("unreadable", None),
    "[]": ("wrong-type", None),
    '{"type":"contact.qeued"}': ("unknown-type", "type"),
    '{"type":"contact.held"}': ("missing-field", "specversion"),
}


def lying(kinds: list[tuple[str, str]]) -> list[Fetched]:
    """(topic, kind) each as a record, offsets by topic."""
    offsets: Counter[str] = Counter()
    found = []
    for number, (topic, kind) in enumerate(kinds):
        if kind == GOOD:
            channel = topic.removeprefix("contacts.")
            (one,) = fetched([event("contact.initiated", f"c{number}", NOW / 1000, channel=channel)], offsets[topic])
        else:
            one = record(topic=topic, offset=offsets[topic], value=kind.encode(), key=b"k", timestamp=NOW)
        offsets[topic] += 1
        found.append(one)
    return found


def letters_of(task: TaskUnderTest) -> list[dict[str, Any]]:
    """By the offset of their first record."""
    return sorted(task.on("contacts.dead-letters"), key=lambda letter: letter["offset"])


def covered(task: TaskUnderTest) -> Counter[tuple[str, int, str, str | None]]:
    """(topic, offset, reason, path) of everything a letter stands for."""
    found: Counter[tuple[str, int, str, str | None]] = Counter()
    for letter in task.on("contacts.dead-letters"):
        assert LETTER.check(letter) is None
        runs = letter.get("offsets") or [[letter["offset"], letter["offset"]]]
        told = [(letter["topic"], at, letter["reason"], letter["path"]) for a, b in runs for at in range(a, b + 1)]
        assert len(told) == (letter.get("count") or 1)
        assert letter["offset"] == runs[0][0]
        found.update(told)
    return found


kinds = st.lists(
    st.tuples(st.sampled_from(["contacts.voice", "contacts.chat"]), st.sampled_from([GOOD, *BAD])), max_size=150
)
cuts = st.lists(st.tuples(st.integers(1, 60), st.booleans()), min_size=1, max_size=9)


@settings(max_examples=80)
@given(kinds, cuts, st.integers(1, 4), st.integers(1, 3))
def test_every_refused_record_is_covered_once_however_the_log_was_cut(
    story: list[tuple[str, str]], cut: list[tuple[int, bool]], single: int, runs: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dead_letters, "SINGLE", single)
        patch.setattr(dead_letters, "RUNS", runs)
        records = lying(story)
        task = the_ingest().batches(records, cut)
    wanted = Counter(
        (r.topic, r.offset, *BAD[kind]) for r, (_, kind) in zip(records, story, strict=True) if kind != GOOD
    )
    assert covered(task) == wanted
    ids = Counter(letter["id"] for letter in task.on("contacts.dead-letters"))
    assert set(ids.values()) <= {1}


def test_the_first_few_have_letters_of_their_own_and_the_rest_share_one() -> None:
    task = the_ingest()
    task.batch(lying([("contacts.voice", kind) for _ in range(1000) for kind in (GOOD, "{", "[]")]))
    letters = letters_of(task)
    assert len(letters) == 22
    shared = {letter["reason"]: letter for letter in letters if "count" in letter}
    assert {reason: letter["count"] for reason, letter in shared.items()} == {"unreadable": 990, "wrong-type": 990}
    assert shared["unreadable"]["offsets"][:2] == [[31, 31], [34, 34]]
    assert shared["unreadable"]["id"] == "contacts.voice-0-31"
    assert shared["unreadable"]["payload_bytes"] == 1
    dead = task.processor.notes.registry.get_sample_value(
        "contact_streams_dead_letters_total", {"reason": "unreadable"}
    )
    assert dead == 1000


def test_paths_that_a_publisher_makes_up_do_not_make_letters() -> None:
    task = the_ingest("customers.profile")
    many = [
        {**event("customer.profile_changed", "x", NOW / 1000), "data": {"customer_id": "c", "consent": {f"p{n}": 1}}}
        for n in range(500)
    ]
    task.batch(
        [record(topic="customers.profile", offset=n, value=orjson.dumps(v), timestamp=NOW) for n, v in enumerate(many)]
    )
    letters = letters_of(task)
    assert len(letters) == dead_letters.SINGLE + dead_letters.PATHS + 1
    assert (letters[-1]["path"], letters[-1]["count"]) == (None, 470)
    assert sum(letter.get("count") or 1 for letter in letters) == 500


def test_records_on_which_our_own_code_fails_share_a_letter_too() -> None:
    task = hops()["track"]
    bad = [record(topic="contact.interactions", offset=n, value=b'{"kind":"what"}') for n in range(300)]
    bad += [record(topic="contact.interactions", offset=300, value=b"{")]
    task.batch(bad)
    letters = letters_of(task)
    assert [letter.get("count") for letter in letters] == [None] * 10 + [290] + [None]
    assert all("Traceback" in letter["traceback"] for letter in letters)
    assert letters[10]["offsets"] == [[10, 299]]


@pytest.mark.parametrize("size", [65_536, 900_000])
def test_a_flood_of_large_records_costs_the_bytes_of_eleven(size: int) -> None:
    """1.7 GB of dead letters in 82 s of 64 KB rubbish: the worker of a whole channel wrote more than it read."""
    task = the_ingest(max_event_bytes=1_040_000)
    task.batch([record(topic="contacts.voice", offset=n, value=b"x" * size, timestamp=NOW) for n in range(400)])
    sent = sum(len(orjson.dumps(letter)) for letter in task.on("contacts.dead-letters"))
    assert sent < 11 * 90_000


def test_a_letter_that_holds_as_much_as_it_may_still_fits_a_record() -> None:
    task = the_ingest()
    story = [("contacts.voice", kind) for _ in range(4000) for kind in (GOOD, "{")]
    headers: Any = [(f"h{n}" + "é" * 1000, b"x" * 5000) for n in range(60)]
    told = [
        r
        if kind == GOOD
        else record(topic=r.topic, offset=r.offset, value=b"{" * 70_000, key=b"k" * 70_000, headers=headers)
        for r, (_, kind) in zip(lying(story), story, strict=True)
    ]
    task.batch(told)
    letters = letters_of(task)
    assert [letter.get("count") for letter in letters] == [None] * 10 + [1000, 1000, 1000, 990]
    assert max(len(orjson.dumps(letter)) for letter in letters) < 500_000
