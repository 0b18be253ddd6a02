"""The embedded broker's jars: named by ``deploy/kafka/pom.xml``, copied by Maven into an ignored folder, once, and
compared with the checksums beside it: Maven itself compares a jar only with what the same mirror says of it.
"""

import fcntl
import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from streams.base.errors import BrokerError

CHECKSUMS = "jars.sha256"
MAVEN_TIMEOUT = 600.0
"""Seconds for a first download (43 MB) over a slow line."""


def ensure_jars(pom: Path, folder: Path, say: Callable[[str], None]) -> Path:
    """Return ``folder`` with the jars of ``pom``, which are fetched when it is absent or was made from another ``pom``
    or other checksums.

    Several processes may ask at once: one fetches, the others wait.

    Raises:
        BrokerError: Maven is missing or failed, or a jar is not the one whose checksum is noted.
    """
    known = checksums(pom)
    wanted = hashlib.sha256(pom.read_bytes() + known.encode()).hexdigest()
    stamp = folder / "stamp"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text() == wanted and not _differences(known, sums(folder)):
            return folder  # those that lie there are looked at with every start: 40 ms
        say("fetching the broker's jars with Maven (once)")
        fresh = folder.with_name(f"{folder.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        _copy_dependencies(pom, fresh)
        if differences := _differences(known, sums(fresh)):
            raise BrokerError(
                f"the broker's jars are not those that {CHECKSUMS} names: {differences}. Do not use them before you "
                "know why; after a change of pom.xml `make jars-lock` notes the new ones"
            )
        (fresh / "stamp").write_text(wanted)
        shutil.rmtree(folder, ignore_errors=True)
        fresh.rename(folder)
    return folder


def checksums(pom: Path) -> str:
    """What is noted beside a pom, as ``sha256sum`` writes it. Raises `BrokerError` when nothing is."""
    try:
        return pom.with_name(CHECKSUMS).read_text()
    except OSError as error:
        raise BrokerError(
            f"{pom.with_name(CHECKSUMS).name} cannot be read ({error.strerror}): `make jars-lock`"
        ) from error


def sums(folder: Path) -> str:
    """The checksums of all jars of a folder, as ``sha256sum`` writes them."""
    jars = sorted(folder.glob("*.jar"))
    return "".join(f"{hashlib.sha256(jar.read_bytes()).hexdigest()}  {jar.name}\n" for jar in jars)


def _differences(known: str, found: str) -> str:
    expected, actual = _by_name(known), _by_name(found)
    said = {
        "changed": sorted(name for name in expected.keys() & actual.keys() if expected[name] != actual[name]),
        "missing": sorted(expected.keys() - actual.keys()),
        "new": sorted(actual.keys() - expected.keys()),
    }
    return "; ".join(f"{what}: {', '.join(names)}" for what, names in said.items() if names)


def _by_name(text: str) -> dict[str, str]:
    return {name: digest for digest, name in (line.split("  ") for line in text.splitlines())}


def lock(pom: Path) -> None:
    """Fetch the jars anew and note their checksums. Raises `BrokerError`."""
    with tempfile.TemporaryDirectory() as folder:
        _copy_dependencies(pom, Path(folder))
        pom.with_name(CHECKSUMS).write_text(sums(Path(folder)))


def class_archive(java: str, jars: Path, folder: Path) -> list[str]:
    """JVM options for class data sharing: with an archive of parsed classes a start takes half the time.

    A broker that finds none writes one into its ``folder`` when it stops; `keep_class_archive` moves it to the jars.
    """
    # Another Java would reject the archive, so its binary is part of the name.
    real = Path(java).resolve()
    name = hashlib.sha256(f"{real}:{real.stat().st_mtime_ns}".encode()).hexdigest()[:12]
    archive = jars / f"{name}.jsa"
    if archive.exists():
        return [f"-XX:SharedArchiveFile={archive}", "-Xshare:auto"]
    return [f"-XX:ArchiveClassesAtExit={folder / archive.name}"]


def keep_class_archive(folder: Path, jars: Path) -> None:
    """Move an archive that a stopped broker left in ``folder`` to the ``jars``, for the next start of any broker."""
    for archive in folder.glob("*.jsa"):
        shutil.move(archive, jars / archive.name)


def _copy_dependencies(pom: Path, folder: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise BrokerError(
            "Maven is not on the PATH; it fetches the broker's jars. Debian/Ubuntu: apt-get install maven"
        )
    command = [
        maven,
        "-q",
        "-B",
        "-f",
        str(pom),
        "dependency:copy-dependencies",
        "-DincludeScope=runtime",
        f"-DoutputDirectory={folder}",
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=MAVEN_TIMEOUT, check=False)
    except subprocess.TimeoutExpired as error:
        raise BrokerError(f"Maven did not finish within {MAVEN_TIMEOUT:.0f} s; is the network there?") from error
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip()[-2000:]
        raise BrokerError(f"Maven could not fetch the jars of {pom.name} (exit code {done.returncode}):\n{said}")


if __name__ == "__main__":
    lock(Path(sys.argv[1]))
