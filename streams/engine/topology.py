"""The topics as the broker has them: what a worker starts with, and a watch for what becomes of them while it runs.

A topic that is deleted, made anew or given more partitions says nothing to those who read it: the client goes on with
what it knows, and events stay unread or state is written to where nobody will look for it. So the broker is asked every
5 s. At a difference no more batches begin, `/readyz` says why at once, and when the difference stays the worker ends:
its supervisor's next start finds the topics as they then are, or refuses with what helps.

The same question tells whether the broker answers at all: when it has not for a while, `silent` says for how long.

How the topics are kept (`demands`) is asked at the start, and every 30 s. A setting that costs state or makes results
wrong keeps a worker from starting. It does not end one that runs: what the broker deletes it deletes anyway, and the
worker still has the state. `/readyz` says no, so that no rolling restart takes it away before somebody has mended that.
"""

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from mode import Service
from mode.utils.logging import get_logger

from streams.engine.changelog import Restored
from streams.engine.connection import Connection
from streams.engine.demands import Demand, Departure, Effect, departures
from streams.engine.errors import (
    ConfigurationError,
    LostState,
    MadeAnew,
    MissingTopics,
    PartitionsDiffer,
    SettingsDiffer,
    TopicsChanged,
)
from streams.engine.kafka import LARGEST_RECORD
from streams.engine.layout import Layout
from streams.engine.limits import largest_record
from streams.engine.losses import lost_changelogs, shortened
from streams.engine.metadata import NO_ERROR, NOT_AUTHORIZED, UNKNOWN_TOPIC, Topic, settings, topics
from streams.engine.task import Task

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
AGAIN_SECONDS = 1.0
"""Until the next look when the broker did not answer."""
SILENT_SECONDS = 8.0
"""How long the broker may leave a question unanswered: a restart takes 3 to 5 s and is nobody's business."""
LOOKS = 3
"""A difference that is still there after so many looks ends the worker: long enough for `/readyz` and a scrape to say
it, and for a broker that has just started to know all topics.
"""
SETTINGS_SECONDS = 30.0
"""Between two questions how the topics are kept."""
ANSWER_SECONDS = 10.0
DIGITS = 8
"""Of a topic's id, as kept in the position of a task: enough to tell two topics of one name apart."""
HELP = "docs/operations.md, Topics and partitions"


class Role(StrEnum):
    """What a topic is to the worker."""

    INPUT = "input"
    CHANGELOG = "changelog"
    OUTPUT = "output"
    BETWEEN = "between"
    """One agent writes it, the next one reads it."""


_SAYS = {
    ("deleted", Role.INPUT): "{name} was deleted: `contact-streams topics create`",
    ("deleted", Role.OUTPUT): "{name} was deleted: `contact-streams topics create`",
    ("deleted", Role.BETWEEN): "{name} was deleted, and with it what was not read of it. Rebuild: " + HELP,
    ("deleted", Role.CHANGELOG): "{name} was deleted, and with it the state of its agent: `contact-streams topics "
    "create` says what can be done",
    ("anew", Role.INPUT): "{name} was deleted and made anew: the next start says what becomes of it",
    ("anew", Role.BETWEEN): "{name} was deleted and made anew: what was not read of it is missing. Rebuild: " + HELP,
    ("anew", Role.CHANGELOG): "{name} was deleted and made anew, and the state of its agent is gone: the next start "
    "says what can be done",
    ("count", Role.INPUT): "{name} has {now} partitions and had {was}: nobody reads the others. " + HELP,
    ("count", Role.BETWEEN): "{name} has {now} partitions and had {was}: nobody reads the others. Rebuild: " + HELP,
    ("count", Role.OUTPUT): "{name} has {now} partitions and had {was}: the next start uses all of them",
    **{("hidden", role): "{name}: the broker no longer lets this worker see it, look at its ACLs" for role in Role},
}
"""What the worker cannot go on with, and what helps. What is not here changes nothing: an output that was made anew,
a changelog with more partitions.
"""


def difference(name: str, role: Role, was: Topic, now: Topic) -> str | None:
    """What happened to a topic that the worker cannot go on with, in words; ``None``: nothing did, or the broker does
    not know at the moment.
    """
    happened = {UNKNOWN_TOPIC: "deleted", NOT_AUTHORIZED: "hidden"}.get(now.error, "")
    if now.error == NO_ERROR and now.partitions != was.partitions:
        happened = "count"
    if now.error == NO_ERROR and now.id != was.id and (role is not Role.OUTPUT or not happened):
        happened = "anew"
    says = _SAYS.get((happened, role))
    return says.format(name=name, was=was.partitions, now=now.partitions) if says else None


class Start(NamedTuple):
    """The offset an input is read from; ``anew``: it is another topic than the one that the state was written by."""

    offset: int
    anew: bool = False


