"""Dead letters: what could not be used, with where it lay and why. Nothing is dropped in silence."""

import base64
import hashlib
import traceback
from typing import Any

import orjson

from streams.domain.times import iso
from streams.engine import Failure, Outputs, Record, RowFailure
from streams.engine.changelog import encode_key
from streams.engine.errors import BatchTooLarge, UnreadableRecord
from streams.engine.inlet import Unfetchable

PAYLOAD_LIMIT = 64 * 1024
"""Bytes of the original that are kept; a longer one is named by its hash."""

LATEST_MS = 253_402_300_799_999
"""The end of the year 9999. On a topic that was not created with the broker's time, a record may carry any number."""

ROW_LIMIT = 480 * 1024
"""Bytes of a row in one letter: a larger one takes several, and none of it is lost."""

HEADERS, HEADER_LIMIT = 50, 1024
"""Headers that are kept, and characters or bytes of each."""


def dead_letter(
    record: Record, hop: str, reason: str, message: str, path: str | None = None, error: BaseException | None = None
) -> dict[str, Any]:
    """The record of ``contacts.dead-letters`` for one unusable record (its model: `schemas.outputs.DeadLetter`)."""
    payload = record.value or b""
    offset = record.first if isinstance(record, Unfetchable) and record.first >= 0 else record.offset
    letter: dict[str, Any] = {
        "id": f"{record.topic}-{record.partition}-{offset}",
        "reason": reason,
        "path": path,
        "message": message,
        "topic": record.topic,
        "partition": record.partition,
        "offset": offset,
        "key": None if record.key is None else base64.b64encode(record.key[:PAYLOAD_LIMIT]).decode(),
        "timestamp": iso(max(0, min(record.timestamp, LATEST_MS))),
        "payload": base64.b64encode(payload[:PAYLOAD_LIMIT]).decode(),
        "payload_sha256": hashlib.sha256(payload).hexdigest(),
        "payload_bytes": len(payload),
        "hop": hop,
    }
    if record.headers:
        letter["headers"] = {
            name[:HEADER_LIMIT]: base64.b64encode((value or b"")[:HEADER_LIMIT]).decode()
            for name, value in list(record.headers)[:HEADERS]
        }
    if error is not None:
        letter["traceback"] = "".join(traceback.format_exception(error))[-8000:]
    return letter


def bury(topic: str, letter: dict[str, Any], out: Outputs) -> None:
    """Send a dead letter, keyed by where it came from."""
    out.send(topic, letter["id"].encode(), orjson.dumps(letter))


def on_failure(topic: str, hop: str) -> "Any":
    """The engine's hook: a record whose handling raised becomes a dead letter with reason ``processing``, one that
    cannot be taken apart with ``unreadable`` or ``too-large``.
    """

    def handler(failure: Failure, out: Outputs) -> None:
        record, error = failure.record, failure.error
        if isinstance(error, UnreadableRecord):
            reason = "too-large" if isinstance(error, BatchTooLarge) else "unreadable"
            letter = dead_letter(record, hop, reason, str(error)[:500])
        else:
            letter = dead_letter(record, hop, "processing", f"{type(error).__name__}: {error}"[:500], None, error)
        bury(topic, letter, out)

    return handler


def on_row(topic: str, group: str) -> "Any":
    """The engine's hook: a row that was set aside becomes a dead letter that holds all of it."""

    def handler(failure: RowFailure, out: Outputs) -> None:
        info, data, error = failure.info, failure.data, failure.error
        changelog, key = f"{group}-{info.inlet}-changelog", encode_key(failure.table, failure.key)
        name = f"{changelog}-{info.partition}-{failure.at}-{hashlib.sha256(key).hexdigest()[:16]}"
        chunks = [data[at : at + ROW_LIMIT] for at in range(0, len(data), ROW_LIMIT)] or [b""]
        for number, chunk in enumerate(chunks, 1):
            letter = {
                "id": name if len(chunks) == 1 else f"{name}-{number}",
                "reason": "processing",
                "path": None,
                "message": f"{type(error).__name__}: {error}"[:500],
                "topic": changelog,
                "partition": info.partition,
                "offset": failure.at,
                "key": base64.b64encode(key).decode(),
                "timestamp": iso(out.now),
                "payload": base64.b64encode(chunk).decode(),
                "payload_sha256": hashlib.sha256(data).hexdigest(),
                "payload_bytes": len(data),
                "hop": info.inlet,
                "traceback": "".join(traceback.format_exception(error))[-8000:],
                "table": failure.table,
            }
            if len(chunks) > 1:
                letter |= {"part": number, "parts": len(chunks)}
            bury(topic, letter, out)

    return handler
