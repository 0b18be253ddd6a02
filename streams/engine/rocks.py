"""The store on disk: one RocksDB per task.

The changelog is the log, so RocksDB writes none of its own: what a crash takes was not flushed yet and is read again.
Rows, deadlines and mark lie in one column family, whose flushes keep the order of writes, so after a crash the folder
holds the state at some earlier commit, with that commit's mark. Keys::

    <table> 00 <key>                                          a row, as in the changelog
    00 "due" 00 <table> 00 <line> 00 <ms, 8 bytes> <key>      a deadline, in order of time
    00 "mark"                                                 the mark, JSON
"""

import contextlib
import logging
import shutil
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
from rocksdict import (
    AccessType,
    BlockBasedIndexType,
    BlockBasedOptions,
    Cache,
    DBCompressionType,
    Options,
    Rdict,
    WriteBatch,
    WriteBufferManager,
    WriteOptions,
)

from streams.engine.errors import StoreError, StoreInUse
from streams.engine.store import FORMAT, Due, Entry, Mark, Rows, Store

log = logging.getLogger(__name__)

_MARK = b"\0mark"
_DUE = "\0due\0"
_SIGN = 1 << 63
FLUSH_SECONDS = 60.0
"""How often what is in memory goes to disk at least: what a crash costs to read again."""
REWRITTEN_SECONDS = 24 * 3600
"""A file that is older is written anew, without what was replaced or removed since."""
_TRANSIENT = ("No space left", "Permission denied", "Read-only file system", "Too many open files", "Cannot allocate")
"""Errors that say nothing of the folder's content."""

_decode_mark = msgspec.json.Decoder(Mark).decode


def _due_key(prefix: bytes, at: int, key: str = "") -> bytes:
    return prefix + (at + _SIGN).to_bytes(8, "big") + key.encode()


@lru_cache(maxsize=1000)
def _due_prefix(table: str, line: str) -> bytes:
    return f"{_DUE}{table}\0{line}\0".encode()


