"""Identifiers by the values for nobody that the product ships."""

from streams.identity.identifiers import read
from streams.identity.nobody import Nobody
from streams.rules import shipped_nobody


def identifier(kind: str, value: str, region: str | None = None, nobody: Nobody | None = None) -> str | None:
    """The value in its one form; ``None`` when it has not the form of its kind or names nobody."""
    return read(kind, value, region, nobody or shipped_nobody())[0]
