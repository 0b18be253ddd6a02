"""Webhook: the steps as JSON, signed.

The signature is HMAC-SHA256 over ``<timestamp>.<body>``: the timestamp is that of the attempt, in whole seconds, so a
request that somebody recorded is of no use after `TOLERANCE_SECONDS`. The body and the idempotency key are the same at
every attempt.
"""

import hashlib
import hmac
from dataclasses import dataclass
from urllib.parse import quote

import orjson

from streams.base.units import FROM_FILES
from streams.notify.formats.parts import JSON, USER_AGENT, Request, Url
from streams.notify.message import Message
from streams.notify.secrets import SecretAt

ID, TIMESTAMP, SIGNATURE = "Idempotency-Key", "Contact-Streams-Timestamp", "Contact-Streams-Signature"
"""Names of the headers."""
TOLERANCE_SECONDS = 300
"""Older signatures are to be refused."""
_PRINTED = "!#$&'()*+,-./:;<=>?@[]^_`{|}~ "


@dataclass(frozen=True, slots=True)
class Webhook:
    url: Url
    secret: SecretAt
    """What requests are signed with."""
    token: SecretAt | None = None
    """Sent as `Authorization: Bearer …`."""

    __pydantic_config__ = FROM_FILES


def request(message: Message, url: str, secret: str, at: int, token: str | None = None) -> Request:
    """``at``: of the attempt, seconds since the epoch."""
    body = orjson.dumps(content(message))
    headers = {
        "Content-Type": JSON,
        "User-Agent": USER_AGENT,
        ID: header(message.id),
        TIMESTAMP: f"{at}",
        SIGNATURE: f"v1={signature(secret, at, body)}",
    }
    return Request(url, body, headers if token is None else {**headers, "Authorization": f"Bearer {token}"})


def content(message: Message) -> dict[str, object]:
    """The body: ``id``, ``kind`` (step, group, digest), ``title``, ``events`` (records of `alert.events`)."""
    return {
        "id": message.id,
        "kind": message.kind,
        "title": message.title,
        "left_out": message.left_out,
        "events": [each.model_dump(mode="json") for each in message.events],
    }


def signature(secret: str, at: int, body: bytes) -> str:
    """Hexadecimal."""
    return hmac.new(secret.encode(), b"%d." % at + body, hashlib.sha256).hexdigest()


def header(text: str) -> str:
    """A key as a header's value: what is not printed in ASCII, and `%`, as %XX of its UTF-8."""
    return quote(text, safe=_PRINTED).strip()
