"""Rows as versions before wrote them, read by this one."""

from typing import Any

import orjson

from streams.contacts.histories import NEVER

# Field of version 2 and what stood there when it was left out, in the order of version 3.
_MOODS: dict[str, Any] = {"messages": [], "moods": {}, "settled_message": [NEVER, ""], "judged": [NEVER, ""]}
_JOURNEYS: dict[str, Any] = {"past": [], "shown": {}, "review": None}
_SEGMENTS: dict[str, Any] = {"standing": {}, "score": None, "score_revision": 0}

ANYBODY = ""
"""In place of a name: a version before did not say whose a deadline is."""


def by_capability(row: bytes) -> bytes:
    """A row of version 2, which had the state of every capability side by side, in that of version 3, where each has a
    field of its own.
    """
    customer = orjson.loads(row)
    lines = {name: _by_capability(line) for name, line in customer.get("lines", {}).items()}
    due = {line: {ANYBODY: at} for line, at in customer.pop("due").items()}
    return orjson.dumps({**customer, "lines": lines, "due": due})


def _by_capability(line: dict[str, Any]) -> dict[str, Any]:
    alerts = line.pop("alerts", {})
    moods, journeys, segments = (_taken(line, fields) for fields in (_MOODS, _JOURNEYS, _SEGMENTS))
    moods.append({name: each for name, each in alerts.items() if each["kind"] == "sentiment"})
    waits = {name: each for name, each in alerts.items() if each["kind"] == "wait"}
    return {**line, "waits": waits, "moods": moods, "journeys": journeys, "segments": segments}


def _taken(line: dict[str, Any], fields: dict[str, Any]) -> list[Any]:
    return [line.pop(name, otherwise) for name, otherwise in fields.items()]
