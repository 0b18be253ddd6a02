"""Tables, the changelog's records and trials, without a broker."""

from collections.abc import Sequence
from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.engine import KilledWorker, NewerState, OutputTooLarge, Table, TableSpec
from streams.engine import changelog as log
from streams.engine.changelog import Restored, Rows
from streams.engine.errors import RowFault
from streams.engine.outputs import MOST_JOINED, Outputs
from streams.engine.store import Due, MemoryStore
from streams.engine.tables import Cache, CachedTable, settle
from streams.engine.trial import FIRST, Trial
from tests.support.records import record

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
    table, rows = Table(SPEC), Rows([SPEC], MemoryStore())
    for changes in batches:
        write(table, changes)
        for key, value in table.changes():
            rows.apply(record(key=log.encode_key("t", key), value=value))
        settle({"t": table}, table.store, {"t": table.changes()}, Due(), None)
    rows.flush()
    assert dict(Table(SPEC, rows.store)) == dict(table)
    assert table.changes() == []


def test_position_and_trial_are_told_beside_the_tables() -> None:
    rows = Rows([], MemoryStore())
    rows.apply(record(key=log.POSITION, value=log.encode_position({"a": 7}, "state"), offset=3))
    rows.apply(record(key=b"\0trial", value=b"x"))
    assert rows.restored == Restored({"a": 7}, b"x", "state", position_at=3, records=2)


def test_state_of_a_newer_program_is_refused_with_its_place() -> None:
    newer = orjson.dumps({"version": log.VERSION + 1, "offsets": {}})
    with pytest.raises(NewerState, match=r"changelog t-0 at offset 5: written in format 2, this program reads up to 1"):
        Rows([], MemoryStore()).apply(record(key=log.POSITION, value=newer, offset=5))
    with pytest.raises(NewerState, match="a table 'unknown' that this program does not know"):
        Rows([], MemoryStore()).apply(record(key=log.encode_key("unknown", "k"), value=b"1"))


def test_a_value_that_cannot_be_read_is_named_and_can_be_set_aside() -> None:
    store = MemoryStore()
    store.write({"t": [("k", b"{")]}, Due(), None)
    lazy = CachedTable(replace(SPEC, resident=False), store, Cache())
    with pytest.raises(RowFault, match="a row of table 't': JSONDecodeError") as fault:
        lazy.get("k")
    assert (list(fault.value.rows), fault.value.certain) == ([("t", "k")], True)
    resident = Table(SPEC, store)
    assert (list(resident), resident.spoilt.keys(), lazy.spoilt.keys()) == ([], {"k"}, {"k"})
    for table in (lazy, resident):
        assert (table.discard("k"), table.changes(), table.get("k")) == (b"{", [("k", None)], None)


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
    assert (third.suspect, third.deaths) == (("in", 5), 1)
    third.refuse(records[0])  # whoever kills workers from outside hits some record that is alone
    fourth = Trial.after(left_by(third, {"in": 5}, records[:1]), {"in": 5})
    with pytest.raises(KilledWorker):
        fourth.refuse(records[0])
    fourth.refuse(records[1])
    for one in records:
        fourth.passed([one])
    assert (fourth.limit, fourth.until, fourth.suspect, fourth.deaths) == (FIRST, {}, None, 0)


def test_deaths_are_counted_for_one_record_only() -> None:
    records = [record(topic="in", offset=n) for n in (5, 6, 7)]
    second = Trial.after(left_by(Trial(), {"in": 5}, records), {"in": 5})
    third = Trial.after(left_by(second, {"in": 5}, records[:1]), {"in": 5})
    third.passed(records[:1])
    fourth = Trial.after(left_by(third, {"in": 6}, records[1:2]), {"in": 6})
    assert (fourth.suspect, fourth.deaths) == (("in", 6), 1)


