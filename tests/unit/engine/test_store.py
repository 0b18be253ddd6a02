"""Stores and tables over them: the same as a dict whatever happens, deadlines in order, folders that cannot be used."""

import tracemalloc
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from streams.engine.changelog import Changelog, Rows, encode_key, outdated
from streams.engine.errors import NewerState
from streams.engine.rocks import RocksStores
from streams.engine.spec import TableSpec, version_of
from streams.engine.store import Due, Entry, MemoryStore, Order, Ordered, Store
from streams.engine.tables import Cache, CachedTable, deadlines, open_tables, settle, take_back
from tests.support.records import mark, record


class Row(msgspec.Struct, frozen=True):
    n: int
    due: dict[str, int] = {}


def rows(name: str, resident: bool) -> TableSpec[Row]:
    codec = msgspec.json.Encoder().encode, msgspec.json.Decoder(Row).decode
    return TableSpec(name, *codec, resident=resident, due=attrgetter("due"))


SPECS = (rows("small", True), rows("large", False))
SPEC = {spec.name: spec for spec in SPECS}
KEYS = [f"k{n}" for n in range(8)]
keys = st.sampled_from(KEYS)
names = st.sampled_from(["small", "large"])
values = st.builds(Row, st.integers(0, 9), st.dictionaries(st.sampled_from(["", "r"]), st.integers(-5, 60), max_size=2))


class TheSameAsADict(RuleBasedStateMachine):
    """Two tables over one store beside two dicts: what is committed, and what the batch made of it."""

    def open_store(self) -> Store:
        return MemoryStore()

    def reopen(self) -> None:
        """A restart without a disk: the rows come back as a changelog brings them."""
        log = Rows(SPECS, MemoryStore())
        for name, held in self.committed.items():
            for key, row in held.items():
                log.apply(record(key=encode_key(name, key), value=SPEC[name].dump(row)))
        log.flush()
        self.store = log.store

    @initialize()
    def begin(self) -> None:
        self.committed: dict[str, dict[str, Row]] = {"small": {}, "large": {}}
        self.store = self.open_store()
        self.start()

    def start(self) -> None:
        self.tables = open_tables(SPECS, self.store, Cache(rows=4))
        self.now = {name: dict(held) for name, held in self.committed.items()}
        self.marked = {name: dict(held) for name, held in self.committed.items()}
        self.settled = 0
        self.taken = False

    @rule(name=names, key=keys, limit=st.integers(1, 9))
    def look_behind(self, name: str, key: str, limit: int) -> None:
        """Keys in order; a removed one may be among them."""
        found = self.tables[name].behind(key, 2 * len(KEYS))
        assert [each for each in found if each in self.now[name]] == sorted(e for e in self.now[name] if e > key)
        assert found == sorted(found)
        assert self.tables[name].behind(key, limit) == found[:limit]

    @rule(name=names, key=keys, value=values)
    def put(self, name: str, key: str, value: Row) -> None:
        self.tables[name][key] = value
        self.now[name][key] = value

    @rule(name=names, key=keys)
    def remove(self, name: str, key: str) -> None:
        assert self.tables[name].pop(key, None) == self.now[name].pop(key, None)

    @rule(name=names, key=keys)
    def look(self, name: str, key: str) -> None:
        assert self.tables[name].get(key) == self.now[name].get(key)
        assert (key in self.tables[name]) == (key in self.now[name])

    @rule()
    def keep(self) -> None:
        for table in self.tables.values():
            table.mark()
        self.marked = {name: dict(held) for name, held in self.now.items()}

    @rule()
    def undo(self) -> None:
        for table in self.tables.values():
            table.undo()
        self.now = {name: dict(held) for name, held in self.marked.items()}

    @rule(name=names, line=st.sampled_from(["", "r"]), before=st.integers(-10, 70), limit=st.integers(1, 9))
    def take_due(self, name: str, line: str, before: int, limit: int) -> None:
        """Exactly the rows that are due as the batch has made them; of committed ones that it has not touched, the
        earliest first.
        """
        due = {key: row.due[line] for key, row in self.now[name].items() if row.due.get(line, before) < before}
        untouched = self.now == self.committed and not (self.taken or any(t.dirty for t in self.tables.values()))
        self.taken = True
        found = self.tables[name].take_due(line, before, limit)
        assert set(found) <= due.keys()
        assert len(found) == len(set(found)) == min(limit, len(due))
        left = due.keys() - set(found)
        assert not untouched or not left or max((due[k] for k in found), default=0) <= min(due[k] for k in left)

    @rule()
    def commit(self) -> None:
        changes = {name: table.changes() for name, table in self.tables.items()}
        settle(self.tables, self.store, changes, deadlines(self.tables), mark(self.settled))
        self.committed = {name: dict(held) for name, held in self.now.items()}
        self.marked = {name: dict(held) for name, held in self.now.items()}
        self.settled += 1
        self.taken = False
        assert not any(table.dirty for table in self.tables.values())
        assert deadlines(self.tables) == Due()

    @rule()
    def take_back(self) -> None:
        """The batch failed: what it wrote and took for due is as it was."""
        take_back(self.tables, self.store)
        self.now = {name: dict(held) for name, held in self.committed.items()}
        self.marked = {name: dict(held) for name, held in self.committed.items()}
        self.taken = False

    @precondition(lambda self: not any(table.dirty for table in self.tables.values()))
    @rule()
    def skip(self) -> None:
        settle(self.tables, self.store, {}, deadlines(self.tables), None)
        self.taken = False

    @rule()
    def restart(self) -> None:
        self.reopen()
        self.start()

    @invariant()
    def rows_are_those_of_the_dict(self) -> None:
        for name, table in self.tables.items():
            assert dict(table) == self.now[name]
            if not table.dirty:
                assert {k: table.spec.load(v) for k, v in table.rows()} == self.committed[name]


