"""Stories for the fuzzer: records of all topics by the step at which they arrive, alone odd and together odder.

A seed tells one story: one theme or several, some events twice, shuffled, spoiled. The control group is the healthy
traffic beside it; what comes out of it must not change, whatever the story is.
"""

import json
import random
from dataclasses import dataclass, replace
from typing import Any

import orjson

from schemas import routing
from schemas.data import CHANNELS
from streams.base.times import iso
from tests.chaos import stories as chaos
from tests.fuzz.values import TEXTS, Draw

START = 1_772_442_000_000
"""2026-03-02 09:00 UTC, ms."""
STEP = 20_000
STEPS = 24
"""Steps at which records arrive."""
AFTERWARDS = (60_000, 600_000, 3_700_000)
"""Jumps of time after the last record, ms: windows end, waits cross their limits, the lateness passes."""
CONTROL = "healthy"
Event = dict[str, Any]
LIVE_TOPICS = tuple(routing.channels()[channel] for channel in CHANNELS)


@dataclass(frozen=True)
class Raw:
    """One record to publish, at one step."""

    step: int
    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


def now_of(step: int) -> int:
    """Wall clock of a step, ms."""
    return START + step * STEP


def encode(event: Any) -> bytes:
    """As JSON; what is none (NaN, lone surrogates) as publishers write it all the same."""
    try:
        return orjson.dumps(event)
    except TypeError:
        return json.dumps(event).encode()


def home(event: Event) -> tuple[str, bytes | None]:
    """Topic and key as the contract has them, where the event tells."""
    data = event.get("data")
    data = data if isinstance(data, dict) else {}
    kind, channel = (str(part) for part in (event.get("type"), data.get("channel")))
    topic, name = routing.homes().get(kind, routing.Home(None, "contact_id"))
    key = data.get(name)
    return topic or routing.channels().get(channel, "contacts.voice"), key.encode("utf-8", "replace") if isinstance(
        key, str
    ) else None


class Teller:
    """Tells the story of one seed."""

    def __init__(self, seed: int, size: float = 1.0) -> None:
        """``size``: how large its largest parts are; 1 = as large as ever found to hurt."""
        self.seed, self.size = seed, size
        self.dice = random.Random(seed)
        odd = [text.strip() for text in TEXTS if text.strip()]
        pick = self.dice.sample
        self.names: dict[str, tuple[str, ...]] = {
            "contact_id": ("c-1", "c-2", "c-3", "c-4", *pick(odd, 2), "e" * 200),
            "customer_id": ("k-1", "k-2", "k-3", *pick(odd, 2), "\U0001f600" * 200),
            "queue": ("q-1", "q-2", *pick(odd, 2)),
            "to_queue": ("q-1", "q-2"),
            "tier": ("gold", "silver", "platinum", *pick(odd, 2)),
            "agent_id": ("a-1", "a-2"),
            "queues": ("q-1", "q-2", *pick(odd, 1)),
            "source": ("/fuzz/1", "/fuzz/2"),
            "replayid": ("r-1", "r-2"),
            "replay_id": ("r-1", "r-2"),
            "topics": (*self.dice.sample(LIVE_TOPICS, 3), "contacts.nowhere"),
            "identifier": ("phone:+442079460001", "customer:k-1", "email:a@example.com", "phone:anonymous"),
            "other": ("customer:k-1", "customer:k-2", "cookie:c7", "fax:1"),
            "alert_id": ("wait@customer:k-1", "gold-wait:c-1@customer:k-1", "nobody", "@", "x@contact:c-2"),
            "value": ("+4930123456", "a@example.org", "0", *pick(odd, 2)),
        }
        self.count = 0

    def draw(self, step: int) -> Draw:
        return Draw(self.dice, self.names, now_of(step))

    def amount(self, most: int) -> int:
        """How many, up to ``most`` at full size."""
        return max(1, int(self.dice.uniform(0.1, 1) * most * self.size))

    def step(self) -> int:
        return self.dice.randrange(STEPS)

    def event(self, kind: str, step: int, data: Event, **attributes: Any) -> Event:
        """A plain event with an id of its own."""
        self.count += 1
        made = {
            "specversion": "1.0", "id": f"{self.seed}-{self.count}", "source": "/fuzz/1", "type": kind,
            "time": iso(now_of(step) - self.dice.randrange(STEP)), "data": data,
        }  # fmt: skip
        return {**made, **attributes}

    def raw(self, step: int, event: Event) -> Raw:
        topic, key = home(event)
        if self.dice.random() < 0.02:
            return self._binary(step, topic, key, event)
        return Raw(step, topic, key, encode(event))

    def _binary(self, step: int, topic: str, key: bytes | None, event: Event) -> Raw:
        headers = tuple(
            (f"ce_{name}", value.encode("utf-8", "replace"))
            for name, value in event.items()
            if isinstance(value, str) and name.isascii()
        )
        return Raw(step, topic, key, encode(event.get("data")), headers)

    def spoiled(self, raw: Raw) -> Raw:
        value, dice = raw.value or b"", self.dice
        at = dice.randrange(len(value)) if value else 0
        return dice.choice(
            (
                replace(raw, value=value[:at]),
                replace(raw, value=value[:at] + bytes([dice.randrange(256)]) + value[at + 1 :]),
                replace(raw, key=None),
                replace(raw, key=b"\xff\xfe"),
                replace(raw, topic=dice.choice((*LIVE_TOPICS, "agents.state", "alert.commands", "customers.profile"))),
                replace(raw, value=None),
                replace(raw, value=b""),
                replace(raw, value=value.replace(b'"time"', b'"comment":"other","time"', 1)),
                replace(raw, headers=(("ce_id", b"\xff"), ("content-type", b"application/json"), ("x" * 2000, b"y"))),
            )
        )


def control() -> list[Raw]:
    """The healthy traffic beside every story: contacts, queues and customers of its own."""
    dice, found = random.Random(0), list[Raw]()
    for number in range(40):
        story = chaos.any_story(dice, f"{CONTROL}-{number}", raising=False, late=False)
        start = now_of(dice.randrange(STEPS - 10))
        for moment, (after, _, _) in enumerate(story.moments):
            event = story.event(moment, start + 20 * after)
            data = event["data"]
            for name in ("queue", "customer_id"):
                if name in data:
                    data[name] = f"{CONTROL}-{data[name]}"
            for identifier in data.get("identifiers", ()):
                identifier["value"] = f"+4420791{number:05}"
            step = min(STEPS - 1, 1 + (start - START + 20 * after) // STEP)
            found.append(Raw(step, *home(event), orjson.dumps(event)))
    return sorted(found, key=lambda raw: raw.step)
