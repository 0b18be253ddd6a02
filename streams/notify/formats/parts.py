"""What formats have in common: requests, addresses, texts of a bounded length."""

import re
from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import urlsplit

import orjson

from streams.base.units import reads
from streams.notify.secrets import Secret, secret_at

USER_AGENT = "contact-streams-notify/1"
JSON = "application/json"
_CREDENTIALS = "expected an http:// or https:// address without a name and password in it"


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP POST."""

    url: str = field(repr=False)
    body: bytes = field(repr=False)
    headers: dict[str, str] = field(repr=False, default_factory=dict)


def posted(url: str, content: Any, headers: dict[str, str] | None = None) -> Request:
    """JSON to an address."""
    return Request(url, orjson.dumps(content), {"Content-Type": JSON, "User-Agent": USER_AGENT, **(headers or {})})


def checked(url: str) -> str:
    """An address that can be asked. Raises ``ValueError``, without it."""
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        fine = False
    if not fine or re.search(r"[\x00-\x20\x7f]", url):
        raise ValueError(_CREDENTIALS)
    return url


def _url(value: object) -> str | Secret:
    if isinstance(value, str):
        return checked(value)
    if isinstance(value, dict):
        return secret_at(value)
    raise ValueError(f"{_CREDENTIALS}, {{env: VARIABLE}} or {{file: PATH}}")


_URL = {"type": "string", "pattern": "^https?://"}
_PLACE = {"type": "object", "minProperties": 1, "maxProperties": 1}
Url = Annotated[str | Secret, reads(_url, anyOf=[_URL, _PLACE])]
"""An address, or where it is."""
PlainUrl = Annotated[str, reads(lambda value: checked(value) if isinstance(value, str) else _url(None), **_URL)]
"""An address that is no secret."""


def cut(text: str, most: int) -> str:
    """At most so many characters."""
    return text if len(text) <= most else text[: most - 1] + "…"


def link(text: str | None) -> str | None:
    """A link that may be followed; others (a page's name, a `javascript:`) are words."""
    try:
        return checked(text) if text else None
    except ValueError:
        return None