class RocksStore:
    """A task's rows in a folder. Use `RocksStores.open`, or `read` for a look at one that nobody has open."""

    def __init__(self, path: Path, options: Options, access: AccessType | None = None) -> None:
        """Raises `StoreInUse`, `StoreError`."""
        self.path = path
        self.spoilt = False
        """Is the content damaged? It is removed when the store is closed."""
        self._floors: dict[bytes, bytes] = {}
        """Prefix of deadlines → no entry lies below this key: what is not due yet is not looked for again."""
        self._writing = WriteOptions()
        self._writing.disable_wal = True  # type: ignore[method-assign,assignment]  # its stub has it as a method
        self._flushed = time.monotonic()
        try:
            self._db = Rdict(str(path), options, access_type=access or AccessType.read_write())
        except Exception as error:
            if "lock" in str(error).lower():
                raise StoreInUse(
                    f"{path} is in use by another worker or another task; give each worker a worker_name of its own"
                ) from error
            self.spoilt = _damaged(error)
            raise self._failed(error) from error
        self.mark = self._read_mark()
        self._merges = True
        if access is None:
            self._set("periodic_compaction_seconds", str(REWRITTEN_SECONDS))
        if access is None and self.mark is None:
            self._merge(on=False)

    def _merge(self, *, on: bool) -> None:
        """Does RocksDB merge files in the background? Not while a whole changelog is read: it would merge the same rows
        again and again.
        """
        self._set("disable_auto_compactions", "false" if on else "true")
        self._merges = on

    def _set(self, option: str, value: str) -> None:
        try:
            self._db.set_options({option: value})
        except Exception as error:
            raise self._failed(error) from error

    @classmethod
    def read(cls, path: Path) -> "RocksStore":
        """The store of a worker that has stopped, to read only. Raises `StoreError`, `StoreInUse`."""
        if not (path / "CURRENT").is_file():
            raise StoreError(f"{path} holds no store: it has no file CURRENT")
        return cls(path, Options(raw_mode=True), AccessType.read_only())

    def _read_mark(self) -> Mark | None:
        data = self._get(_MARK)
        if data is None:
            return None
        with contextlib.suppress(msgspec.DecodeError):
            mark = _decode_mark(data)
            if mark.format == FORMAT:
                return mark
        return None

    def empty(self) -> bool:
        """Does it hold nothing at all?"""
        return next(self._from(b""), None) is None

    def get(self, table: str, key: str) -> bytes | None:
        return self._get(f"{table}\0{key}".encode())

    def _get(self, raw: bytes) -> bytes | None:
        try:
            data: bytes | None = self._db.get(raw)
        except Exception as error:
            raise self._failed(error) from error
        return data

    def scan(self, table: str) -> Iterator[tuple[str, bytes]]:
        prefix = f"{table}\0".encode()
        for raw, value in self._from(prefix):
            if not raw.startswith(prefix):
                return
            yield raw[len(prefix) :].decode(), value

    def behind(self, table: str, key: str, limit: int) -> list[str]:
        found, prefix = list[str](), f"{table}\0".encode()
        for raw, _ in self._from(prefix + key.encode() + b"\0"):
            if len(found) >= limit or not raw.startswith(prefix):
                break
            found.append(raw[len(prefix) :].decode())
        return found

    def tables(self) -> list[str]:
        """Names of the tables that have rows."""
        found: list[str] = []
        at = b"\1"
        while (row := next(self._from(at), None)) is not None:
            name = row[0].partition(b"\0")[0]
            found.append(name.decode())
            at = name + b"\1"
        return found

    def _from(self, start: bytes) -> Iterator[tuple[bytes, bytes]]:
        try:
            found = self._db.iter()
            found.seek(start)
            while found.valid():
                yield found.key(), found.value()
                found.next()
            found.status()
        except GeneratorExit:
            raise
        except Exception as error:
            raise self._failed(error) from error

    def release(self, table: str) -> None:
        """The disk keeps what memory holds too: it is read from there at the next start."""

    def write(self, rows: Rows, due: Due, mark: Mark | None) -> None:
        batch = WriteBatch(raw_mode=True)
        put, delete, floors = batch.put, batch.delete, self._floors
        for table, changes in rows.items():
            name = f"{table}\0".encode()
            for key, value in changes:
                if value is None:
                    delete(name + key.encode())
                else:
                    put(name + key.encode(), value)
        for table, line, at, key in due.drop:
            delete(_due_key(_due_prefix(table, line), at, key))
        for table, line, at, key in due.add:
            prefix = _due_prefix(table, line)
            raw = _due_key(prefix, at, key)
            put(raw, b"")
            if floors and raw < floors.get(prefix, b""):
                floors[prefix] = raw
        if mark is not None:
            put(_MARK, msgspec.json.encode(mark))
        try:
            self._db.write(batch, self._writing)
            if time.monotonic() - self._flushed > FLUSH_SECONDS:
                self._db.flush(wait=False)
                self._flushed = time.monotonic()
        except Exception as error:
            raise self._failed(error) from error
        if mark is not None and not self._merges:
            self._merge(on=True)
        self.mark = mark or self.mark

    def due(self, table: str, line: str, before: int, limit: int) -> list[Entry]:
        prefix = _due_prefix(table, line)
        until, floor = _due_key(prefix, before), self._floors.get(prefix, prefix)
        if floor >= until:
            return []
        entries, size = list[Entry](), len(prefix)
        for raw, _ in self._from(floor):
            if raw >= until or len(entries) == limit:
                # The first one that stays; behind the last of this line begins what is not ours.
                floor = raw if raw.startswith(prefix) else _due_key(prefix, _SIGN - 1)
                break
            at = int.from_bytes(raw[size : size + 8], "big") - _SIGN
            entries.append(Entry(table, line, at, raw[size + 8 :].decode()))
        else:
            floor = _due_key(prefix, _SIGN - 1)
        self._floors[prefix] = floor
        return entries

    def close(self) -> None:
        """Flushes, so that the next start has little to read; a damaged store is removed instead."""
        try:
            if not self.spoilt:
                self._db.flush(wait=True)
        except Exception as error:  # noqa: BLE001 - the changelog has what could not be written
            log.warning("%s: the last changes could not be written (%s); they are read again", self.path, error)
        try:
            self._db.close()
        except Exception as error:  # noqa: BLE001
            log.warning("%s did not close cleanly: %s", self.path, error)
        if self.spoilt:
            shutil.rmtree(self.path, ignore_errors=True)

    def _failed(self, error: Exception) -> StoreError:
        self.spoilt = self.spoilt or "Corruption" in str(error)
        return StoreError(f"the store {self.path} cannot be read or written: {error}")


