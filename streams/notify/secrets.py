"""Secrets: where they are, never what they are. notify.yaml names a variable or a file.

A secret is read when it is used, so that a file may be replaced while the process runs. No message of this program has
one in it: whatever fails is told by the name of the variable or file.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from streams.base.units import reads

LARGEST = 65_536
"""Bytes of a file with a secret."""


class SecretMissing(Exception):
    """It cannot be read; the message says which, and why."""


@dataclass(frozen=True, slots=True)
class Secret:
    """One place."""

    env: str | None = None
    file: Path | None = None

    def read(self) -> str:
        """The secret without white space around it. Raises SecretMissing."""
        if self.env is not None:
            found = os.environ.get(self.env, "").strip()
            if not found:
                raise SecretMissing(f"the environment variable {self.env} is not set, or is empty")
            return found
        assert self.file is not None
        try:
            with self.file.open("rb") as opened:
                found = opened.read(LARGEST + 1).decode("utf-8").strip()
        except UnicodeDecodeError as error:
            raise SecretMissing(f"the file {self.file} is not in UTF-8") from error
        except OSError as error:
            raise SecretMissing(f"the file {self.file} cannot be read: {error.strerror}") from error
        if not found or len(found) > LARGEST:
            raise SecretMissing(f"the file {self.file} is empty, or larger than {LARGEST:,} bytes")
        return found


def secret_at(value: object) -> Secret:
    """Raises ``ValueError``."""
    if isinstance(value, dict) and len(value) == 1:
        ((kind, name),) = value.items()
        if kind in ("env", "file") and isinstance(name, str) and name.strip():
            return Secret(env=name) if kind == "env" else Secret(file=Path(name))
    raise ValueError("expected {env: VARIABLE} or {file: PATH}: a secret is never in this file")


_SHAPE = {
    "type": "object",
    "oneOf": [{"required": ["env"]}, {"required": ["file"]}],
    "properties": {"env": {"type": "string", "minLength": 1}, "file": {"type": "string", "minLength": 1}},
    "additionalProperties": False,
}
SecretAt = Annotated[Secret, reads(secret_at, **_SHAPE)]
"""``{env: VARIABLE}`` or ``{file: PATH}``."""