class Topology(Service):
    """What the topics were when the worker started, and whether they are it still. All else follows `read`."""

    logger = get_logger(__name__)

    def __init__(self, layout: Layout, connection: Connection, demands: Mapping[str, Sequence[Demand]]) -> None:
        """``demands``: topic → what its settings have to be."""
        super().__init__()
        self.layout, self.connection = layout, connection
        self.consumer: AIOKafkaConsumer
        self.topics: dict[str, Topic] = {}
        self.roles: dict[str, Role] = {}
        self.partitions: dict[str, int] = {}
        """Topic → how many it had at the start."""
        self.largest = LARGEST_RECORD
        """Most bytes of the key and value of what is written."""
        self._demands = demands
        self.why: tuple[str, ...] = ()
        """What is no longer as it was, in words. While there is something, no batch begins."""
        self.departures: tuple[Departure, ...] = ()
        """What is not kept as demanded."""
        self._weighed: float | None = None
        """When that was asked last."""
        self._seen = 0
        self._asked: float | None = None
        """When the oldest question was asked to which there was no answer since."""

    @property
    def silent(self) -> float:
        """For how many seconds the broker has not answered; 0 while it may be slow only, or restart."""
        seconds = time.monotonic() - self._asked if self._asked is not None else 0.0
        return seconds if seconds > SILENT_SECONDS else 0.0

    @property
    def refused(self) -> list[Departure]:
        """Of what is not kept as demanded, that with which no worker starts."""
        return [each for each in self.departures if each.demand.effect is Effect.REFUSED]

    def stages(self) -> dict[str, int]:
        """How many tasks each inlet has: as many as its widest topic has partitions."""
        return {name: max(self.partitions[t] for t in inlet.topics) for name, inlet in self.layout.inlets.items()}

    async def read(self, consumer: AIOKafkaConsumer) -> None:
        """What the worker starts with, by a started consumer of its group. Raises `TopologyError`,
        `ConfigurationError`.
        """
        self.consumer, outputs = consumer, self.layout.outputs
        self.roles = dict.fromkeys(outputs, Role.OUTPUT)
        self.roles |= {topic: Role.BETWEEN if topic in outputs else Role.INPUT for topic in self.layout.inlet_of}
        self.roles |= dict.fromkeys(self.layout.changelogs, Role.CHANGELOG)
        self.topics = await topics(consumer, self.roles)
        if hidden := sorted(name for name, topic in self.topics.items() if topic.error == NOT_AUTHORIZED):
            raise ConfigurationError(f"the broker does not let this worker see {', '.join(hidden)}; look at its ACLs")
        if missing := sorted(name for name, topic in self.topics.items() if not topic.partitions):
            raise MissingTopics(missing)
        self.partitions = partitions = {name: topic.partitions for name, topic in self.topics.items()}
        tasks = dict[TopicPartition, list[str]]()
        for inlet in self.layout.inlets.values():
            changelog = inlet.changelog(self.layout.app_id)
            widest = max(inlet.topics, key=lambda topic: partitions[topic])
            if partitions[changelog] < partitions[widest]:
                counts, ours = (partitions[changelog], partitions[widest]), self.roles[widest] is Role.BETWEEN
                raise PartitionsDiffer(changelog, widest, counts, HELP, rebuild=ours)
            for number in range(partitions[widest]):
                tasks[TopicPartition(changelog, number)] = [t for t in inlet.topics if number < partitions[t]]
        await self._weigh()
        if refused := self.refused:
            raise SettingsDiffer(refused)
        if lost := await lost_changelogs(self.connection, consumer, tasks):
            raise LostState(sorted({tp.topic for tp in lost}))
        for each in await shortened(consumer, tasks):
            log.error("%s", each)

    async def read_limits(self) -> None:
        """How large a record the topics take that are written: it is asked again when the broker has refused one."""
        self.largest = await largest_record(self.consumer, [*self.layout.outputs, *self.layout.changelogs])

    async def _weigh(self) -> None:
        """Ask how the topics are kept, and say what has become of it. Raises `KafkaError`."""
        demands = {name: asked for name, asked in self._demands.items() if name in self.roles}
        wanted = {demand.setting for each in demands.values() for demand in each}
        told = await settings(self.consumer, demands, wanted) if demands else {}
        if self._weighed is None and (untold := sorted(demands.keys() - told.keys())):
            log.warning("how these are kept is not known, it takes DESCRIBE_CONFIGS on them: %s", ", ".join(untold))
        self._weighed = time.monotonic()
        found = tuple(each for each in self.departures if each.topic not in told) + tuple(
            each
            for name, values in told.items()
            for each in departures(name, demands[name], values, self.topics[name].replicas)
        )
        for each in found:
            if each not in self.departures:
                log.log(logging.ERROR if each.demand.effect is Effect.REFUSED else logging.WARNING, "%s", each)
        kept = {(each.topic, each.demand.setting) for each in found}
        for each in self.departures:
            if (each.topic, each.demand.setting) not in kept:
                log.warning("%s: %s is as it has to be again", each.topic, each.demand.setting)
        self.departures = found

    def ids(self, names: Iterable[str]) -> dict[str, str]:
        """Topic → first digits of its id, as they are kept in the position."""
        return {name: self.topics[name].id[:DIGITS] for name in names}

    async def confirm(self, task: Task, found: Restored) -> None:
        """Is the restored changelog the one that the worker started with, and the one that it was written to? Raises
        `TopicsChanged`, `MadeAnew`.
        """
        name = task.changelog.topic
        now = (await topics(self.consumer, [name]))[name]
        if why := difference(name, Role.CHANGELOG, self.topics[name], now):
            raise TopicsChanged([why])
        if task.known.get(name, task.topics[name]) != task.topics[name]:
            raise MadeAnew(
                f"{name} was deleted and made anew while workers ran, and holds a part of the state only. Stop all "
                f"workers, delete it, and `contact-streams topics create --lost-state` decides: {HELP}"
            )
        if found.offsets is None and found.begin:
            raise MadeAnew(
                f"{name}-{task.changelog.partition}: all that it held was deleted. Stop all workers, delete {name}, "
                f"and `contact-streams topics create --lost-state` decides: {HELP}"
            )

    def begin(self, task: Task, tp: TopicPartition, first: int, end: int) -> Start:
        """Where a task reads an input from: the changelog's position, or the beginning of what was never read.

        An input that was made anew is read from its beginning when it comes from outside: who publishes has said again
        what matters, and duplicates are known. Raises `MadeAnew` for one that an agent of this application writes: what
        of the old one was not read is missing from the figures.
        """
        topic, position, known = tp.topic, task.position.get(tp.topic, first), task.known.get(tp.topic)
        anew = known != task.topics[topic] if known else position > end
        if (anew and topic in self.layout.outputs) or (position > end and not anew):
            raise MadeAnew(
                f"the state stands at offset {position} of {topic}-{tp.partition}, which ends at {end}: "
                + (f"it was deleted and made anew. Rebuild: {HELP}" if anew else f"records were lost. Rebuild: {HELP}")
            )
        if anew and topic in task.position:
            log.error("%s-%s was made anew, the state stood at offset %s: it is read from its beginning", *tp, position)
            return Start(first, anew=True)
        if position < first:
            log.error("%s-%s: offsets %s to %s were deleted before they were read", *tp, position, first)
        return Start(max(position, first))

    async def look(self) -> None:
        """Ask the broker once. Raises `TopicsChanged` when a difference has stayed."""
        if self._asked is None:
            self._asked = time.monotonic()
        try:
            now = await asyncio.wait_for(topics(self.consumer, self.roles), ANSWER_SECONDS)
        except (KafkaError, TimeoutError) as error:
            log.info("the broker did not say how its topics are: %s %s", type(error).__name__, error)
            return
        if silent := self.silent:
            log.warning("the broker answers again, after %.0f s", silent)
        self._asked = None
        await self._look_at_settings()
        found = {name: difference(name, role, self.topics[name], now[name]) for name, role in self.roles.items()}
        why = tuple(each for each in found.values() if each)
        if why != self.why:
            for each in why:
                log.error("%s", each)
            if not why:
                log.warning("all topics are as they were again")
            self.why, self._seen = why, 0
        self._seen += 1
        for name, topic in now.items():
            was = self.topics[name]
            if (topic.partitions, topic.id) != (was.partitions, was.id) and not found[name] and topic.error == NO_ERROR:
                log.warning(
                    "%s was changed from %s to %s partitions, or made anew; nothing here depends on it",
                    name,
                    was.partitions,
                    topic.partitions,
                )
                self.topics[name] = topic
        if why and self._seen >= LOOKS:
            raise TopicsChanged(why)

    async def _look_at_settings(self) -> None:
        if self._weighed is None or time.monotonic() < self._weighed + SETTINGS_SECONDS:
            return
        try:
            await asyncio.wait_for(self._weigh(), ANSWER_SECONDS)
        except (KafkaError, TimeoutError) as error:
            log.info("the broker did not say how its topics are kept: %s %s", type(error).__name__, error)

    @Service.task
    async def _watch(self) -> None:
        while not self.should_stop:
            await self.sleep(LOOK_SECONDS if self._asked is None else AGAIN_SECONDS)
            try:
                await self.look()
            except TopicsChanged as error:
                await self.crash(error)
                return
