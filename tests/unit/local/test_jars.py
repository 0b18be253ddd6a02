"""The broker's jars are those whose checksums are noted, or no broker starts."""

import hashlib
from pathlib import Path

import pytest

from streams.base.errors import BrokerError
from streams.local import jars

ROOT = Path(__file__).resolve().parents[3]


def fetched(monkeypatch: pytest.MonkeyPatch, **contents: bytes) -> None:
    def copy(pom: Path, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            (folder / f"{name}.jar").write_bytes(content)

    monkeypatch.setattr(jars, "_copy_dependencies", copy)


def test_jars_that_differ_are_refused_and_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pom = tmp_path / "pom.xml"
    pom.write_text("<project/>")
    fetched(monkeypatch, a=b"one", b=b"two")
    with pytest.raises(BrokerError, match=r"jars\.sha256 cannot be read"):
        jars.ensure_jars(pom, tmp_path / "jars", print)
    jars.lock(pom)
    assert (tmp_path / "jars.sha256").read_text().splitlines()[0] == f"{hashlib.sha256(b'one').hexdigest()}  a.jar"
    assert jars.ensure_jars(pom, tmp_path / "jars", print) == tmp_path / "jars"
    pom.write_text("<project></project>")  # fetched anew
    fetched(monkeypatch, a=b"one", b=b"twO", c=b"three")
    with pytest.raises(BrokerError, match=r"changed: b\.jar; new: c\.jar\. Do not use them"):
        jars.ensure_jars(pom, tmp_path / "jars", print)
    fetched(monkeypatch, a=b"one")
    with pytest.raises(BrokerError, match=r"missing: b\.jar"):
        jars.ensure_jars(pom, tmp_path / "jars", print)
    assert (tmp_path / "jars" / "b.jar").read_bytes() == b"two", "what was there stays"


def test_a_jar_that_was_changed_since_is_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pom = tmp_path / "pom.xml"
    pom.write_text("<project/>")
    fetched(monkeypatch, a=b"one")
    jars.lock(pom)
    jars.ensure_jars(pom, tmp_path / "jars", print)
    said: list[str] = []
    for name, content in (("a.jar", b"another"), ("added.jar", b"more")):
        (tmp_path / "jars" / name).write_bytes(content)
        jars.ensure_jars(pom, tmp_path / "jars", said.append)
        assert {each.name for each in (tmp_path / "jars").glob("*.jar")} == {"a.jar"}
        assert (tmp_path / "jars" / "a.jar").read_bytes() == b"one"
    assert len(said) == 2
    jars.ensure_jars(pom, tmp_path / "jars", said.append)
    assert len(said) == 2, "nothing is fetched while nothing has changed"


def test_the_list_is_one_of_jars_with_their_checksums() -> None:
    lines = (ROOT / "deploy/kafka/jars.sha256").read_text().splitlines()
    assert all(len(line.split("  ")[0]) == 64 and line.endswith(".jar") for line in lines)
    assert any("kafka_2.13-4.3.1.jar" in line for line in lines)
