"""Records that are no valid events, published on purpose, and the reason the dead letter must give for each."""

import json
from typing import Any

from streams.demo import centre
from streams.demo.world import Steps, World

KINDS = ("truncated", "no-contact", "bad-score", "new-type", "bad-time")


def mishaps(world: World) -> Steps:
    """Now and then a connector publishes something broken."""
    number = 0
    yield world.pause(3, 8)
    while True:
        number += 1
        topic, raw, reason = broken(world, KINDS[number % len(KINDS)], f"{world.settings.line}.broken-{number}")
        world.publish_raw(topic, f"{world.settings.line}.broken-{number}", raw)
        world.truth.malformed[reason] += 1
        yield world.after(world.rng.expovariate(1 / centre.MALFORMED_EVERY_S))


def broken(world: World, kind: str, contact: str) -> tuple[str, bytes, str]:
    """A broken record of this kind: its topic, its bytes and the reason of its dead letter."""
    data: dict[str, Any] = {"contact_id": contact, "channel": "chat", "metric": "csat", "score": 5}
    event = world.envelope(contact, "feedback.given", data)
    if kind == "truncated":
        return "contacts.chat", _encode(event)[:-20], "unreadable"
    if kind == "no-contact":
        del data["contact_id"]
        return "contacts.chat", _encode(event), "missing-field"
    if kind == "bad-score":
        data["score"] = "very good"
        return "contacts.chat", _encode(event), "wrong-type"
    if kind == "new-type":
        event["type"] = "contact.teleported"
        return "contacts.chat", _encode(event), "unknown-type"
    event["time"] = "yesterday at noon"
    return "contacts.chat", _encode(event), "wrong-type"


def _encode(event: dict[str, Any]) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode()
