"""The embedded broker's jars: named by ``deploy/kafka/pom.xml``, copied by Maven into an ignored folder, once."""

import fcntl
import hashlib
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from streams.ops.errors import BrokerError

MAVEN_TIMEOUT = 600.0
"""Seconds for a first download (43 MB) over a slow line."""


def ensure_jars(pom: Path, folder: Path, say: Callable[[str], None]) -> Path:
    """Return ``folder`` with the jars of ``pom``, which are fetched when it is absent or was made from another ``pom``.

    Several processes may ask at once: one fetches, the others wait.

    Raises:
        BrokerError: Maven is missing or failed.
    """
    wanted = hashlib.sha256(pom.read_bytes()).hexdigest()
    stamp = folder / "stamp"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text() == wanted:
            return folder
        say("fetching the broker's jars with Maven (once)")
        fresh = folder.with_name(f"{folder.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        _copy_dependencies(pom, fresh)
        (fresh / "stamp").write_text(wanted)
        shutil.rmtree(folder, ignore_errors=True)
        fresh.rename(folder)
    return folder


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
