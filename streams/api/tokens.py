"""Bearer tokens: a file with a line for each, as a hash. A token is shown once, when it is made, and kept nowhere.

A token has 256 bits of chance, so its SHA-256 says nothing of it, and nothing slower is needed.
"""

import hmac
import json
import logging
import secrets
import stat
import time
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from streams.api.who import Denied, Role, Who
from streams.base.errors import UserError
from streams.base.times import DAY_MS, iso, to_ms
from streams.local.private import private_file

log = logging.getLogger(__name__)

MARK = "cst_"
LOOK_SECONDS = 1.0
"""Between two looks whether the file has changed."""
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,99}$")]


class TokensError(UserError):
    """The file cannot be used; the message says where and why."""


class Entry(BaseModel):
    """A line of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    role: Role
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    created: str
    expires: str = Field(description="RFC 3339")

    @property
    def until(self) -> int:
        """When it expires, ms."""
        return to_ms(self.expires)


def make(path: Path, name: str, role: Role, days: float, now: int) -> str:
    """A new token, its hash appended to the file. Raises `TokensError`."""
    token = MARK + secrets.token_urlsafe(32)
    try:
        entry = Entry(
            name=name, role=role, sha256=_hash(token), created=iso(now), expires=iso(now + int(days * DAY_MS))
        )
    except ValidationError as error:
        raise TokensError(
            f"--name {name!r}: up to 100 of a-z, A-Z, 0-9, ., _, @ and -, beginning with a letter or digit"
        ) from error
    if any(each.name == name and each.until > now for each in entries(path)):
        raise TokensError(f"{path} has a token with the name {name!r} already; `contact-streams serve revoke` ends it")
    try:
        with private_file(path, "ab") as file:
            file.write(orjson.dumps(entry.model_dump()) + b"\n")
    except OSError as error:
        raise TokensError(f"{path} cannot be written: {error.strerror}") from error
    return token


def revoke(path: Path, name: str) -> int:
    """Take the tokens of this name out of the file; how many there were. Raises `TokensError`."""
    known = entries(path)
    kept = [each for each in known if each.name != name]
    if len(kept) < len(known):
        fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        with private_file(fresh, "wb") as file:
            file.write(b"".join(orjson.dumps(each.model_dump()) + b"\n" for each in kept))
        fresh.replace(path)
    return len(known) - len(kept)


def entries(path: Path) -> list[Entry]:
    """What the file holds; none where there is no file. Raises `TokensError` for the first line that is not one."""
    found, mistakes = _read(path)
    if mistakes:
        raise TokensError(mistakes[0])
    return found


def _read(path: Path) -> tuple[list[Entry], list[str]]:
    try:
        if path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise TokensError(f"{path} may be written by others, who could let themselves in: chmod 600 {path}")
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return [], []
    except (OSError, UnicodeDecodeError) as error:
        raise TokensError(f"{path} cannot be read: {error}") from error
    found, mistakes = [], []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            entry = Entry.model_validate(json.loads(line))
            to_ms(entry.expires)
            found.append(entry)
        except ValueError:
            mistakes.append(f"{path}:{number}: no line that `contact-streams serve token` writes")
    return found, mistakes


def _hash(token: str) -> str:
    return sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


class Tokens:
    """Those of a file, which may change while it is used; a line that cannot be read lets nobody in."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known = entries(path)
        self._seen = self._mark()
        self._looked = time.monotonic()

    def who(self, token: str, now: int) -> Who:
        """Whose it is. Raises `Denied`. How long it takes tells nothing of the tokens that there are."""
        self._look()
        given, found = _hash(token), None
        for entry in self._known:
            if hmac.compare_digest(given, entry.sha256):
                found = entry
        if found is None:
            raise Denied("unknown", "the token is not known, or was revoked")
        if found.until <= now:
            raise Denied("expired", f"the token has expired at {found.expires}")
        return Who(found.name, "token", found.role, found.until)

    def _look(self) -> None:
        if time.monotonic() - self._looked < LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        if (mark := self._mark()) == self._seen:
            return
        try:
            self._known, mistakes = _read(self._path)
        except TokensError as error:
            self._known, mistakes = [], [str(error)]
        for mistake in mistakes:
            log.error("%s: nobody is let in by it", mistake)
        self._seen = mark
        log.info("%s has %d tokens", self._path, len(self._known))

    def _mark(self) -> tuple[int, int, int, int]:
        try:
            found = self._path.stat()
        except OSError:
            return 0, 0, 0, 0
        return found.st_mtime_ns, found.st_size, found.st_ino, found.st_mode
