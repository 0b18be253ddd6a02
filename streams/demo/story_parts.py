"""What the story is made of: events that are told, acts, steps, and the lines of its replays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from streams.base.times import MINUTE_MS, SECOND_MS, iso
from streams.demo.story_records import Expectation

Event = dict[str, Any]
CALL_MS = 2 * MINUTE_MS
"""How long `call` takes."""


@dataclass(frozen=True)
class Line:
    """A replay: its topics, and a time in ms before its first event."""

    topics: Sequence[str]
    started_at: int


@dataclass(frozen=True)
class Act:
    """Something is told, and something has to follow from it.

    ``line``: of the replay that tells it, empty = live; ``until``: how far the replay's time has come then, ms;
    ``ends``: the replay is complete; ``remember``: a name for what was read before this; ``settled``: it must still
    hold when all that was told is worked off, as everything must at the end of a step.
    """

    says: str
    expect: Sequence[Expectation]
    events: Sequence[Event] = ()
    line: str = ""
    until: int | None = None
    ends: bool = False
    remember: str = ""
    settled: bool = False


@dataclass(frozen=True)
class Step:
    """A step of the story, proved when all that has to follow from each of its acts was read."""

    title: str
    acts: Sequence[Act]


@dataclass(frozen=True)
class Story:
    """The steps in their order, and the replays that they tell."""

    steps: Sequence[Step]
    lines: Mapping[str, Line] = field(default_factory=dict)


@dataclass(frozen=True)
class Person:
    """Somebody the events speak of: ``customer``: the id; ``known_by``: (kind, value)."""

    customer: str
    known_by: tuple[str, str] = ("", "")

    @property
    def owner(self) -> str:
        """As the product names the customer."""
        return f"customer:{self.customer}"

    @property
    def identifier(self) -> str:
        """As the product names the identifier."""
        return ":".join(self.known_by)

    @property
    def named(self) -> dict[str, Any]:
        """What an event says that knows the identifier alone."""
        kind, value = self.known_by
        return {"identifiers": [{"kind": kind, "value": value}]}

    @property
    def known(self) -> dict[str, Any]:
        """What an event says that knows the customer."""
        return {"customer_id": self.customer} | (self.named if self.known_by[0] else {})


def event(kind: str, name: str, at: int, source: str, data: Mapping[str, Any]) -> Event:
    """An event with an id made of its name and kind; ``at`` in ms."""
    return {
        "specversion": "1.0",
        "id": f"{name}:{kind}:{at}",
        "source": source,
        "type": kind,
        "time": iso(at),
        "data": dict(data),
    }


def message(
    chat: str, at: int, said: str, who: Mapping[str, Any], author: str = "customer", channel: str = "chat"
) -> Event:
    """One of a chat or an e-mail, of the customer or of ours."""
    direction = "inbound" if author == "customer" else "outbound"
    data = {"contact_id": chat, "channel": channel, "direction": direction, "author": author, "text": said}
    return event("message.sent", chat, at, f"/{channel}", {**data, **who})


def call(name: str, at: int, who: Mapping[str, Any], **more: Any) -> list[Event]:
    """A call that is answered after 5 seconds, and hung up by the customer after two minutes."""
    data = {"contact_id": name, "channel": "voice", "queue": "service", **who, **more}
    moments: list[tuple[int, str, dict[str, Any]]] = [
        (0, "contact.queued", {}),
        (5 * SECOND_MS, "contact.connected", {"party": "human", "agent_id": "a-7"}),
        (CALL_MS, "contact.ended", {"by": "customer"}),
    ]
    return [event(kind, name, at + after, "/pbx", data | said) for after, kind, said in moments]


def in_order(*told: Sequence[Event]) -> list[Event]:
    """By time, as a replay tells them."""
    return sorted(chain(*told), key=lambda each: str(each["time"]))


def journey_of(owner: str, started: int, line: str = "") -> str:
    """The name of a journey, which its record has as the key; ``started``: its first contact, ms."""
    return f"{owner}@{iso(started)}" + (f"~{line}" if line else "")


def by_line(line: str, key: str) -> str:
    """The key that a record of a replay has."""
    return f"{line}/{key}" if line else key
