"""Files and folders that only their owner reads: state, logs and broker data hold what customers wrote."""

import logging
import os
import stat
from pathlib import Path
from typing import BinaryIO, Literal

log = logging.getLogger(__name__)

UMASK = 0o077
FOLDER = 0o700
FILE = 0o600


def private_folder(folder: Path) -> Path:
    """Make it, with parents, and take from everybody else what they may do with it and with all it holds.

    Raises `OSError` when it cannot be made; what cannot be closed is said in the log.
    """
    folder.mkdir(mode=FOLDER, parents=True, exist_ok=True)
    _close(folder)
    for root, folders, files in os.walk(folder):
        for name in (*folders, *files):
            _close(Path(root) / name)
    return folder


def private_file(path: Path, mode: Literal["wb", "ab"]) -> BinaryIO:
    """A file opened for writing that nobody else may read; an existing one is closed to them."""
    path.touch(FILE)
    path.chmod(FILE)
    return path.open(mode)


def _close(path: Path) -> None:
    try:
        now = path.lstat().st_mode
        if not stat.S_ISLNK(now) and now & UMASK:
            path.chmod(stat.S_IMODE(now) & ~UMASK)
    except FileNotFoundError:
        pass  # deleted meanwhile
    except OSError as error:
        log.warning("%s is open to other users of this machine, and stays so: %s", path, error.strerror)
