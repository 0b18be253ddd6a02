"""The load of one run: live stories at a bounded rate, repeats, records nobody can use, commands, and one replay."""

import asyncio
import heapq
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import orjson
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from streams.base.times import iso
from tests.chaos import initiative, stories
from tests.chaos.erasures import EVERY_SECONDS, erasure
from tests.chaos.publisher import Publisher
from tests.chaos.stories import CUSTOMERS, Data, Raw, cloud_event, home

REPLAY = "chaos-replay"
REPLAY_TOPICS = ["contacts.voice", "contacts.chat", "contacts.messaging", "contacts.email", "contacts.in-person"]
REPLAY_START = 1_740_787_200_000 + 23 * 3_600_000
"""2025-03-01T23:00Z: the replayed contacts lie around a midnight."""
EVENTS_PER_STORY = 5
PAST = 400
"""Events kept to be sent again."""


@dataclass
class Load:
    """Publishes for ``duration`` seconds at about ``rate`` events per second; what it sends follows from ``seed`` and
    the clock.
    """

    publisher: Publisher
    seed: int
    duration: float
    rate: float = 150
    raising: bool = True
    partitions: int = 4
    newest: int = 0
    """Largest event time sent on the live line, ms."""
    _past: list[Raw] = field(default_factory=list)
    _stories: int = 0

    async def run(self) -> None:
        """All of it; everything is acknowledged in the end."""
        dice = random.Random(self.seed)
        await self._profiles(dice)
        replay = asyncio.create_task(self._replay(random.Random(self.seed + 1_000_000)))
        months = asyncio.create_task(self._months(random.Random(self.seed + 2_000_000)))
        commands = asyncio.create_task(self._commands())
        erasures = asyncio.create_task(self._erasures(random.Random(self.seed + 2_000_000)))
        try:
            await self._live(dice)
            await replay
            await months
            await erasures
        finally:
            commands.cancel()
            with suppress(asyncio.CancelledError):
                await commands
        await self.publisher.flush()

    async def fatal(self) -> None:
        """Send a contact whose message ends the process that handles it."""
        dice = random.Random(self.seed + self._stories)
        self._stories += 1
        story = stories.fatal(dice, f"fatal-{self.seed}-{self._stories}")
        now = int(time.time() * 1000)
        for number in range(len(story.moments)):
            await self.publisher.send(home(story.event(number, now)))

    async def _profiles(self, dice: random.Random) -> None:
        now = int(time.time() * 1000) - 30_000
        events = [
            stories.profile(dice, number, f"profile-{number}-0", now, first=True) for number in range(0, CUSTOMERS, 3)
        ]
        await self.publisher.send_all(home(event) for event in events)

    async def _live(self, dice: random.Random) -> None:
        began = time.monotonic()
        due: list[tuple[float, int, Iterator[tuple[float, Raw]], Raw]] = []
        until, next_story, number = began + self.duration, began, 0
        while (now := time.monotonic()) < until or due:
            while next_story <= now < until:
                next_story += dice.expovariate(self.rate / EVENTS_PER_STORY)
                self._begin(dice, due, next_story)
            while due and due[0][0] <= time.monotonic():
                _, _, following, record = heapq.heappop(due)
                await self._send(dice, record)
                number += 1
                if (after := next(following, None)) is not None:
                    heapq.heappush(due, (after[0], number, following, after[1]))
                if number % 25 == 0:
                    await self._extras(dice, number)
            await asyncio.sleep(0.02)

    def _begin(
        self, dice: random.Random, due: list[tuple[float, int, Iterator[tuple[float, Raw]], Raw]], at: float
    ) -> None:
        self._stories += 1
        story = stories.any_story(dice, f"k{self.seed}-{self._stories}", raising=self.raising)
        start = int(time.time() * 1000 + (at - time.monotonic()) * 1000)
        following = self._timed(story, start, at, random.Random(dice.random()))
        first = next(following)
        heapq.heappush(due, (first[0], -self._stories, following, first[1]))

    def _timed(self, story: stories.Story, start: int, at: float, dice: random.Random) -> Iterator[tuple[float, Raw]]:
        """Its records with the moments at which to send them: now and then one overtakes the one before it."""
        planned = []
        for number, (after, _, _) in enumerate(story.moments):
            late = 1.2 * dice.random() if dice.random() < 0.1 else 0.0
            event = story.event(number, start)
            if not story.late:
                self.newest = max(self.newest, start + after)
            planned.append((at + (0 if story.late else after / 1000) + late, number, home(event)))
        for moment, _, record in sorted(planned, key=lambda each: each[:2]):
            yield moment, record

    async def _send(self, dice: random.Random, record: Raw) -> None:
        await self.publisher.send(record)
        self._past.append(record)
        if len(self._past) > PAST:
            self._past.pop(dice.randrange(PAST // 2))

    async def _extras(self, dice: random.Random, number: int) -> None:
        """Repeats, ids that are used again, what cannot be used, profiles and agents."""
        now, name = int(time.time() * 1000), f"x{self.seed}-{number}"
        again = dice.choice(self._past)
        await self.publisher.send(again)
        # The same event in another order of its fields is still the same; with another time it is not.
        other = orjson.loads(dice.choice(self._past)[2] or b"")
        same = (*home(other)[:2], orjson.dumps(other, option=orjson.OPT_SORT_KEYS))
        self.publisher.send_after(same, home({**other, "time": stories.rfc3339(now - 1)}))
        await self.publisher.send(stories.malformed(dice, name, now))
        await self.publisher.send(home(stories.agent_state(dice, f"{name}-a", now)))
        if dice.random() < 0.3:
            customer = 3 * dice.randrange(CUSTOMERS // 3)
            await self.publisher.send(home(stories.profile(dice, customer, f"{name}-p", now, first=False)))
        if dice.random() < 0.3:
            await self.publisher.send(home(stories.word(dice, f"{name}-w", now)))

    async def _erasures(self, dice: random.Random) -> None:
        """Customers who are erased, some of them before all of their events are there."""
        for number in range(max(1, int(self.duration / EVERY_SECONDS))):
            for record in erasure(dice, f"{self.seed}-{number}", int(time.time() * 1000)):
                await self.publisher.send(record)
                await asyncio.sleep(EVERY_SECONDS / 20)

    async def _commands(self) -> None:
        """Close or acknowledge every fourth alert that fires, as a person would who watches the topic."""
        while True:
            consumer = AIOKafkaConsumer(
                self.publisher.prefix + "alert.events",
                bootstrap_servers=self.publisher.bootstrap,
                isolation_level="read_committed",
                auto_offset_reset="latest",
            )
            try:
                await consumer.start()
                async for record in consumer:
                    await self._command(orjson.loads(record.value))
            except KafkaError:
                await asyncio.sleep(0.5)
            finally:
                await consumer.stop()

    async def _command(self, step: Data) -> None:
        name, now = step["alert"]["episode_id"], int(time.time() * 1000)
        if step["because"] != "fired" or step["line"] or sum(name.encode()) % 4:
            return
        action = ("acknowledge", "escalate", "snooze", "close", "close", "close")[sum(name.encode()) // 4 % 6]
        data = {"alert_id": name, "action": action, "by": "chaos"}
        if action == "snooze":
            data["until"] = iso(now + 5_000)
        await self.publisher.send(home(cloud_event(f"do-{name}", "alert.commanded", now, data)))

    async def _replay(self, dice: random.Random) -> None:
        """Contacts of another day on a line of their own, in order of time, from begin to end."""
        told: list[tuple[int, Raw]] = []
        for number in range(int(self.duration * 2) + 20):
            story = stories.any_story(dice, f"r{self.seed}-{number}", raising=self.raising, late=False)
            start = REPLAY_START + dice.randrange(2 * 3_600_000)
            for moment, (after, _, _) in enumerate(story.moments):
                told.append((start + after, home(story.event(moment, start, REPLAY))))
        told += self._defect(dice)
        told.sort(key=lambda each: each[0])
        await self._mark("replay.started", REPLAY_START - 1, 0)
        pause = self.duration * 0.6 / len(told)
        for number, (at, record) in enumerate(told):
            if number % 50 == 49:
                await self.publisher.flush()
                await self._mark("replay.progressed", at - 1, number)
            await self.publisher.send(record)
            await asyncio.sleep(pause)
        await self.publisher.flush()
        await self._mark("replay.ended", told[-1][0] + 3_600_000, len(told))

    def _defect(self, dice: random.Random) -> list[tuple[int, Raw]]:
        """A product that goes bad at midnight, and one that does not."""
        told: list[tuple[int, Raw]] = []
        for number in range(120):
            later, product = number >= 60, ("reader", "card")[number % 2]
            bad = dice.random() < (0.8 if later and product == "reader" else 0.1)
            story = stories.about(dice, f"r{self.seed}-about-{number}", product, bad)
            start = REPLAY_START + 3_600_000 * later + dice.randrange(3_500_000)
            told += [
                (start + after, home(story.event(moment, start, REPLAY)))
                for moment, (after, _, _) in enumerate(story.moments)
            ]
        return told

    async def _months(self, dice: random.Random) -> None:
        """A replay of half a year, each event behind the one before: see `initiative`."""
        line, topics = initiative.LINE, initiative.TOPICS
        told = initiative.told(dice, f"quiet{self.seed}")
        await self._mark("replay.started", told[0][0] - 1, 0, line, topics)
        pause = self.duration * 0.6 / len(told)
        for number, (at, event) in enumerate(told):
            if number % 40 == 39:
                await self._mark("replay.progressed", at - 1, number, line, topics)
            await self.publisher.send_all([home(event)])
            await asyncio.sleep(pause)
        await self._mark("replay.ended", initiative.end(told), len(told), line, topics)

    async def _mark(
        self, kind: str, at: int, number: int, line: str = REPLAY, topics: Sequence[str] = REPLAY_TOPICS
    ) -> None:
        """A marker on every partition of every topic of the replay; what was sent before lies before it."""
        data = {"replay_id": line, "topics": list(topics)}
        event = {**cloud_event(f"{line}-{kind}-{number}", kind, at, data), "replayid": line}
        for topic in topics:
            for partition in range(self.partitions):
                await self.publisher.send((topic, None, orjson.dumps(event)), partition)
        await self.publisher.flush()
