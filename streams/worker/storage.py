"""Where a worker keeps its state, from the settings."""

import tempfile

from streams.base.errors import UserError
from streams.engine import Cache, MemoryStores, Storage, Stores
from streams.engine.rocks import RocksStores
from streams.local.private import private_folder
from streams.settings import Settings, variable


class StorageError(UserError):
    """The state cannot be kept where the settings say; the message says why and what to set."""


def storage(settings: Settings) -> Storage:
    """The stores and the cache of one worker. Raises `StorageError`."""
    stores: Stores = MemoryStores() if settings.store == "memory" else _on_disk(settings)
    return Storage(stores, Cache(settings.cache_rows))


def _on_disk(settings: Settings) -> RocksStores:
    folder = settings.state_dir
    if folder is None:
        raise StorageError(
            f"store = rocksdb needs {variable('state_dir')}: a folder on a disk that outlives the worker"
        )
    if "worker_name" not in settings.model_fields_set:
        raise StorageError(
            f"store = rocksdb needs {variable('worker_name')}: the state lies in a folder of that name, and the "
            "default has the process id in it, so that a restart would not find it"
        )
    root = folder / settings.worker_name
    try:
        private_folder(root)
        with tempfile.TemporaryFile(dir=root):
            pass
    except OSError as error:
        raise StorageError(f"{variable('state_dir')} = {folder}: {root} cannot be written to: {error}") from error
    return RocksStores(root, settings.group, settings.block_cache_mib)
