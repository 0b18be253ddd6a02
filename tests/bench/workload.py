"""The reference workload W: its events, made from a seed, and what they must come to, computed by one plain loop.

Nothing of the product is used here, so that the recomputation is a witness of its own.
"""

import json
import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import orjson

PARTITIONS = 4
CUSTOMERS = 50_000
EVENTS_PER_CUSTOMER = 20
START = datetime(2026, 11, 22, 10, tzinfo=UTC)
TYPES = ("contact.queued", "contact.connected", "contact.message", "contact.ended", "contact.feedback")
CHANNELS = ("voice", "chat", "email", "messaging", "social")
CONTACTS_BETWEEN = 1000
"""So many contacts have the same event between two events of a contact."""
MALFORMED_EVERY = 1001
"""One event in so many is malformed. No multiple of five, so that every type of event has its turn."""
PANE_MS = 10_000
WORDS = re.findall(
    r"\w+",
    "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore et dolore magna "
    "aliqua enim minim veniam quis nostrud exercitation ullamco laboris nisi aliquip ex ea commodo consequat",
)
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
STRINGS = ("id", "source", "contact_id", "customer_id", "queue")


class Message(NamedTuple):
    """A record of the input topic."""

    partition: int
    key: bytes
    value: bytes


def customers_of(events: int) -> int:
    """How many customers share ``events``: 50,000 from a million on, fewer for less, so that each has about 20."""
    return max(1, min(CUSTOMERS, events // EVENTS_PER_CUSTOMER))


def text_of(moment: datetime) -> str:
    """A time as the events write it."""
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def pane_of(time: str) -> int:
    """Start of the pane of a time, in milliseconds since the epoch."""
    milliseconds = int(datetime.fromisoformat(time).timestamp() * 1000)
    return milliseconds - milliseconds % PANE_MS


class Contact(NamedTuple):
    """What the five events of a contact have in common."""

    customer: int
    channel: str
    queue: str


class Generator:
    """Events one after the other; the same ``seed`` and ``customers`` give the same ones.

    Contacts overlap: a contact's next event comes 5,000 events later, with those of thousands of others in between, and
    contacts that are under way when the input begins have only their later events in it.
    """

    def __init__(self, customers: int = CUSTOMERS, seed: int = 1) -> None:
        self.customers = customers
        self.random = random.Random(seed)
        self.texts = [self._text() for _ in range(64)]
        self.made = 0
        self.under_way: dict[int, Contact] = {}

    def messages(self, count: int) -> Iterator[Message]:
        """The first ``count`` events, one for each millisecond from `START` on."""
        for number in range(count):
            yield self.next(text_of(START + timedelta(milliseconds=number)))

    def next(self, time: str) -> Message:
        """The next event, at ``time``."""
        number, chance = self.made, self.random
        self.made += 1
        turn, step = divmod(number, len(TYPES))
        name = turn + (len(TYPES) - 1 - step) * CONTACTS_BETWEEN
        contact, kind = self._contact(name, last=step == len(TYPES) - 1), TYPES[step]
        event = {
            "id": f"{chance.getrandbits(128):032x}",
            "source": "ivr-eu",
            "type": kind,
            "time": time,
            "contact_id": f"k{name:07d}",
            "customer_id": f"customer-{contact.customer:05d}",
            "channel": contact.channel,
            "queue": contact.queue,
            "sentiment": self._sentiment(contact.customer) if kind == "contact.message" else None,
            "wait_s": round(chance.expovariate(1 / 30), 1) if kind == "contact.connected" else None,
            "text": chance.choice(self.texts),
        }
        value = json.dumps(event).encode()
        if number % MALFORMED_EVERY == MALFORMED_EVERY - 1:
            value = spoil(event, number // MALFORMED_EVERY)
        return Message(contact.customer % PARTITIONS, event["contact_id"].encode(), value)

    def _contact(self, name: int, last: bool) -> Contact:
        """The contact of that number, from its first event in the input to its ``last``."""
        if (known := self.under_way.get(name)) is None:
            chance = self.random
            customer, channel = chance.randrange(self.customers), chance.choice(CHANNELS)
            known = self.under_way[name] = Contact(customer, channel, f"q{chance.randrange(10)}")
        if last:
            del self.under_way[name]
        return known

    def _sentiment(self, customer: int) -> float:
        """Between -1 and 1. One customer in ten is cross and one message in eight is kind, so that alerts come again."""
        if customer % 10 == 0 and self.random.random() > 0.125:
            return round(self.random.uniform(-1, -0.6), 3)
        return round(self.random.uniform(-1, 1), 3)

    def _text(self) -> str:
        words = ["lorem"]
        while sum(map(len, words)) + len(words) < 85:
            words.append(self.random.choice(WORDS))
        return " ".join(words)


def spoil(event: dict[str, Any], turn: int) -> bytes:
    """A malformed form of an event; there are ten, in turn."""
    changes: tuple[dict[str, Any], ...] = (
        {"contact_id": 7},
        {"type": "contact.vanished"},
        {"channel": "fax"},
        {"wait_s": "soon"},
        {"sentiment": 1.5},
        {"time": "yesterday"},
        {"queue": ""},
    )
    turn %= len(changes) + 3
    if turn < len(changes):
        return json.dumps({**event, **changes[turn]}).encode()
    whole = json.dumps(event).encode()
    if turn == len(changes):
        return whole[: len(whole) // 2]
    if turn == len(changes) + 1:
        return json.dumps({name: value for name, value in event.items() if name != "customer_id"}).encode()
    return b"[" + whole + b"]"


def parse(value: bytes) -> dict[str, Any] | None:
    """The event, or None when W calls it malformed."""
    try:
        event = orjson.loads(value)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(event, dict):
        return None
    sentiment, wait, text = event.get("sentiment"), event.get("wait_s"), event.get("text")
    good = (
        all(isinstance(event.get(name), str) and event[name] for name in STRINGS)
        and event.get("type") in TYPES
        and event.get("channel") in CHANNELS
        and isinstance(event.get("time"), str)
        and RFC_3339.fullmatch(event["time"])
        and (sentiment is None or (is_number(sentiment) and -1 <= sentiment <= 1))
        and (wait is None or (is_number(wait) and wait >= 0))
        and (text is None or isinstance(text, str))
    )
    return event if good else None


def is_number(value: Any) -> bool:
    """JSON's numbers; Python counts True among them."""
    return isinstance(value, int | float) and not isinstance(value, bool)


@dataclass
class Expected:
    """What W says comes out.

    ``alerts`` are (customer, ewma, n); ``panes`` are (channel|queue, start in ms) → (count, wait in ms, within 20 s).
    """

    dead: Counter[bytes] = field(default_factory=Counter)
    alerts: Counter[tuple[str, float, int]] = field(default_factory=Counter)
    panes: dict[tuple[str, int], tuple[int, int, int]] = field(default_factory=dict)
    states: dict[str, dict[str, Any]] = field(default_factory=dict)

    def take(self, value: bytes) -> None:
        """One record of the input; those of a customer in their order."""
        event = parse(value)
        if event is None:
            self.dead[value] += 1
            return
        customer = event["customer_id"]
        state = self.states.get(customer)
        if state is None:
            state = self.states[customer] = {"n": 0, "last": "", "open": {}, "ewma": 0.0, "wait_ms": 0, "touch": []}
        state["n"] += 1
        state["last"] = event["time"]
        if event["type"] == "contact.queued":
            state["open"][event["contact_id"]] = event["time"]
        elif event["type"] == "contact.ended":
            state["open"].pop(event["contact_id"], None)
        state["touch"] = [*state["touch"][-4:], f"{event['channel']}:{event['type']}"]
        if event["sentiment"] is not None:
            before = state["ewma"]
            state["ewma"] = 0.7 * before + 0.3 * event["sentiment"]
            if state["ewma"] < -0.6 <= before and state["n"] >= 3:
                self.alerts[customer, state["ewma"], state["n"]] += 1
        if event["wait_s"] is not None:
            wait = round(event["wait_s"] * 1000)
            state["wait_ms"] += wait
            pane = f"{event['channel']}|{event['queue']}", pane_of(event["time"])
            count, total, within = self.panes.get(pane, (0, 0, 0))
            self.panes[pane] = count + 1, total + wait, within + (event["wait_s"] <= 20)


def expected(messages: Iterable[Message]) -> Expected:
    """Recompute W over the input in one process."""
    found = Expected()
    for message in messages:
        found.take(message.value)
    return found
