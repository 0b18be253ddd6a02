"""The events of a contact centre, and the figures they must come to.

Deterministic by seed. Contacts of ``customers`` customers begin evenly; their events lie between those of other
contacts as they do in life. 60 % are calls (a tenth of all contacts hangs up, three in ten of the others rate), 40 %
chats with three messages. One event in 200 is published twice, one record in 1,000 is no event.
"""

import heapq
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from zlib import crc32

QUEUES = tuple(f"q{number}" for number in range(10))
TIERS = ("gold", "silver", "silver", "red")
HAPPY = "Thank you so much, that was very friendly and quick, the new card works and I am really happy."
ANGRY = "This is the third time I ask and nobody helps, I am angry and disappointed, a terrible service."
REPLY = "Good morning, I have looked into your account and see the booking you mean, one moment please."
TAIL_S = 12.0
"""No contact lasts longer, s."""
EVENTS_PER_CONTACT = 4.16
"""Records on average, the doubled and the broken ones too; the load's own count is exact."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One record to publish; ``time`` in ms, ``measurable`` when it must change its customer's journey."""

    time: int
    topic: str
    key: bytes
    value: bytes
    customer: int
    measurable: bool


@dataclass
class Truth:
    """What was published, and what must come out of it; counted where it is made, not from the events."""

    published: int = 0
    events: int = 0
    """Valid ones, each once."""
    malformed: int = 0
    duplicates: int = 0
    contacts: int = 0
    customers: set[int] = field(default_factory=set)
    figures: Counter[str] = field(default_factory=Counter)
    first: int = 0
    last: int = 0
    """Time of the first and of the last event, ms."""


def customer_id(number: int) -> str:
    """Always eight characters, so that rows of the state can be made from templates."""
    return f"c{number:07d}"


class Load:
    """Iterate it once; ``truth`` is whole at the end.

    Args:
        contacts: how many.
        customers: how many they are spread over, at random.
        start: time of the first event, ms.
        rate: events a second of event time, on average.
    """

    def __init__(self, contacts: int, customers: int, start: int, rate: float, seed: int = 1) -> None:
        self.contacts, self.customers, self.start = contacts, customers, start
        self.gap_ms = 1000 * EVENTS_PER_CONTACT / rate
        self.dice, self.name = random.Random(seed), f"{seed}-{start % 10**9}"
        self.truth = Truth(first=start)

    def __iter__(self) -> Iterator[Sent]:
        waiting: list[tuple[int, int, Sent]] = []
        made = 0
        for number in range(self.contacts):
            begins = self.start + round(number * self.gap_ms)
            while waiting and waiting[0][0] < begins:
                yield from self._send(heapq.heappop(waiting)[2])
            for sent in self._contact(number, begins):
                made += 1
                heapq.heappush(waiting, (sent.time, made, sent))
        while waiting:
            yield from self._send(heapq.heappop(waiting)[2])

    def _send(self, sent: Sent) -> Iterator[Sent]:
        """The event; now and then it comes twice, or a broken one comes with it."""
        truth = self.truth
        truth.events += 1
        truth.published += 1
        truth.last = sent.time
        yield sent
        if truth.events % 200 == 0:
            truth.duplicates += 1
            truth.published += 1
            yield Sent(sent.time, sent.topic, sent.key, sent.value, sent.customer, False)
        if truth.events % 1000 == 0:
            truth.malformed += 1
            truth.published += 1
            yield Sent(sent.time, sent.topic, sent.key, sent.value[: len(sent.value) // 2], sent.customer, False)

    def _contact(self, number: int, begins: int) -> Iterator[Sent]:
        dice, figures = self.dice, self.truth.figures
        customer = dice.randrange(self.customers)
        contact = Contact(f"k{self.name}-{number}", customer, "voice" if dice.random() < 0.6 else "chat", dice)
        self.truth.contacts += 1
        self.truth.customers.add(customer)
        figures["offered"] += 1
        figures["legs"] += 1
        wait, talk = dice.randrange(4000), 1000 + dice.randrange(5000)
        yield contact.event("contact.queued", begins)
        at = begins + wait
        if dice.random() < 0.1:
            figures["abandoned"] += 1
            yield contact.event("contact.ended", at, ',"by":"customer","reason":"abandoned"')
            return
        figures["answered"] += 1
        figures["wait_ms"] += wait
        figures["handled"] += 1
        figures["talk_ms"] += talk
        yield contact.event("contact.connected", at, f',"agent_id":"agent-{dice.randrange(300)}"')
        if contact.channel == "chat":
            figures["messages"] += 2
            mood = ANGRY if dice.random() < 0.3 else HAPPY
            yield contact.message(at + talk // 4, "customer", mood)
            yield contact.message(at + talk // 2, "agent", REPLY)
            yield contact.message(at + talk * 3 // 4, "customer", mood)
        yield contact.event("contact.ended", at + talk, ',"by":"customer","reason":"completed"')
        if contact.channel == "voice" and dice.random() < 0.3:
            score = 1 + dice.randrange(5)
            figures["csat"] += 1
            figures["csat_milli"] += 1000 * score
            rating = f',"metric":"csat","score":{score}'
            yield contact.event("feedback.given", at + talk + 500 + dice.randrange(1500), rating, False)


class Contact:
    """Writes the events of one contact; their JSON is put together by hand, a million of them is made in seconds."""

    def __init__(self, name: str, customer: int, channel: str, dice: random.Random) -> None:
        self.customer, self.channel, self.key, self.count = customer, channel, name.encode(), 0
        self.topic = f"contacts.{channel}"
        self.head = f'{{"specversion":"1.0","source":"/bench/{channel}","id":"{name}-'
        tier = TIERS[customer % len(TIERS)]
        self.data = (
            f'"contact_id":"{name}","channel":"{channel}","queue":"{QUEUES[dice.randrange(len(QUEUES))]}",'
            f'"customer_id":"{customer_id(customer)}","tier":"{tier}"'
        )

    def event(self, kind: str, time: int, more: str = "", measurable: bool = True) -> Sent:
        self.count += 1
        text = f'{self.head}{self.count}","type":"{kind}","time":"{_iso(time)}","data":{{{self.data}{more}}}}}'
        return Sent(time, self.topic, self.key, text.encode(), self.customer, measurable)

    def message(self, time: int, author: str, text: str) -> Sent:
        direction = "inbound" if author == "customer" else "outbound"
        return self.event("message.sent", time, f',"direction":"{direction}","author":"{author}","text":"{text}"')


def partition_of(key: bytes, partitions: int) -> int:
    """Any fixed choice by key will do for raw topics."""
    return crc32(key) % partitions


@cache
def _second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _iso(time: int) -> str:
    return f"{_second(time // 1000)}.{time % 1000:03d}Z"
