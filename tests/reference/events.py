"""Events by hand, and histories of them. Nothing of the product is used."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
S = 1000
MIN = 60 * S
HOUR = 60 * MIN
DAY = 24 * HOUR
MONDAY = (datetime(2026, 3, 2, tzinfo=UTC) - EPOCH) // timedelta(milliseconds=1)
"""A Monday at midnight."""

HOMES = {"customer.profile_changed": ("customers.profile", "customer_id")}
"""Topic and field of the key; of other events the channel's topic and the contact."""


def rfc(at: int) -> str:
    return (EPOCH + timedelta(milliseconds=at)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(text: str) -> int:
    """ms of an RFC 3339 time."""
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(milliseconds=1)


@dataclass(frozen=True)
class Event:
    """``at``: when it happened, ``arrives``: when it is published, both ms."""

    name: str
    kind: str
    at: int
    data: dict[str, Any]
    arrives: int
    source: str = "/centre"

    @property
    def topic(self) -> str:
        return HOMES[self.kind][0] if self.kind in HOMES else f"contacts.{self.data['channel']}"

    @property
    def key(self) -> bytes:
        return str(self.data[HOMES[self.kind][1] if self.kind in HOMES else "contact_id"]).encode()

    def value(self, line: str = "") -> bytes:
        """The CloudEvent, of a replay where ``line`` names one."""
        made = {
            "specversion": "1.0",
            "id": self.name,
            "source": self.source,
            "type": self.kind,
            "time": rfc(self.at),
            "data": self.data,
        }
        return json.dumps(made | ({"replayid": line} if line else {})).encode()

    def __str__(self) -> str:
        said = {k: v for k, v in self.data.items() if k not in ("contact_id", "channel")}
        late = f" (arrives {rfc(self.arrives)[11:23]})" if self.arrives != self.at else ""
        who = f"{self.data.get('channel', '-')}/{self.data.get('contact_id', '-')}"
        return f"{rfc(self.at)[:23]} {who} {self.kind} {json.dumps(said)}{late}"


@dataclass(frozen=True)
class History:
    """Events in the order of their arrival, and the moment up to which all of them have been told."""

    events: tuple[Event, ...]
    end: int

    def without(self, gone: set[int]) -> "History":
        return replace(self, events=tuple(e for i, e in enumerate(self.events) if i not in gone))

    def __str__(self) -> str:
        return "\n".join([*(str(e) for e in self.events), f"{rfc(self.end)[:23]} the end"])


def history(*told: "Story | list[Event]", after: int = HOUR) -> History:
    """All events by arrival (what arrives in one moment: by time, else as given); it ends ``after`` ms later."""
    events = [e for one in told for e in (one.events if isinstance(one, Story) else one)]
    events.sort(key=lambda e: (e.arrives, e.at))
    return History(tuple(events), max(e.arrives for e in events) + after)


@dataclass
class Story:
    """One contact, told step by step; ``now`` ms is where it stands, ``common`` is in the data of each event."""

    channel: str
    contact: str
    now: int
    common: dict[str, Any] = field(default_factory=dict)
    first: dict[str, Any] = field(default_factory=dict)
    """In the data of the first event only."""
    grid: int = 1
    """ms that every time is a multiple of."""
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.start = self.now

    def say(self, kind: str, /, **data: Any) -> "Story":
        kind = kind if "." in kind else f"contact.{kind}"
        at = self.now - self.now % self.grid
        body = {"contact_id": self.contact, "channel": self.channel, **self.common, **data}
        if not self.events:
            body |= {k: v for k, v in self.first.items() if k not in body}
        name = f"{self.channel}/{self.contact}/{len(self.events)}"
        self.events.append(Event(name, kind, at, body, at))
        return self

    def at(self, second: float, kind: str, /, **data: Any) -> "Story":
        """A step so many seconds after the beginning."""
        self.now = self.start + round(second * S)
        return self.say(kind, **data)

    def wait(self, ms: int) -> "Story":
        self.now += ms
        return self

    def customer(self, sentiment: float | None = None, **data: Any) -> "Story":
        """The customer writes."""
        scored = {} if sentiment is None else {"sentiment": sentiment}
        return self.say("message.sent", direction="inbound", author="customer", **scored, **data)

    def reply(self, author: str = "agent", **data: Any) -> "Story":
        return self.say("message.sent", direction="outbound", author=author, **data)

    def served(self, queue: str, wait: int, talk: int, by: str = "agent", agent: str = "a") -> "Story":
        """Queued, answered, over; ms."""
        self.say("queued", queue=queue).wait(wait).say("connected", agent_id=agent)
        return self.wait(talk).say("ended", by=by)

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)


def profile(customer: str, at: int, **data: Any) -> Event:
    return Event(f"{customer}@{at}", "customer.profile_changed", at, {"customer_id": customer, **data}, at)