TestMemory = TheSameAsADict.TestCase
TestMemory.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


@pytest.fixture
def stores(tmp_path: Path) -> RocksStores:
    return RocksStores(tmp_path, "app", 8)


class OnDisk(TheSameAsADict):
    """The same on disk, where a restart finds the folder as it was left."""

    stores: RocksStores
    number = 0

    def open_store(self) -> Store:
        OnDisk.number += 1
        return self.stores.open(f"t-{OnDisk.number}")

    def reopen(self) -> None:
        before = self.store.mark
        self.store.close()
        self.store = self.stores.open(f"t-{OnDisk.number}")
        assert self.store.mark == before or before is None

    def teardown(self) -> None:
        self.store.close()


def test_on_disk_it_is_the_same_as_a_dict(stores: RocksStores) -> None:
    OnDisk.stores = stores
    checks = settings(max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(OnDisk, settings=checks)


# Deadlines


def entry(at: int, key: str, line: str = "") -> Entry:
    return Entry("t", line, at, key)


@pytest.mark.parametrize("kind", ["memory", "rocks"])
def test_deadlines_come_in_order_and_only_those_of_the_line(kind: str, stores: RocksStores) -> None:
    store = MemoryStore() if kind == "memory" else stores.open("t-0")
    store.write({}, Due(add=[entry(30, "c"), entry(-10, "a"), entry(20, "b"), entry(5, "z", "r")]), None)
    assert store.due("t", "", -10, 9) == []
    assert store.due("t", "", 20, 9) == [entry(-10, "a")]
    assert store.due("t", "", 31, 1) == [entry(20, "b")]
    assert store.due("t", "", 31, 9) == [entry(30, "c")]
    assert store.due("t", "", 99, 9) == []
    store.write({}, Due(drop=[entry(-10, "a"), entry(20, "b"), entry(30, "c")], add=[entry(10, "b")]), None)
    assert store.due("t", "", 99, 9) == [entry(10, "b")]
    assert store.due("t", "r", 99, 9) == [entry(5, "z", "r")]
    store.close()


@pytest.mark.parametrize("way", ["in place of the one before", "ever earlier"])
def test_a_deadline_that_always_moves_on_takes_no_memory(way: str) -> None:
    store, times = MemoryStore(), 10_000
    tracemalloc.start()
    for at in range(times):
        if way == "ever earlier":
            store.write({}, Due(add=[entry(-at, "k")]), None)
        else:
            store.write({}, Due(add=[entry(at, "k")], drop=[entry(at - 1, "k")]), None)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken < 30 * times, "bytes: a tuple of two for each would be 56 and more"
    assert [each.key for each in store.due("t", "", times, 9)] == ["k"]


# Versions

V3: TableSpec[dict[str, int]] = TableSpec(
    "t",
    msgspec.json.encode,
    msgspec.json.decode,
    resident=False,
    version=3,
    upgrades=(lambda old: b'{"n":' + old + b"}", lambda old: old[:-1] + b',"due":{"":5}}'),
    due=lambda row: row["due"],
    due_since=3,
)


def envelope(due: bytes, row: bytes) -> bytes:
    """A row with its deadlines in front."""
    return len(due).to_bytes(4, "big") + due + row


def test_rows_of_every_older_version_are_upgraded_when_they_are_read() -> None:
    log = Rows([V3], MemoryStore())
    for key, value in (
        ("one", b"1"),
        ("two", b'\x02{"n":2}'),
        ("three", b"\x03" + envelope(b'{"":9}', b'{"n":3,"due":{"":9}}')),
    ):
        log.apply(record(key=encode_key("t", key), value=value))
    log.flush()
    table = CachedTable(V3, log.store, Cache())
    assert table.take_due("", 6, 9) == ["one", "two"], "deadlines of old rows too"
    assert dict(table) == {
        "one": {"n": 1, "due": {"": 5}},
        "two": {"n": 2, "due": {"": 5}},
        "three": {"n": 3, "due": {"": 9}},
    }
    table["one"] = {"n": 7, "due": {}}
    assert table.changes() == [("one", b"\x03" + envelope(b"{}", b'{"n":7,"due":{}}'))]


def test_a_newer_row_is_refused_with_what_this_program_reads() -> None:
    log = Rows([V3], MemoryStore())
    with pytest.raises(
        NewerState, match=r"t-0 at offset 8: a row of table 't' has version 4, this program reads up to 3"
    ):
        log.apply(record(key=encode_key("t", "k"), value=b"\x04{}", offset=8))


def test_the_version_of_bytes() -> None:
    assert [version_of(data) for data in (b"", b"{}", b"7", b"\0\0\1", b"\x02x", b"\x1fx")] == [1, 1, 1, 1, 2, 31]


@pytest.mark.parametrize(("version", "upgrades"), [(0, ()), (2, ()), (32, (bytes,) * 31), (1, (bytes,))])
def test_a_version_without_its_upgrades_is_refused(version: int, upgrades: tuple[Any, ...]) -> None:
    with pytest.raises(ValueError, match="each but the first needs an upgrade"):
        TableSpec("t", bytes, bytes, version=version, upgrades=upgrades)


# Marks


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({}, None),
        ({"offset": 11}, "the changelog ends at 10: that was made anew"),
        ({"check": 1}, "the changelog begins at 2"),
        ({"written": 1000 - 25 * 3_600_000}, "it was written 25.0 h ago, and removals are kept for 24 h"),
        ({"written": 1000 + 2 * 3_600_000}, "it was written -2.0 h ago"),
        ({"versions": {"t": 1}}, "another version of the program"),
    ],
)
def test_a_store_is_caught_up_only_when_the_changelog_has_all_it_missed(
    fields: dict[str, Any], why: str | None
) -> None:
    log = Changelog(None, None, begin=2, end=10, stable=10)
    found = outdated(mark(**{"versions": {"t": 2}, **fields}), log, {"t": 2}, 1000)
    assert (found or "").find(why or "") >= 0
    assert (found is None) == (why is None)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.integers(-3000, 9000), st.sampled_from("abcdefgh")),
        st.tuples(st.integers(-3000, 9000), st.integers(1, 5)),
    ),
    max_size=120,
)


