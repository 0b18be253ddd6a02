"""The story of `demo story` without a broker: through all four agents once, and again from what was recorded of that,
with records that are made false.
"""

from collections.abc import Callable
from typing import Any

import orjson

from schemas import flow
from streams.demo.story import story
from streams.demo.story_parts import Act, Step, Story
from streams.demo.story_records import Record
from streams.demo.story_run import ActResult, StepResult, Telling
from streams.kafka.lanes import partition_of
from tests.support.erasure_story import KEY, SETTINGS, erasing_deployment
from tests.support.offline import NOW, mark, settle
from tests.support.system import home

PARTITIONS = 2
STORY = story(NOW, KEY.encode(), SETTINGS.nothing_left_ms)
Change = Callable[[Record], Record | None]
"""Makes a record false; None: it never came."""


class OfflineWire:
    """All agents in this process; markers of replays are on every partition."""

    def __init__(self, told: Story = STORY) -> None:
        self.run, self.now = erasing_deployment(partitions=PARTITIONS), NOW
        self._lines, self._begun, self._read = told.lines, set[str](), dict[tuple[str, int], int]()
        self.batches: list[list[Record]] = []
        """What came of each act."""

    async def tell(self, act: Act) -> None:
        self.batches.append([])
        if act.line and act.line not in self._begun:
            self._begun.add(act.line)
            self._mark(act.line, "started", self._lines[act.line].started_at)
        for event in act.events:
            topic, key = home(event)
            value = orjson.dumps(event | ({"replayid": act.line} if act.line else {}))
            self.run.publish(topic, key, value, self.now, partition_of(key, PARTITIONS))
        if act.until is not None:
            self._mark(act.line, "ended" if act.ends else "progressed", act.until)
        settle(self.run, self.now)
        self.now += 20_000

    async def more(self, seconds: float) -> list[Record]:
        found = []
        for (topic, partition), log in self.run.topics.items():
            start = self._read.get((topic, partition), 0)
            self._read[topic, partition] = len(log)
            if topic in flow.published():
                found += [_record(each) for each in log[start:] if each.key is not None]
        self.batches[-1] += found
        return found

    async def settle(self, seconds: float) -> list[Record] | None:
        return await self.more(seconds)

    def _mark(self, line: str, kind: str, at: int) -> None:
        before = {where: len(log) for where, log in self.run.topics.items()}
        mark(self.run, line, kind, at, self._lines[line].topics)
        for topic in self._lines[line].topics:
            for each in self.run.topics[topic, 0][before.get((topic, 0), 0) :]:
                for other in range(1, PARTITIONS):
                    self.run.publish(topic, each.key, each.value, self.now, other)


def _record(each: Any) -> Record:
    value = None if each.value is None else orjson.loads(each.value)
    return Record(each.topic, each.partition, each.offset, each.key.decode(), value)


class Recorded:
    """Says of each act what was recorded of it; looking takes as long as one may look."""

    def __init__(self, batches: list[list[Record]], change: Change = lambda record: record) -> None:
        self._batches = [[new for each in batch if (new := change(each)) is not None] for batch in batches]
        self._at, self.clock, self.settles = -1, 0.0, True
        self._left: list[Record] = []

    async def tell(self, act: Act) -> None:
        self._at += 1
        self._left += self._batches[self._at]

    async def more(self, seconds: float) -> list[Record]:
        self.clock += seconds
        found, self._left = self._left, []
        return found

    async def settle(self, seconds: float) -> list[Record] | None:
        return await self.more(0) if self.settles else None


class Silent:
    """Nobody watches."""

    def begins(self, number: int, of: int, step: Step) -> None: ...
    def waits(self, says: str) -> None: ...
    def acted(self, result: ActResult) -> None: ...
    def ends(self, result: StepResult) -> None: ...


_told: list[tuple[list[list[Record]], list[StepResult]]] = []


async def recorded() -> tuple[list[list[Record]], list[StepResult]]:
    """What came of each act through the agents, and what that proves; they are asked once."""
    if not _told:
        wire = OfflineWire()
        results = await Telling(wire, Silent()).tell(STORY, patience=30)
        _told.append((wire.batches, results))
    return _told[0]


async def again(change: Change, show: Any = None, settles: bool = True) -> list[StepResult]:
    """The same with records that were changed."""
    wire = Recorded((await recorded())[0], change)
    wire.settles = settles
    return await Telling(wire, show or Silent(), lambda: wire.clock).tell(STORY, patience=30)


def with_value(topic: str, among: dict[str, Any], **other: Any) -> Change:
    """Records of a topic that say this say something else, too; a function is given what they said."""

    def change(record: Record) -> Record | None:
        value = record.value
        if record.topic != topic or value is None or any(value.get(name) != each for name, each in among.items()):
            return record
        new = {name: each(value[name]) if callable(each) else each for name, each in other.items()}
        return Record(record.topic, record.partition, record.offset, record.key, {**value, **new})

    return change


def without(topic: str, key: str, gone: bool = False) -> Change:
    """No record of a key comes; ``gone``: only none that says that the key is gone."""

    def change(record: Record) -> Record | None:
        meant = record.topic == topic and record.key == key and (record.value is None or not gone)
        return None if meant else record

    return change