def _damaged(error: Exception) -> bool:
    return not any(sign in str(error) for sign in _TRANSIENT)


class RocksStores:
    """Opens the stores of a worker, ``<root>/<app>/<inlet>-<partition>``; their caches and buffers share one limit."""

    def __init__(self, root: Path, app_id: str, block_cache_mib: int = 64) -> None:
        self.folder = root / app_id
        cache = Cache(block_cache_mib << 20)
        table = BlockBasedOptions()
        table.set_block_cache(cache)
        table.set_block_size(8 << 10)
        table.set_bloom_filter(10, block_based=False)
        # Index and filters count in the limit too, so they come in small blocks: large ones would push each other out.
        table.set_cache_index_and_filter_blocks(True)
        table.set_index_type(BlockBasedIndexType.two_level_index_search())
        table.set_partition_filters(True)
        table.set_metadata_block_size(4 << 10)
        table.set_pin_top_level_index_and_filter(True)
        table.set_format_version(5)
        options = Options(raw_mode=True)
        options.create_if_missing(True)
        options.set_block_based_table_factory(table)
        # Buffers for writes are counted in the cache's limit; a third of it is enough for every task to flush in turn.
        buffers = (block_cache_mib << 20) // 3
        options.set_write_buffer_manager(WriteBufferManager.new_write_buffer_manager_with_cache(buffers, False, cache))
        options.set_write_buffer_size(8 << 20)
        options.set_max_write_buffer_number(3)
        options.set_arena_block_size(256 << 10)
        options.set_target_file_size_base(16 << 20)
        options.set_max_bytes_for_level_base(64 << 20)
        # A restored store begins with many files that are still to be merged; that is no reason to hold up writes.
        options.set_level_zero_slowdown_writes_trigger(200)
        options.set_level_zero_stop_writes_trigger(400)
        options.set_compression_type(DBCompressionType.lz4())
        options.set_max_open_files(128)
        options.set_max_background_jobs(2)
        options.set_keep_log_file_num(2)
        options.set_max_log_file_size(1 << 20)
        options.set_stats_dump_period_sec(0)
        self._options = options

    def open(self, task: str) -> Store:
        """See `Stores`; a folder that cannot be used is given up."""
        path = self.folder / task
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"the store {path} cannot be made: {error}") from error
        try:
            store = RocksStore(path, self._options)
        except StoreInUse:
            raise
        except StoreError as error:
            if not _damaged(error):
                raise
            return self._empty(path, str(error))
        if store.mark is None and not store.empty():
            return self.anew(task, store, "it has no mark that this program can read")
        return store

    def anew(self, task: str, store: Store, why: str) -> Store:
        store.close()
        return self._empty(self.folder / task, why)

    def _empty(self, path: Path, why: Any) -> RocksStore:
        log.warning("%s is given up and the whole changelog is read: %s", path, why)
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True, exist_ok=True)
        return RocksStore(path, self._options)