def test_records_stay_in_doubt_when_the_task_changes_hands_half_way() -> None:
    records = [record(topic="in", offset=n) for n in (5, 6, 7)]
    second = Trial.after(left_by(Trial(), {"in": 5}, records), {"in": 5})
    handed_over = Trial.after(left_by(second, {"in": 5}, records[:1]), {"in": 6})
    assert (handed_over.limit, handed_over.until, handed_over.suspect) == (1, {"in": 8}, None)
    lost = Trial.after(second.announcement({"in": 5}, records[:1]), {"in": 5})
    assert (lost.limit, lost.until, lost.deaths) == (1, {"in": 8}, 0), "the same process: nobody died"
    assert Trial.after(left_by(second, {"in": 7}, records[2:]), {"in": 8}) == Trial(), "all of them are through"


def test_a_suspect_that_an_older_program_left_has_died_once() -> None:
    left = orjson.dumps({"process": "dead", "position": {"in": 5}, "until": {"in": 8}, "alone": ["in", 5]})
    assert (Trial.after(left, {"in": 5}).suspect, Trial.after(left, {"in": 5}).deaths) == (("in", 5), 1)


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
    assert limits == [FIRST, 2 * FIRST, 4 * FIRST, 8 * FIRST]
    assert not trial.announced


def test_large_rows_leave_the_cache_by_their_bytes() -> None:
    store, cache = MemoryStore(), Cache(rows=1000, large_bytes=200_000)
    texts: TableSpec[str] = TableSpec("t", lambda text: text.encode(), bytes.decode, resident=False)
    table = CachedTable(texts, store, cache)

    def kept() -> list[str]:
        return [*table.values_, *table._old]

    for n in range(60):
        table[f"k{n}"] = "x" * 20_000
        settle({"t": table}, store, {"t": table.changes()}, Due(), None)
        assert len(kept()) <= 13
    for n in range(60):
        assert len(table[f"k{n}"]) == 20_000
        settle({"t": table}, store, {}, Due(), None)
        assert len(kept()) <= 13
    table["k59"] = "small"
    settle({"t": table}, store, {"t": table.changes()}, Due(), None)
    for n in range(400):
        table[f"s{n}"] = "x" * 100
        settle({"t": table}, store, {"t": table.changes()}, Due(), None)
    assert len(kept()) >= 400, "small rows are bounded by their number"


def test_values_that_are_gathered_are_one_record_a_key_where_the_first_was_sent() -> None:
    out = Outputs({"t": 1, "u": 1}, 0, {})

    def join(parts: Sequence[bytes]) -> bytes:
        return b"+".join(parts)

    out.gather("t", b"a", b"1", join)
    out.send("t", b"x", b"other")
    out.gather("t", b"b", b"2", join)
    mark = out.mark()
    out.gather("t", b"a", b"lost", join)
    out.gather("t", b"c", b"lost", join)
    out.undo(mark)
    out.gather("t", b"a", b"3", join)
    out.gather("u", b"a", b"4", join)
    out.send("t", b"a", b"a record of its own")
    assert out.grouped() == {
        ("t", 0): [(b"a", b"1+3"), (b"x", b"other"), (b"b", b"2"), (b"a", b"a record of its own")],
        ("u", 0): [(b"a", b"4")],
    }


def test_gathered_values_go_past_nothing_that_is_sent_to_all() -> None:
    """What is told of a place in the log lies between what was sent before and after it."""
    out = Outputs({"t": 1}, 0, {})
    out.gather("t", b"a", b"1", b"".join)
    out.gather("t", b"b", b"2", b"".join)
    out.broadcast("t", None, b"switch")
    out.gather("t", b"a", b"3", b"".join)
    out.gather("t", b"a", b"4", b"".join)
    assert out.grouped()["t", 0] == [(b"a", b"1"), (b"b", b"2"), (None, b"switch"), (b"a", b"34")]


def test_gathered_values_are_several_records_where_they_are_large() -> None:
    out = Outputs({"t": 1}, 0, {})
    for number in range(5):
        out.gather("t", b"a", bytes([65 + number]) * (MOST_JOINED // 2), b"".join)
    assert [(value or b"")[:: MOST_JOINED // 2] for _, value in out.grouped()["t", 0]] == [b"AB", b"CD", b"E"]
