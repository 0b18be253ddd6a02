"""What became of a replay's records at the door: has `ingest` read them, and which of them are dead letters?

begins = await positions(target, topics)            # before anything is published
…
async with Door(target, line, begins) as door:
    unread, watched = await door.wait()
    refused = await door.refused()
"""

import asyncio
import base64
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import orjson
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from streams.base.errors import TopicMissing
from streams.engine.connection import Connection
from streams.engine.kafka import partition_counts, written_ends
from streams.kafka.connection import open_consumer
from streams.kafka.drain import unread
from streams.kafka.reading import read_to_end, settled_ends
from streams.local.probe import unreachable
from streams.replay.contacts import event_id
from streams.replay.errors import PublishError
from streams.replay.reader import CallLog

NOBODY_SECONDS = 5.0
"""How long a group may be without a member until it is said that nobody reads."""
STALL_SECONDS = 60.0
"""How long workers may stand still until it is said that they do."""
_ASK_SECONDS = 0.2
DEAD_LETTERS = "contacts.dead-letters"
_COMMITTED: Mapping[str, Any] = {"isolation_level": "read_committed", "fetch_max_wait_ms": 50}


@dataclass(frozen=True)
class Target:
    """Where to publish, and the workers' group, which is asked how far it has read; empty = nobody is asked."""

    connection: Connection
    topic_prefix: str = ""
    group: str = ""


@dataclass(frozen=True)
class Refused:
    """One record that became a dead letter."""

    reason: str
    path: str | None
    message: str
    event: str | None
    """Id of the event; None for a control event."""
    contact: str


@dataclass(frozen=True)
class Refusal:
    """Records refused for one reason, and one of them as an example."""

    reason: str
    path: str | None
    message: str
    events: int
    line: int | None
    """Line of a row in the file, where it is known whose event it is."""


@dataclass(frozen=True)
class Verdict:
    """What the door says of a replay."""

    refusals: tuple[Refusal, ...] = ()
    """The most frequent first."""
    rows: int = 0
    """Rows of which an event was refused."""
    unread: int = 0
    """Records that no worker has read yet; what they hold is not known."""
    watched: bool = True
    """Was there a worker to wait for?"""

    @property
    def events(self) -> int:
        """Events refused, control events included."""
        return sum(refusal.events for refusal in self.refusals)


async def positions(target: Target, topics: Collection[str]) -> dict[TopicPartition, int]:
    """Where topics and dead letters end now: what is read later begins there. Raises PublishError, TopicMissing."""
    names, letters = [target.topic_prefix + topic for topic in topics], target.topic_prefix + DEAD_LETTERS
    async with open_consumer(target.connection, PublishError) as consumer:
        counts = await partition_counts(consumer)
        if missing := sorted(name for name in names if name not in counts):
            raise TopicMissing(
                f"topic missing at {target.connection.servers}: {', '.join(missing)}: run contact-streams topics create"
            )
        parts = [TopicPartition(name, part) for name in (*names, letters) for part in range(counts.get(name, 0))]
        return await written_ends(consumer, parts)


async def taken_before(target: Target, topic: str, line: str) -> set[str] | None:
    """Ids of the events that a replay of this name published before, when it has ended: of what comes now, only these
    are known, and change nothing. None when it has not ended. Reads the whole topic. Raises UserError.
    """
    key, mark = f"replay:{line}".encode(), f'"replayid":"{line}"'.encode()
    ids: set[str] = set()
    ended = False
    async for record in read_to_end(target.connection, [target.topic_prefix + topic]):
        if mark in (record.value or b""):
            event = orjson.loads(record.value)
            ended = ended or (record.key == key and event["type"] == "replay.ended")
            ids.add(event["id"])
    return ids if ended else None


