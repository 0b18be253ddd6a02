"""A valid event of the contract, and what is said of a channel that is none."""

import copy
from typing import Any

QUEUED: dict[str, Any] = {
    "specversion": "1.0",
    "id": "call-1-2",
    "source": "/telephony/site-1",
    "type": "contact.queued",
    "time": "2026-03-02T09:15:04.120Z",
    "data": {"contact_id": "call-1", "channel": "voice", "queue": "cards", "priority": 2},
}
CHANNELS = (
    "'voice', 'email', 'chat', 'messaging', 'social', 'self-service', 'bot', 'forum', 'in-person', 'ticket' or 'task'"
)


def event(path: str = "", value: Any = None, type_: str = "contact.queued", **data: Any) -> dict[str, Any]:
    """A valid event, with one field (dotted path) replaced and data added."""
    found = copy.deepcopy(QUEUED)
    found["type"] = type_
    found["data"].update(data)
    *parents, name = path.split(".")
    target = found
    for parent in parents:
        target = target[parent]
    if path:
        target[name] = value
    return found


def without(path: str) -> dict[str, Any]:
    found = copy.deepcopy(QUEUED)
    *parents, name = path.split(".")
    target = found
    for parent in parents:
        target = target[parent]
    del target[name]
    return found
