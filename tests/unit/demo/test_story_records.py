"""What the story holds against what it read: each kind of expectation, and what it says was found instead."""

from typing import Any

import pytest

from streams.demo.story_records import Alike, Gone, Newest, NotTold, Nowhere, Record, Seen, Told, fits, picked


def seen(*records: tuple[str, str, dict[str, Any] | None]) -> Seen:
    return Seen([Record(topic, 0, offset, key, value) for offset, (topic, key, value) in enumerate(records)])


@pytest.mark.parametrize(
    ("expected", "found", "holds"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, True),
        ({"a": None}, {"b": 2}, False),
        ({"a": [{"b": 1}]}, {"a": [{"b": 1, "c": 2}]}, True),
        ({"a": [{"b": 1}]}, {"a": [{"b": 1}, {"b": 1}]}, False),
        ({"a": []}, {"a": [1]}, False),
        ({"a": {"b": 1}}, {"a": None}, False),
        ([1, 2], "12", False),
    ],
)
def test_a_value_says_what_is_expected_or_more(expected: Any, found: Any, holds: bool) -> None:
    assert fits(expected, found) is holds


@pytest.mark.parametrize(
    ("expected", "found", "part"),
    [
        ({"a": 1, "z": 1}, {"a": 2, "b": 2}, {"a": 2}),
        ({"a": [{"b": 1}]}, {"a": [{"b": 3, "c": 2}, {"b": 4}]}, {"a": [{"b": 3}, {"b": 4}]}),
        ({"a": []}, {"a": [{"b": 1}]}, {"a": [{"b": 1}]}),
    ],
)
def test_of_a_value_that_is_shown_which_is_asked_for(expected: Any, found: Any, part: Any) -> None:
    assert picked(expected, found) == part


def test_the_newest_record_of_a_key_counts() -> None:
    expects = Newest("", "t", "k", {"a": 2}, lambda value: "" if value["b"] else "b is missing")
    assert expects.check(seen(("t", "k", {"a": 1, "b": 1}), ("t", "k", {"a": 2, "b": 1}))).holds
    assert expects.check(seen(("t", "k", {"a": 2, "b": 1}), ("t", "k", {"a": 1, "b": 1}))).said == 'expected {"a":2}'
    assert expects.check(seen(("t", "k", {"a": 2, "b": 0}))).said == "b is missing"
    assert expects.check(seen(("t", "k", None))).said == "k is gone from t"
    assert expects.check(seen(("u", "k", {"a": 2}))).said == "no record of k on t"


def test_the_records_that_are_meant_are_exactly_those_in_that_order() -> None:
    expects = Told("", "t", {"who": "x"}, [{"a": 1}, {"a": 2}])
    one, two, other = (("t", "k", {"who": who, "a": a}) for who, a in (("x", 1), ("x", 2), ("y", 9)))
    assert expects.check(seen(other, one, other, two)).holds
    for wrong in ([one], [two, one], [one, two, two], []):
        found = expects.check(seen(*wrong, other))
        assert not found.holds
        assert found.said == f'{len(wrong)} records of {{"who":"x"}} on t, expected {{"a":1}} then {{"a":2}}'
    nothing = Told("", "t", {"who": "x"}, ())
    assert nothing.check(seen(other)).said == "none of 1 records on t"
    assert nothing.check(seen(one)).said.endswith("expected none")


def test_a_key_is_gone_when_its_newest_record_says_so() -> None:
    expects = Gone("", "t", ["a", "b"])
    assert expects.check(seen(("t", "a", {}), ("t", "a", None), ("t", "b", None))).holds
    assert expects.check(seen(("t", "a", None), ("t", "a", {"x": 1}))).said == "a is still there, b never was"


def test_two_records_are_alike_but_for_revision_and_line() -> None:
    mine = {"journey_id": "k@1", "revision": 7, "line": "", "contacts": [{"contact_id": "c"}]}
    twin = {"journey_id": "k@1~r", "revision": 1, "line": "r", "contacts": [{"contact_id": "c"}]}
    expects = Alike("", "t", [("k", "r/k")])
    assert expects.check(seen(("t", "k", mine), ("t", "r/k", twin))).holds
    assert expects.check(seen(("t", "k", mine | {"x": 1}), ("t", "r/k", twin))).said == "k: x differs"
    assert expects.check(seen(("t", "k", mine))).said == "no record of r/k on t"
    assert expects.check(seen(("t", "k", None), ("t", "r/k", twin))).said == "no record of k on t"


def test_a_record_is_as_it_was_at_a_moment() -> None:
    read = seen(("t", "k", {"a": 1, "revision": 1}))
    read.remember("before")
    expects = Alike("", "t", [("k", "k")], "before")
    read.records += seen(("t", "k", {"a": 2, "revision": 2})).records
    assert expects.check(read).said == "k: a differs"
    read.records += seen(("t", "k", {"a": 1, "revision": 3})).records
    assert expects.check(read).holds
    assert Alike("", "t", [("k", "k")], "never").check(read).said == "no record of k never on t"


def test_a_name_is_nowhere_but_in_keys_that_are_gone() -> None:
    expects = Nowhere("", ["t"], ["nora"])
    assert expects.check(seen(("t", "nora", None), ("t", "ben", {"who": "ben"}), ("u", "nora", {}))).holds
    assert expects.check(seen(("t", "ben", {"beside": ["x nora"]}))).said == "nora in t ben"
    assert expects.check(seen(("t", "nora", {}))).said == "nora in t nora"
    assert not expects.check(seen()).holds


def test_of_a_line_nobody_is_told_only_where_something_was_told() -> None:
    expects = NotTold("", "r", ["nora"])
    assert expects.check(seen(("t", "k", {"line": "r"}), ("t", "nora", {"line": ""}))).holds
    assert expects.check(seen(("t", "k", {"line": "r", "a": "nora"}))).said == "1 of 1 records do"
    assert expects.check(seen(("t", "k", {"line": ""}))).said == "nothing was read of r"
