"""Saying a word over the API: the audit comes first, so that there is no command without one."""

import logging
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from streams.api.metrics import ApiMetrics
from streams.api.problems import Refused
from streams.api.who import Role, Who
from streams.base.errors import UserError
from streams.base.times import iso
from streams.desk.errors import DeskError
from streams.desk.sending import Sender, record_of
from streams.desk.words import Event, Speaker

log = logging.getLogger(__name__)

AUDIT = "api.audit"
SOURCE = "/contact-streams/api"
TOPICS = ("alert.commands", "alert.silences", AUDIT)
MOST_CHARACTERS = 300
"""Of each text in an audit record."""


class Voice:
    """Sends what people say, and who said it."""

    def __init__(self, sender: Sender, metrics: ApiMetrics) -> None:
        self._sender, self._metrics = sender, metrics

    async def say(
        self,
        who: Who,
        action: str,
        target: str | None,
        asked: Mapping[str, Any],
        make: Callable[[Speaker, int], Event],
        *,
        role: Role = "operator",
    ) -> Event:
        """Check, write the audit, send. Raises `Refused`, `DeskError`, `BrokerError`."""
        now = int(time.time() * 1000)
        note = _Note(who, action, target, asked, now)
        if not who.may(role):
            why = f"the role {who.role} may not do that; it takes {role}"
            await self._write(note, "denied", 403, why)
            raise Refused(403, "role", why)
        try:
            event = make(Speaker(who.name, SOURCE), now)
        except DeskError as error:
            await self._write(note, "refused", error.status, str(error))
            raise
        await self._write(note, "accepted", 202, None, event["id"])
        try:
            await self._sender.send(record_of(event))
        except UserError as error:
            await self._failed(note, error, event["id"])
            raise
        return event

    async def refused(self, who: Who, action: str, status: int, why: str) -> None:
        """A body that means nothing."""
        await self._write(_Note(who, action, None, {}, int(time.time() * 1000)), "refused", status, why)

    async def _failed(self, note: "_Note", error: UserError, command: str) -> None:
        log.error("%s by %s could not be sent: %s", note.action, note.who.name, error)
        try:
            await self._write(note, "failed", 503, str(error), command)
        except UserError:
            log.warning("nor could its audit; %s did not happen", command)

    async def _write(
        self, note: "_Note", result: str, status: int, why: str | None, command: str | None = None
    ) -> None:
        self._metrics.words.labels(note.action, result).inc()
        found = note.record(result, status, why, command)
        await self._sender.send((AUDIT, found["audit_id"].encode(), orjson.dumps(found)))


class _Note:
    """What is the same in all records on one request."""

    def __init__(self, who: Who, action: str, target: str | None, asked: Mapping[str, Any], at: int) -> None:
        self.who, self.action, self._target, self._asked, self._at = who, action, target, asked, at

    def record(self, result: str, status: int, why: str | None, command: str | None) -> dict[str, Any]:
        """For the topic; of what a person wrote nothing is in it."""
        asked = {
            name: (", ".join(value) if isinstance(value, list) else str(value))[:MOST_CHARACTERS]
            for name, value in self._asked.items()
            if value is not None and name not in ("note", "reason")
        }
        return {
            "audit_id": f"audit-{uuid.uuid4()}",
            "at": iso(self._at),
            "who": self.who.name,
            "by": self.who.by,
            "role": self.who.role,
            "action": self.action,
            "target": self._target,
            "asked": asked,
            "command_id": command,
            "result": result,
            "status": status,
            "why": None if why is None else why[:MOST_CHARACTERS],
        }
