"""Who asks, and what they may do."""

from dataclasses import dataclass
from typing import Literal, get_args

Role = Literal["viewer", "operator", "admin"]
"""viewer looks; operator also gives commands and sets silences; admin also ends the silences of others."""
ROLES: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True)
class Who:
    """Somebody who was let in."""

    name: str
    by: Literal["token", "oidc"]
    role: Role
    until: int
    """ms; after it they are let in no more."""

    @property
    def key(self) -> str:
        """Of their share of requests."""
        return f"{self.by}:{self.name}"

    def may(self, role: Role) -> bool:
        """Is theirs this role or a higher one?"""
        return ROLES.index(self.role) >= ROLES.index(role)


class Denied(Exception):
    """Nobody that we know, or no longer; ``why``: a word that is counted."""

    def __init__(self, why: str, detail: str) -> None:
        super().__init__(detail)
        self.why = why
