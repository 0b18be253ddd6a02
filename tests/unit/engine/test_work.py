"""What fails in a batch is narrowed down to one record or row, and everything else comes through."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.engine import Inlet, Rest, table, work
from streams.engine.errors import StoreError
from streams.engine.outputs import Outputs
from streams.engine.store import MemoryStore
from tests.support.faults import HOOKS, Adder, Faults, a_task, load, run

TOLD = [("a", 1), ("b", 2), ("c", 3), ("b", 4), ("time", 4), ("a", 5), ("d", 6), ("time", 9)]


@pytest.mark.parametrize("resident", [True, False])
@pytest.mark.parametrize("cuts", [[1], [3], [8]])
@pytest.mark.parametrize("hook", ["handle", "finish"])
def test_the_record_to_blame_becomes_a_dead_letter(hook: str, cuts: list[int], resident: bool) -> None:
    task = a_task(Faults({hook: {"bad"}}), resident=resident)
    sent = run(task, load([*TOLD[:3], ("bad", 4), *TOLD[4:]]), cuts)
    assert sent["dead"] == [
        (b"3", f"{hook} bad".encode() if hook == "handle" else b"a row of table 'sums': ZeroDivisionError")
    ]
    assert [(key, int(value)) for key, value in sent["due"]] == [(b"a", 1), (b"b", 2), (b"c", 3), (b"a", 5), (b"d", 6)]
    assert (task.position, dict(task.tables["sums"]), task.aside, task.unfinished) == ({"in": 8}, {}, 0, None)


@pytest.mark.parametrize("resident", [True, False])
@pytest.mark.parametrize("cuts", [[1], [3], [8]])
@pytest.mark.parametrize("hook", ["encode", "due"])
def test_a_record_after_which_its_row_cannot_be_written_leaves_the_row_as_it_was(
    hook: str, cuts: list[int], resident: bool
) -> None:
    """The second record of b takes its sum to 66."""
    task = a_task(Faults({hook: {"66"}}), resident=resident)
    sent = run(task, load([("a", 1), ("b", 2), ("c", 3), ("b", 64), ("time", 2), ("c", 5)]), cuts)
    assert sent["dead"] == [(b"3", b"a row of table 'sums': ZeroDivisionError")]
    assert sent["due"] == [(b"a", b"1")]
    assert (dict(task.tables["sums"]), task.aside) == ({"b": {"sum": 2}, "c": {"sum": 8}}, 0)
    assert run(task, load([("time", 99)], 6))["due"] == [(b"b", b"2"), (b"c", b"8")]


@pytest.mark.parametrize("resident", [True, False])
@pytest.mark.parametrize("cuts", [[1], [3], [8]])
def test_a_deadline_that_fails_costs_its_row_and_not_the_record_that_let_time_pass(
    cuts: list[int], resident: bool
) -> None:
    task = a_task(Faults({"passed": {"b"}}), resident=resident)
    sent = run(task, load([("a", 1), ("b", 2), ("c", 3), ("time", 9), ("b", 7), ("c", 4), ("time", 5)]), cuts)
    assert sent["dead"] == [(b"b", b'\x00\x00\x00\x06{"":2}{"sum":2}')]
    assert [(key, int(value)) for key, value in sent["due"]] == [(b"a", 1), (b"c", 3), (b"c", 4)]
    assert (dict(task.tables["sums"]), task.aside) == ({"b": {"sum": 7}}, 1), "b begins anew"


def test_what_fails_once_costs_nothing() -> None:
    for hook in HOOKS:
        faults = Faults(once={hook} - {"handle", "bury"})
        task = a_task(faults)
        sent = run(task, load(TOLD))
        assert (sent.get("dead"), task.aside, task.failed, task.unfinished) == (None, 0, 0, None), hook
        assert sorted(sent["due"]) == [(b"a", b"1"), (b"a", b"5"), (b"b", b"6"), (b"c", b"3"), (b"d", b"6")], hook


@pytest.mark.parametrize("cuts", [[1], [3], [8]])
def test_when_the_end_of_a_batch_always_fails_records_go_on_and_what_was_due_is_made_up_for(cuts: list[int]) -> None:
    faults = Faults(always={"finish"})
    task = a_task(faults)
    sent = run(task, load(TOLD), cuts)
    assert isinstance(task.unfinished, ZeroDivisionError)
    assert (task.position, task.failed, task.aside, sent.get("dead")) == ({"in": 8}, 0, 0, None)
    assert [key for key, _ in sent["touched"]] == [b"a", b"b", b"c", b"b", b"a", b"d"]
    faults.always.clear()
    run(task, load([("e", 100)], 8))
    assert task.unfinished is None
    assert dict(task.tables["sums"]) == {"e": {"sum": 100}}


def test_rows_that_cannot_be_read_after_a_restart_are_set_aside_with_their_bytes() -> None:
    for resident in (True, False):
        task = a_task(Faults(), resident=resident)
        run(task, load([("a", 1), ("b", 2)]))
        task.changelog[b"sums\0a"] = b"\xff"
        task.restart()
        sent = run(task, load([("a", 5), ("b", 3)], 2))
        assert sent["dead"] == [(b"a", b"\xff")]
        assert dict(task.tables["sums"]) == {"a": {"sum": 5}, "b": {"sum": 5}}
        assert b"sums\0a" in task.changelog
        task.restart()
        assert run(task, load([("time", 9)], 4))["due"] == [(b"a", b"5"), (b"b", b"5")]


@pytest.mark.parametrize("resident", [True, False])
def test_many_rows_that_cannot_be_read_leave_in_parts_before_any_record_is_handled(
    resident: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "PART_BYTES", 10)
    task = a_task(Faults(), resident=resident)
    keys = [f"k{n}" for n in range(7)]
    run(task, load([(key, 1) for key in keys]))
    for key in keys[:6]:
        task.changelog[b"sums\0" + key.encode()] = b"\xff" * 3
    task.restart()
    out, parts, dead = Outputs({"touched": 1, "sums": 1, "dead": 1}, 0, {}), [], []
    for part in work.work(task, load([(key, 5) for key in keys], 7), out):
        if part is not None:
            sent = task._commit(part)
            parts.append((part.aside["sums"], len(part.records)))
            dead += [key for (topic, _), items in sent.items() for key, _ in items if topic == "dead"]
    rest = run(task, [])
    assert sorted(dead) == [key.encode() for key in keys[:6]]
    assert rest.get("dead") is None
    assert sum(rows for rows, _ in parts) == 6
    assert max(rows for rows, _ in parts) <= 3
    assert dict(task.tables["sums"]) == {**{key: {"sum": 5} for key in keys[:6]}, "k6": {"sum": 6}}
    assert task.position == {"in": 14}


def test_a_tick_alone_sets_them_aside_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "PART_BYTES", 4)
    task = a_task(Faults())
    run(task, load([(f"k{n}", 1) for n in range(5)]))
    for n in range(5):
        task.changelog[b"sums\0k%d" % n] = b"\xff" * 3
    task.restart()
    told = [len(run(task, []).get("dead", [])) for _ in range(4)]
    assert (sum(told), told[-1], dict(task.tables["sums"])) == (5, 0, {})


def test_a_dead_letter_that_fails_is_tried_with_the_place_alone_and_then_passed_by() -> None:
    task = a_task(Faults({"handle": {"bad"}, "bury": {"bad"}}))
    assert run(task, load([("bad", 1), ("a", 1)]))["dead"] == [(b"0", b"handle bad")]
    task = a_task(Faults({"handle": {"bad"}}, always={"bury"}))
    sent = run(task, load([("bad", 1), ("a", 1)]))
    assert (sent.get("dead"), dict(task.tables["sums"]), task.position) == (None, {"a": {"sum": 1}}, {"in": 2})


def test_a_fault_of_more_rows_than_a_task_sets_aside_keeps_the_state(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "MAX_ASIDE", 2)
    faults = Faults(always={"passed"})
    task = a_task(faults)
    sent = run(task, load([("a", 1), ("b", 2), ("c", 3), ("time", 9), ("a", 1)]))
    assert dict(task.tables["sums"]) == {"a": {"sum": 2}, "b": {"sum": 2}, "c": {"sum": 3}}
    assert [key for key, _ in sent["dead"]] == [b"3"], "the record that lets time pass: the next one will do"
    faults.always.clear()
    assert run(task, load([("time", 9)], 5))["due"] == [(b"a", b"2"), (b"b", b"2"), (b"c", b"3")]


def test_a_disk_that_fails_is_nobodys_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    task = a_task(Faults())

    def fails(*_: Any) -> None:
        raise StoreError("the disk")

    run(task, load([("a", 1)]))
    monkeypatch.setattr(MemoryStore, "due", fails)
    with pytest.raises(StoreError):
        task.batch(load([("time", 9)], 1), 0, {})


def test_a_batch_that_sends_much_is_committed_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "PART_BYTES", 3)
    task = a_task(Faults())
    parts = [part for part in work.work(task, load([("a", 1)] * 5), Outputs({"touched": 1, "sums": 1}, 0, {})) if part]
    assert [len(part.records) for part in parts] == [2, 2, 1]


def test_a_batch_that_takes_much_from_the_store_is_committed_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each small event of a contact with much to it writes all of its row."""
    for module in (work, table):
        monkeypatch.setattr(module, "PART_BYTES", 300)
    monkeypatch.setattr(work, "LOOK_EVERY", 1)
    task = a_task(Faults(), resident=False)
    keys = [f"k{n}" for n in range(100)]
    run(task, load([(key, 1) for key in keys]))
    task.restart()
    parts = [
        (len(part.records), task._commit(part))
        for part in work.work(task, load([(key, 2) for key in keys], 100), Outputs({"touched": 1, "sums": 1}, 0, {}))
        if part is not None
    ]
    assert 2 < len(parts) <= 12
    assert max(size for size, _ in parts) <= 35
    assert {key: row["sum"] for key, row in task.tables["sums"].items()} == dict.fromkeys(keys, 3)
    task.restart()
    due = [len(run(task, load([("time", 9)], 200 + n)).get("due", [])) for n in range(5)]
    assert sum(due) == 100, "what is due is taken in portions, too"
    assert max(due) <= table.DUE_AT_ONCE


