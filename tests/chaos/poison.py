"""Poison: what no connector should send and any might, each kind of it once stopped, starved or misled a deployment.

Every event of it names ``/poison/<what must become of it>`` as its source, and ``poison`` stands in the names of all its
contacts, customers, queues and replays. So the audit knows from the raw topics what to expect, and that all others are
to be served as if there were none.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from tests.chaos.stories import Data, Raw, cloud_event, home

TAKEN, REFUSED, EITHER = "taken", "refused", "either"
SOURCE = "/poison/"
CHANNEL = "self-service"
"""Of all contacts that are poison; the load has none there."""
UNUSED = "contacts.forum"
"""A topic that the load does not use."""
OTHER_UNUSED = "contacts.social"
WEEK = 7 * 86_400_000
PATIENCE = 90.0
"""Seconds after which a kind that the broker does not take is given up."""


@dataclass
class Dose:
    """One helping of poison; ``name``: what all its names begin with."""

    dice: random.Random
    name: str
    bootstrap: str
    prefix: str
    count: int = 0

    def event(self, fate: str, kind: str, data: Data, **attributes: object) -> Data:
        """An event of now with an id of its own."""
        self.count += 1
        made = cloud_event(f"{self.name}-{self.count}", kind, int(time.time() * 1000), data)
        return {**made, "source": SOURCE + fate, **attributes}

    def contact(self, fate: str, kind: str, contact: str, **data: object) -> Raw:
        """The record of a contact's event."""
        return home(self.event(fate, kind, {"contact_id": f"{self.name}-{contact}", "channel": CHANNEL, **data}))

    async def send(self, records: list[Raw]) -> None:
        """Publish with a producer of its own."""
        async with AIOKafkaProducer(bootstrap_servers=self.bootstrap, max_request_size=2 << 20) as kafka:
            waiting = [await kafka.send(self.prefix + topic, value, key) for topic, key, value in records]
            await asyncio.gather(*waiting)

    async def pack(self, value: bytes | None, count: int, headers: int = 0) -> None:
        """Publish one compressed record batch of so many equal records, each with so many empty headers."""
        largest = 2**31 - 1
        async with AIOKafkaProducer(
            bootstrap_servers=self.bootstrap, compression_type="zstd", max_batch_size=largest, max_request_size=largest
        ) as kafka:
            batch = kafka.create_batch()
            for _ in range(count):
                batch.append(key=None, value=value, timestamp=None, headers=[("", b"")] * headers)
            batch.close()
            await (await kafka.send_batch(batch, self.prefix + UNUSED, partition=self.dice.randrange(4)))


async def years(dose: Dose) -> None:
    """Times that no calendar can write, live and replayed."""
    times = (
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2100-01-01T00:00:00.001Z",
        "1969-12-31T23:59:59Z",
    )
    records = []
    for number, at in enumerate(times):
        data = {"contact_id": f"{dose.name}-years-{number}", "channel": CHANNEL, "queue": "poison"}
        records.append(home(dose.event(REFUSED, "contact.queued", data, time=at, replayid=f"{dose.name}-y")))
        records.append(home(dose.event(REFUSED, "contact.queued", data, time=at)))
    await dose.send(records)


async def durations(dose: Dose) -> None:
    """Wrap-ups as long as they may be, and longer."""
    records = []
    for number in range(100):
        contact = f"durations-{number}"
        for kind, data in (("queued", {"queue": "poison"}), ("connected", {}), ("ended", {"by": "agent"})):
            records.append(dose.contact(TAKEN, f"contact.{kind}", contact, **data))
        records.append(dose.contact(TAKEN, "contact.wrapped_up", contact, duration_ms=WEEK))
        records.append(dose.contact(REFUSED, "contact.wrapped_up", contact, duration_ms=2**53 - 1))
    await dose.send(records)


async def fields(dose: Dose) -> None:
    """Three events of one contact, each with 450 fields that nobody knows."""
    unknown = {f"unknown-{number}": "x" * 1900 for number in range(450)}
    await dose.send([dose.contact(TAKEN, "contact.held", "fields", **unknown) for _ in range(3)])


async def crowd(dose: Dose) -> None:
    """One customer with 500 open contacts whose names are as long as they may be."""
    records = []
    for number in range(500):
        contact = f"crowd-{number}-{dose.dice.randbytes(80).hex()}"[: 199 - len(dose.name)]
        for kind in ("initiated", "queued", "connected"):
            data = {"customer_id": dose.name, "tier": "gold", **({"queue": "poison"} if kind == "queued" else {})}
            records.append(dose.contact(TAKEN, f"contact.{kind}", contact, **data))
    await dose.send(records)


async def tiers(dose: Dose) -> None:
    """Waits of 400 tiers in one queue, each of 200 emoji."""
    faces = [chr(0x1F600 + number) for number in range(60)]
    names = ["".join(dose.dice.choices(faces, k=200)) for _ in range(400)]
    await dose.send(
        [
            dose.contact(TAKEN, "contact.queued", f"tiers-{number}", queue="poison-tiers", tier=name)
            for number, name in enumerate(names)
        ]
    )


