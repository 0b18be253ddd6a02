"""Rows as versions before wrote them, read by this one."""

from typing import Any

import orjson

_MOODS = {"messages": "messages", "moods": "moods", "settled_message": "settled", "judged": "judged"}
_JOURNEYS = ("past", "shown", "review")
_SEGMENTS = {"standing": "standing", "score": "score", "score_revision": "revision"}


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
    moods = {new: line.pop(old) for old, new in _MOODS.items() if old in line}
    moods["alerts"] = {name: each for name, each in alerts.items() if each["kind"] == "sentiment"}
    return {
        **{name: each for name, each in line.items() if name not in (*_JOURNEYS, *_SEGMENTS)},
        "waits": {name: each for name, each in alerts.items() if each["kind"] == "wait"},
        "moods": moods,
        "journeys": {name: line[name] for name in _JOURNEYS if name in line},
        "segments": {new: line[old] for old, new in _SEGMENTS.items() if old in line},
    }
