"""The store on disk: folders that cannot be used, disks that fail, and when files are merged."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from streams.engine.errors import StoreError, StoreInUse
from streams.engine.rocks import RocksStore, RocksStores
from streams.engine.store import Due, Entry, Mark
from tests.support.records import mark


@pytest.fixture
def stores(tmp_path: Path) -> RocksStores:
    return RocksStores(tmp_path, "app", 8)


def test_a_folder_in_use_is_named(stores: RocksStores, tmp_path: Path) -> None:
    store = stores.open("t-0")
    with pytest.raises(StoreInUse, match=r"app/t-0 is in use by another worker or another task"):
        stores.open("t-0")
    store.close()
    stores.open("t-0").close()


@pytest.mark.parametrize("damage", ["current", "manifest", "tables", "rows without a mark"])
def test_a_damaged_folder_is_given_up(
    damage: str, stores: RocksStores, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = stores.open("t-0")
    rows = {"t": [(f"k{n}", os.urandom(100)) for n in range(1000)]}
    store.write(rows, Due(), None if damage == "rows without a mark" else mark())
    store.close()
    folder = tmp_path / "app" / "t-0"
    if damage == "current":
        (folder / "CURRENT").write_text("nonsense\n")
    for file in folder.glob({"manifest": "MANIFEST-*", "tables": "*.sst"}.get(damage, "nothing")):
        file.write_bytes(b"\0" * 100)
    store = stores.open("t-0")
    if damage == "tables" and store.mark is not None:  # found out when it is read
        with pytest.raises(StoreError, match="Corruption"):
            list(store.scan("t"))
        store.close()
        store = stores.open("t-0")
    assert (store.mark, list(store.scan("t"))) == (None, [])
    assert damage == "tables" or "is given up and the whole changelog is read" in caplog.text
    store.close()


def test_a_store_is_read_while_nobody_has_it_open(stores: RocksStores, tmp_path: Path) -> None:
    store = stores.open("t-0")
    store.write({"a": [("k", b"1")], "b": [("x", b"2"), ("y", b"3")]}, Due(add=[Entry("t", "", 1, "k")]), mark())
    store.close()
    seen = RocksStore.read(tmp_path / "app" / "t-0")
    assert (seen.tables(), seen.mark, dict(seen.scan("b"))) == (["a", "b"], mark(), {"x": b"2", "y": b"3"})
    seen.close()
    with pytest.raises(StoreError, match="holds no store"):
        RocksStore.read(tmp_path)


FULL = """
import resource, signal, sys
from pathlib import Path
from streams.engine.errors import StoreError
from streams.engine.rocks import RocksStores
from streams.engine.store import Due, Mark
import os
store = RocksStores(Path(sys.argv[1]), "app", 8).open("t-0")
mark = lambda n: Mark(n, n, {}, "s", 0, {})
store.write({"t": [("k", b"kept")]}, Due(), mark(1))
store.close()
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, resource.RLIM_INFINITY))
store = RocksStores(Path(sys.argv[1]), "app", 8).open("t-0")
try:
    for n in range(2, 200):
        store.write({"t": [(f"k{n}-{i}", os.urandom(1000)) for i in range(1000)]}, Due(), mark(n))
except StoreError as error:
    print("failed:", error)
store.close()
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
store = RocksStores(Path(sys.argv[1]), "app", 8).open("t-0")
print("stands at", store.mark.offset, store.get("t", "k"), sum(1 for _ in store.scan("t")))
store.close()
"""


def test_a_disk_that_fails_costs_nothing_that_was_written_before(tmp_path: Path) -> None:
    """Files cannot grow beyond 1 MiB: writes fail by and by, with the folder named, and the mark stays behind the rows."""
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, timeout=120, check=True
    )
    failed, stands = done.stdout.splitlines()
    assert failed.startswith(f"failed: the store {tmp_path}/app/t-0 cannot be read or written: ")
    offset, rest = stands.removeprefix("stands at ").split(" ", 1)
    kept, count = rest.rsplit(" ", 1)
    assert kept == "b'kept'"
    assert int(count) == 1 + 1000 * (int(offset) - 1), "the rows are those of the mark"


def files(store: RocksStore) -> int:
    return int(store._db.property_int_value("rocksdb.num-files-at-level0") or 0)


def write_files(store: RocksStore, marked: Mark | None) -> None:
    """Ten files, each with rows of the same keys; left to itself, RocksDB writes several changes into one when it is
    behind."""
    for _ in range(10):
        store.write({"t": [(f"k{n}", os.urandom(1000)) for n in range(100)]}, Due(), marked)
        store._db.flush()


def test_files_are_merged_from_the_first_mark_on(stores: RocksStores) -> None:
    """Not while a whole changelog is read, which has no mark; a store that is only continued merges all the time."""
    store = stores.open("t-0")
    assert isinstance(store, RocksStore)
    write_files(store, None)
    assert files(store) == 10  # more than RocksDB lets lie unmerged
    store.write({}, Due(), mark())
    becomes(lambda: files(store) < 4)
    store.close()
    store = stores.open("t-0")
    assert isinstance(store, RocksStore)
    write_files(store, mark())
    becomes(lambda: files(store) < 4)
    assert store.get("t", "k99") is not None
    store.close()


def becomes(true: Callable[[], bool], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "files were not merged in time"
        time.sleep(0.02)