def test_only_the_last_part_of_a_batch_may_know_that_everything_was_read() -> None:
    known: list[bool] = []

    class Knows(Adder):
        def finish(self, out: Outputs) -> Rest:
            super().finish(out)
            known.append(bool(out.caught_up))
            return Rest.NOTHING

    faults = Faults({"finish": {"bad"}})
    task = a_task(faults)
    task.processor = Knows(task.info, task.tables, faults)
    task.inlet = Inlet("add", ("in",), lambda i, t: Knows(i, t, faults), task.inlet.on_failure, task.inlet.tables)
    task.batch(load([("a", 1), ("bad", 1), ("a", 1), ("a", 1)]), 0, dict.fromkeys(task.inputs, 7))
    assert known[-1]
    assert not any(known[:-1])


keys = st.sampled_from(["a", "b", "c", "d", "time"])
told = st.lists(st.tuples(keys, st.integers(1, 9)), max_size=30)
poison = st.dictionaries(
    st.sampled_from(["handle", "undo", "finish", "passed"]), st.sets(st.sampled_from(["x", "y"]), min_size=1)
)


@settings(max_examples=150)
@given(told, st.lists(st.tuples(st.integers(0, 30), st.sampled_from(["x", "y"]), st.integers(1, 9)), max_size=6), poison,
       st.lists(st.integers(1, 12), min_size=1, max_size=5), st.booleans(), st.sets(st.sampled_from(["encode", "due"])))  # fmt: skip
