"""What holds personal data is its owner's alone."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.local.private import private_file, private_folder
from streams.settings import load
from streams.worker.storage import storage


@pytest.fixture(autouse=True)
def _everybody_reads() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_what_is_there_is_closed_and_links_are_left_alone(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("not ours")
    deep = tmp_path / "state" / "w1" / "app" / "track-0"
    deep.mkdir(parents=True)
    (deep / "000012.sst").write_text("rows")
    (deep / "run").write_text("")
    (deep / "run").chmod(0o777)
    (deep / "link").symlink_to(outside)
    assert private_folder(tmp_path / "state" / "w1") == tmp_path / "state" / "w1"
    assert {mode(each) for each in (deep, deep.parent, deep.parent.parent)} == {0o700}
    assert mode(deep / "000012.sst") == 0o600
    assert mode(deep / "run") == 0o700
    assert mode(outside) == 0o644
    assert mode(tmp_path / "state") == 0o755, "others may have theirs beside it"


def test_a_new_folder_and_its_files(tmp_path: Path) -> None:
    folder = private_folder(tmp_path / "a" / "b")
    with private_file(folder / "log", "ab") as file:
        file.write(b"one")
    (folder / "log").chmod(0o666)
    with private_file(folder / "log", "ab") as file:
        file.write(b"two")
    assert (folder / "log").read_bytes() == b"onetwo"
    assert (mode(folder), mode(folder / "log")) == (0o700, 0o600)


def test_the_state_of_a_worker(tmp_path: Path) -> None:
    found = tmp_path / "w1" / "rows"
    found.parent.mkdir()
    found.write_text("of a version that did not close it")
    storage(load(store="rocksdb", state_dir=tmp_path, worker_name="w1"))
    assert (mode(tmp_path / "w1"), mode(found)) == (0o700, 0o600)


def test_what_cannot_be_closed_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    (tmp_path / "file").write_text("")
    monkeypatch.setattr(Path, "chmod", refuse)
    private_folder(tmp_path)
    assert f"{tmp_path / 'file'} is open to other users of this machine" in caplog.text
