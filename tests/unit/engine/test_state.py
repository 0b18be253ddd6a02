"""Tables, the changelog's records and trials, without a broker."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.engine import ChangelogError, KilledWorker, NewerState, OutputTooLarge, Table, TableSpec
from streams.engine import changelog as log
from streams.engine.batch import Outputs
from streams.engine.changelog import Restored
from streams.engine.trial import FIRST, Trial
from tests.unit.engine.records import record

SPEC: TableSpec[int] = TableSpec("t", orjson.dumps, orjson.loads)
writes = st.lists(st.tuples(st.sampled_from("abc"), st.one_of(st.none(), st.integers(0, 9))), max_size=12)


def write(table: Table[int], changes: list[tuple[str, int | None]]) -> None:
    for key, value in changes:
        if value is None:
            table.pop(key, None)
        else:
            table[key] = value


@given(writes, writes)
def test_undo_takes_back_exactly_what_came_after_the_mark(kept: list, undone: list) -> None:
    table, model = Table(SPEC), Table(SPEC)
    write(table, kept)
    write(model, kept)
    table.mark()
    write(table, undone)
    table.undo()
    assert dict(table) == dict(model)


@given(st.lists(writes, max_size=5))
def test_the_changelog_of_all_batches_gives_the_table(batches: list) -> None:
    table, restored = Table(SPEC), Table(SPEC)
    for changes in batches:
        write(table, changes)
        for key, value in table.changes():
            log.apply({"t": restored}, record(key=log.encode_key("t", key), value=value), Restored())
        table.committed()
    assert dict(restored) == dict(table)
    assert table.changes() == []


def test_position_and_trial_are_told_beside_the_tables() -> None:
    restored = Restored()
    log.apply({}, record(key=log.POSITION, value=log.encode_position({"a": 7})), restored)
    log.apply({}, record(key=b"\0trial", value=b"x"), restored)
    assert (restored.offsets, restored.trial) == ({"a": 7}, b"x")


def test_state_of_a_newer_program_is_refused_with_its_place() -> None:
    newer = orjson.dumps({"version": log.VERSION + 1, "offsets": {}})
    with pytest.raises(NewerState, match=r"changelog t-0 at offset 5: written in format 2, this program reads up to 1"):
        log.apply({}, record(key=log.POSITION, value=newer, offset=5), Restored())
    with pytest.raises(NewerState, match="a table 'unknown' that this program does not know"):
        log.apply({}, record(key=log.encode_key("unknown", "k"), value=b"1"), Restored())


def test_a_value_that_cannot_be_read_is_named() -> None:
    with pytest.raises(ChangelogError, match="table 't', key b'k'"):
        log.apply({"t": Table(SPEC)}, record(key=log.encode_key("t", "k"), value=b"{"), Restored())


def test_outputs_of_an_undone_record_are_gone_and_a_large_one_is_refused() -> None:
    out = Outputs({"o": 3}, 0, {})
    out.send("o", b"k", b"1")
    mark = out.mark()
    out.broadcast("o", None, b"2")
    out.undo(mark)
    ((topic, partition), items), *rest = out.grouped().items()
    assert (topic, items, rest) == ("o", [(b"k", b"1")], [])
    assert 0 <= partition < 3
    with pytest.raises(OutputTooLarge, match="an output of 1000001 bytes for o is over the limit"):
        out.send("o", b"k", b"x" * 1_000_000)


def left_by(trial: Trial, position: dict[str, int], records: list, process: str = "dead") -> bytes:
    return orjson.dumps({**orjson.loads(trial.announcement(position, records)), "process": process})


def test_a_trial_that_nobody_finished_makes_the_next_owner_careful() -> None:
    records = [record(topic="in", offset=n) for n in (5, 6, 7)]
    first = Trial()
    assert first.announced
    second = Trial.after(left_by(first, {"in": 5}, records), {"in": 5})
    assert (second.limit, second.until, second.suspect) == (1, {"in": 8}, None)
    second.refuse(records[0])  # nobody is suspected yet
    third = Trial.after(left_by(second, {"in": 5}, records[:1]), {"in": 5})
    assert third.suspect == ("in", 5)
    with pytest.raises(KilledWorker):
        third.refuse(records[0])
    third.refuse(records[1])
    for one in records:
        third.passed([one])
    assert (third.limit, third.until, third.suspect) == (FIRST, {}, None)


def test_a_trial_that_was_finished_or_is_our_own_means_nothing() -> None:
    records = [record(topic="in", offset=5)]
    assert Trial.after(left_by(Trial(), {"in": 5}, records), {"in": 6}) == Trial()
    assert Trial.after(Trial().announcement({"in": 5}, records), {"in": 5}) == Trial()
    assert Trial.after(None, {}) == Trial()


def test_batches_grow_when_all_goes_well() -> None:
    trial, limits = Trial(), []
    while trial.limit is not None:
        limits.append(trial.limit)
        trial.passed([record()])
    assert limits == [256, 512, 1024, 2048]
    assert not trial.announced