def test_everybody_else_comes_through_whatever_raises_for_some_keys(
    good: list[tuple[str, int]],
    bad: list[tuple[int, str, int]],
    raising: dict[str, set[str]],
    cuts: list[int],
    resident: bool,
    unwritable: set[str],
) -> None:
    """The good keys have the same state and the same outputs in order as without the bad ones, however it is cut."""
    mixed: list[tuple[str, int]] = list(good)
    for at, key, value in bad:
        mixed.insert(at, (key, 10_000 + value))
    raising |= {hook: {str(10_000 + n) for n in range(1, 5)} for hook in unwritable}
    alone, task = a_task(Faults(), resident=resident), a_task(Faults(raising), resident=resident)
    expected, sent = run(alone, load(good), cuts), run(task, load(mixed), cuts)
    assert {k: v for k, v in task.tables["sums"].items() if k in "abcd"} == dict(alone.tables["sums"])
    for topic in ("touched", "due"):
        found = [(key, value) for key, value in sent.get(topic, []) if key in (b"a", b"b", b"c", b"d")]
        assert sorted(found) == sorted(expected.get(topic, []))
    assert task.position == ({"in": len(mixed)} if mixed else {})
    assert task.unfinished is None
    task.restart()
    assert {k: v for k, v in task.tables["sums"].items() if k in "abcd"} == dict(alone.tables["sums"])