async def replays(dose: Dose) -> None:
    """Thousands of replays that are only ever announced."""
    records: list[Raw] = []
    for number in range(2000):
        line = f"{dose.name}-{number}-{'l' * 100}"[:100]
        data = {"replay_id": line, "topics": [UNUSED]}
        marker = dose.event(EITHER, "replay.progressed", data, replayid=line)
        records.append((UNUSED, None, orjson.dumps(marker)))
    await dose.send(records)


async def digits(dose: Dose) -> None:
    """Messages of 100,000 digits."""
    texts = ("00 12 34 ", "1 2 3 ", "+49 30 ", "٣ ٤ ")
    said = {"direction": "inbound", "author": "customer", "sentiment": 0.0}
    await dose.send(
        [
            dose.contact(TAKEN, "message.sent", f"digits-{number}", text=(text * 50_000)[:100_000], **said)
            for number, text in enumerate(texts)
        ]
    )


async def long_text(dose: Dose) -> None:
    """990 KB of text in a field where nobody expects one."""
    await dose.send([dose.contact(EITHER, "contact.held", "long", comment="00 12 34 56 78 " * 66_000)])


async def bomb(dose: Dose) -> None:
    """A record batch of a few KB that inflates to 64 MB."""
    await dose.pack(bytes(64 << 20), 1)


async def empties(dose: Dose) -> None:
    """50,000 empty records in one batch."""
    await dose.pack(b"", 50_000)


async def headers(dose: Dose) -> None:
    """A record of 500,000 headers, in a batch of less than 1 KB."""
    await dose.pack(None, 1, headers=500_000)


async def alternating(dose: Dose) -> None:
    """A contact that is another customer's with each of 300 events."""
    await dose.send(
        [
            dose.contact(TAKEN, "contact.held", "alternating", customer_id=f"{dose.name}-{number % 2}")
            for number in range(300)
        ]
    )


async def progress(dose: Dose) -> None:
    """What only an agent may say, said by somebody else: a count of tasks that is wrong, a time that is to come."""
    records: list[Raw] = []
    for topic, origin in (("normalised", "ingest-0"), ("interactions", "identify-1"), ("measurements", "track-2")):
        for of, watermark in ((1000, 0), (4, 4_102_444_800_000)):
            said = {"kind": "progress", "origin": origin, "of": of, "lines": {"": {"watermark": watermark}}}
            records.append((f"contact.{topic}", b"poison", orjson.dumps({**said, "by": SOURCE + REFUSED})))
    await dose.send(records)


async def hanging(dose: Dose) -> None:
    """A transaction on a topic that nobody uses stays open for some seconds, and is given up."""
    async with AIOKafkaProducer(
        bootstrap_servers=dose.bootstrap, transactional_id=dose.name, transaction_timeout_ms=60_000
    ) as kafka:
        await kafka.begin_transaction()
        await kafka.send_and_wait(dose.prefix + OTHER_UNUSED, b"poison", b"poison", partition=dose.dice.randrange(4))
        await asyncio.sleep(dose.dice.uniform(4, 8))
        await kafka.abort_transaction()


async def ended(dose: Dose) -> None:
    """A replay of somebody else is said to be over, and one is over before it begins."""
    records: list[Raw] = []
    for line, topics in (("chaos-replay", ["contacts.voice"]), (f"{dose.name}-e", [f"contacts.{CHANNEL}"])):
        for topic in topics:
            for kind in ("replay.ended", "replay.progressed"):
                data = {"replay_id": line, "topics": topics}
                marker = dose.event(EITHER, kind, data, replayid=line, time="2099-01-01T00:00:00Z")
                records.append((topic, None, orjson.dumps(marker)))
    records.append(home(dose.event(EITHER, "contact.queued", {"contact_id": f"{dose.name}-e", "channel": CHANNEL, "queue": "poison"},
                                   replayid=f"{dose.name}-e", time="2024-01-01T00:00:00Z")))  # fmt: skip
    await dose.send(records)


async def replayed(dose: Dose) -> None:
    """An old event of a live customer, on the line of a replay that nobody announced."""
    data = {
        "contact_id": f"{dose.name}-old",
        "channel": CHANNEL,
        "queue": "poison",
        "customer_id": "cust-3",
        "tier": "gold",
    }
    line = {"time": "2024-01-01T00:00:00Z", "replayid": f"{dose.name}-r"}
    await dose.send([home(dose.event(EITHER, "contact.queued", data, **line))])


KINDS: Mapping[str, Callable[[Dose], Awaitable[None]]] = {
    kind.__name__: kind
    for kind in (
        years, durations, fields, crowd, tiers, replays, digits, long_text, bomb, empties, headers, alternating, progress, hanging, ended, replayed,
    )
}  # fmt: skip


async def serve(dose: Dose, kind: str) -> None:
    """Publish one kind; a broker that is away is waited for."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with suppress(KafkaError, TimeoutError, AssertionError):  # aiokafka asserts that it ever reached a broker
            await asyncio.wait_for(KINDS[kind](dose), 45)
            return
        await asyncio.sleep(0.5)