class Door:
    """Asks how far the workers have read a replay, and what they refused; an async context manager. ``begins`` are the
    `positions` from before it. ``everything``: the topics hold nothing else, so every dead letter is of this replay.

    Raises PublishError, BrokerError.
    """

    def __init__(
        self, target: Target, line: str, begins: Mapping[TopicPartition, int], *, everything: bool = False
    ) -> None:
        self._target, self._line, self._begins, self._everything = target, line, begins, everything
        self._letters = [tp for tp in begins if tp.topic == target.topic_prefix + DEAD_LETTERS]
        self._inputs = [tp for tp in begins if tp not in self._letters]
        self._consumer = target.connection.consumer(**_COMMITTED)
        self._admin = target.connection.admin()

    async def __aenter__(self) -> Self:
        try:
            await self._consumer.start()
            await self._admin.start()
        except BaseException as error:
            await self._stop(error)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop(error)

    async def wait(self) -> tuple[int, bool]:
        """Wait until the group has read all that the topics hold now: (records that it has not, is it at work?).

        Waits as long as the group comes closer; `STALL_SECONDS` when it stands still, `NOBODY_SECONDS` when it has no
        member.
        """
        ends = await settled_ends(self._consumer, self._inputs)
        least = left = sum(end - self._begins[tp] for tp, end in ends.items())
        moved = seen = time.monotonic()
        while True:
            try:
                left = await unread(self._consumer, self._admin, self._target.group, ends)
                members = await self._members() if left else 0
            except KafkaError as error:
                if not error.retriable:
                    raise
                members = 0  # a broker on which no group was ever asked for makes its topic for them first
            now = time.monotonic()
            if not left:
                return 0, True
            if left < least:
                least, moved = left, now
            if members:
                seen = now
            if now - seen > NOBODY_SECONDS or now - moved > STALL_SECONDS:
                return left, now - seen <= NOBODY_SECONDS
            await asyncio.sleep(_ASK_SECONDS)

    async def refused(self) -> list[Refused]:
        """The records of this line that have become dead letters."""
        found: list[Refused] = []
        ends = await settled_ends(self._consumer, self._letters) if self._letters else {}
        async for record in self._between({tp: (self._begins[tp], end) for tp, end in ends.items()}):
            letter = orjson.loads(record.value)
            found += [refused async for refused in self._of_line(letter)]
        return found

    async def _of_line(self, letter: dict[str, Any]) -> AsyncIterator[Refused]:
        """The records a letter stands for that are of this line. Of a flood they are looked up where they lie."""
        tp = TopicPartition(letter["topic"], letter["partition"])
        begin = self._begins.get(tp, 0)
        if "offsets" not in letter:
            if letter["offset"] >= begin:
                payload, key = base64.b64decode(letter["payload"]), base64.b64decode(letter["key"] or "")
                for refused in self._refused(letter, key, payload):
                    yield refused
            return
        runs = letter["offsets"]
        async for record in self._between({tp: (max(runs[0][0], begin), runs[-1][1] + 1)}):
            if any(first <= record.offset <= last for first, last in runs):
                for refused in self._refused(letter, record.key or b"", record.value or b""):
                    yield refused

    def _refused(self, letter: Mapping[str, Any], key: bytes, payload: bytes) -> Iterator[Refused]:
        contact = key.decode("utf-8", "replace")
        try:
            event = orjson.loads(payload)
        except orjson.JSONDecodeError:  # longer than what a letter keeps: its key says whose it is
            ours, event = f'"replayid":"{self._line}"'.encode() in payload, {}
        else:
            event = event if isinstance(event, dict) else {}
            ours = self._line in (event.get("replayid"), event.get("line"))  # as published, and between agents
        if ours or self._everything:
            control = contact == f"replay:{self._line}"
            yield Refused(
                letter["reason"], letter["path"], letter["message"], None if control else event.get("id"), contact
            )

    async def _between(self, spans: Mapping[TopicPartition, tuple[int, int]]) -> AsyncIterator[Any]:
        """Records from the first offset up to the second of each partition, one partition after the other."""
        spans = {tp: span for tp, span in spans.items() if span[0] < span[1]}
        if not spans:  # a consumer that is stopped before it did anything raises
            return
        async with open_consumer(self._target.connection, PublishError, **_COMMITTED) as consumer:
            for tp, (begin, end) in spans.items():
                consumer.assign([tp])
                consumer.seek(tp, begin)
                while await consumer.position(tp) < end:
                    for record in (await consumer.getmany(tp, timeout_ms=100)).get(tp, ()):
                        if record.offset < end:
                            yield record

    async def _members(self) -> int:
        found = await self._admin.describe_consumer_groups([self._target.group])
        return sum(len(group[5]) for response in found for group in response.groups)

    async def _stop(self, error: BaseException | None) -> None:
        await self._admin.close()
        await self._consumer.stop()
        if isinstance(error, KafkaError):
            servers = self._target.connection.servers
            raise PublishError(await asyncio.to_thread(unreachable, servers, error)) from error


def verdict(log: CallLog, refused: Collection[Refused], unread: int = 0, *, watched: bool = True) -> Verdict:
    """What was refused, by reason and field, with the rows of the file that it came from."""
    if not refused:
        return Verdict(unread=unread, watched=watched)
    by_event = {event_id(event): event.line for event in log.planned}
    by_contact = {event.contact["contact_id"]: event.line for event in log.planned}
    kinds: defaultdict[tuple[str, str | None], list[tuple[int, str]]] = defaultdict(list)
    for each in refused:
        line = by_event.get(each.event or "") or by_contact.get(each.contact, 0)
        kinds[each.reason, each.path].append((line, each.message))
    found = [
        Refusal(reason, path, min(of_kind)[1], len(of_kind), min(of_kind)[0] or None)
        for (reason, path), of_kind in sorted(kinds.items(), key=lambda kind: -len(kind[1]))
    ]
    rows = {line for of_kind in kinds.values() for line, _ in of_kind} - {0}
    return Verdict(tuple(found), len(rows), unread, watched)


def too_late(log: CallLog, line: str, taken: Collection[str] | None) -> list[Refused]:
    """The events of a replay that has ended without them (`taken_before`)."""
    if taken is None:
        return []
    message = f"the replay {line} has ended before, and takes nothing more; replay under another --replay-id"
    return [
        Refused("replay-ended", None, message, event_id(event), event.contact["contact_id"])
        for event in log.planned
        if event_id(event) not in taken
    ]