@given(steps=STEPS)
def test_deadlines_are_found_in_order_each_once_by_the_earliest_that_was_entered(
    steps: list[tuple[int, str | int]],
) -> None:
    """Held against a plain mapping of what is entered."""
    order, entered = Order(), dict[str, int]()
    for at, what in steps:
        if isinstance(what, str):
            order.enter(at, what)
            entered[what] = min(at, entered.get(what, at))
        else:
            due = sorted((then, key) for key, then in entered.items() if then < at)[:what]
            assert order.take(at, what) == due
            for _, key in due:
                del entered[key]
    assert order.take(10_000, 1000) == sorted((then, key) for key, then in entered.items())


def test_what_is_out_of_date_does_not_grow_without_bound() -> None:
    order = Order()
    for turn in range(5_000):
        order.enter(10_000_000 - turn, "one")
    assert order._number <= 2 + 1000
    assert order.take(10_000_001, 5) == [(10_000_000 - 4_999, "one")]


class Seen(dict[str, int]):
    """Counts how often all keys are gone through."""

    times = 0

    def __iter__(self) -> Iterator[str]:
        self.times += 1
        return super().__iter__()


@settings(max_examples=100)
@given(st.sets(st.text("abc", min_size=1, max_size=3)), st.lists(st.tuples(st.text("abc", min_size=1), st.booleans())))
def test_who_goes_through_all_keys_in_portions_sorts_them_once(keys: set[str], changes: list[tuple[str, bool]]) -> None:
    rows, ordered, at, found = Seen(dict.fromkeys(keys, 0)), Ordered(), "", list[str]()
    for key, comes in [*changes, *[("", False)] * (len(keys) + 1)]:
        some = ordered.behind(rows, at, 1)
        assert some == sorted(each for each in dict.keys(rows) if each > at)[:1]
        if not some:
            break
        found, at = [*found, *some], some[-1]
        if comes:
            ordered.add(key)
            rows[key] = 0
        else:
            rows.pop(key, None)
    assert rows.times == 1
    assert found == sorted(set(found))
