"""Where a worker keeps its state, and what is said when it cannot."""

from pathlib import Path
from typing import Any

import pytest

from streams import settings as s
from streams.engine.rocks import RocksStores
from streams.engine.store import MemoryStores
from streams.worker.storage import StorageError, storage


def test_memory_unless_the_settings_say_otherwise(tmp_path: Path) -> None:
    assert isinstance(storage(s.load()).stores, MemoryStores)
    found = storage(s.load(store="rocksdb", state_dir=tmp_path, worker_name="w1", topic_prefix="p.", cache_rows=700))
    assert isinstance(found.stores, RocksStores)
    assert (found.stores.folder, found.cache.rows) == (tmp_path / "w1" / "p.contact-streams", 700)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"worker_name": "w1"}, "store = rocksdb needs CONTACT_STREAMS_STATE_DIR"),
        (
            {"state_dir": "{tmp}"},
            "store = rocksdb needs CONTACT_STREAMS_WORKER_NAME: the state lies in a folder of that name",
        ),
        (
            {"state_dir": "{tmp}/file", "worker_name": "w1"},
            r"CONTACT_STREAMS_STATE_DIR = .*/file: .*/file/w1 cannot be written to: .*Not a directory",
        ),
    ],
)
def test_what_is_missing_is_named_before_anything_starts(given: dict[str, Any], why: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    settings = s.load(store="rocksdb", **{name: value.format(tmp=tmp_path) for name, value in given.items()})
    with pytest.raises(StorageError, match=why):
        storage(settings)
