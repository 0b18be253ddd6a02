"""The product's agents without a broker: one task of one of them, or all of them one behind the other."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import cycle
from typing import Any

import orjson
from aiokafka import TopicPartition

from schemas import flow, registry
from streams import app
from streams import rules as rule_files
from streams import settings as settings_module
from streams.base.times import HOUR_MS, iso, to_ms
from streams.engine import Inlet, Record
from streams.engine.offline import Offline, OfflineTask
from streams.settings import Settings
from streams.worker.metrics import Metrics
from streams.worker.plugins import load_scorer
from tests.support.alerting import told
from tests.support.records import Fetched, each_of, record
from tests.support.system import home

PARTITIONS = dict.fromkeys((*flow.published(), *flow.between()), 2)
NOW = int(time.time() * 1000)
RULES = rule_files.load()
SETTINGS = settings_module.load(bootstrap_servers="nowhere:1")
scorer = cache(load_scorer)
"""A scorer is made once: it keeps nothing, and takes 40 ms of lexicons."""
QUIET = 3
"""Runs without anything to read after which everything has come out."""


def inlets(settings: Settings = SETTINGS, rules: rule_files.Rules = RULES) -> dict[str, Inlet]:
    """The four agents' inlets, by name."""
    agents = app.inlets(settings, rules, Metrics(), scorer(settings.sentiment_scorer))
    return {inlet.name: inlet for inlet in agents}


def deployment(
    settings: Settings = SETTINGS, size: int = 4000, partitions: int = 1, rules: rule_files.Rules = RULES
) -> Offline:
    """All four agents, one task a partition."""
    return Offline(list(inlets(settings, rules).values()), dict.fromkeys(names(), partitions), size=size)


@cache
def names() -> tuple[str, ...]:
    return tuple(registry.topics())


class TaskUnderTest:
    """One task of an agent; `batch` handles records as the engine would, and what it tells itself by that; `restart`
    rebuilds it from its changelog.

    ``sent``: (topic, key, decoded value) of everything it sent.
    """

    def __init__(self, inlet: Inlet) -> None:
        self.task = OfflineTask(inlet, PARTITIONS, cache=4)
        self.info = self.task.info
        self.sent: list[tuple[str, bytes | None, Any]] = []
        self.seen: list[Record] = []
        """What it handled, in order: what it told itself included."""
        self.echo = True
        """Does it hear what it tells itself?"""
        self.told = 0
        """Records of that, so far."""

    @property
    def processor(self) -> Any:
        return self.task.processor

    @property
    def tables(self) -> Mapping[str, Any]:
        return self.task.tables

    @property
    def changelog(self) -> dict[bytes, bytes]:
        return self.task.changelog

    def restart(self) -> None:
        self.task.restart()

    def batch(self, records: Sequence[Record], now: int = NOW, caught_up: bool = False) -> None:
        known = {TopicPartition(topic, 0): now for topic in self.info.topics} if caught_up else {}
        while True:
            back: list[Fetched] = []
            self.seen += records
            for (topic, _), items in self.task.batch(records, now, known).items():
                for key, value in items:
                    told = None if value is None else orjson.loads(value)
                    self.sent += [(topic, key, each) for each in each_of(told)]
                    if self.echo and topic in self.info.topics:
                        back.append(record(topic=topic, key=key, value=value, offset=self.told, timestamp=now))
                        self.told += 1
            if not back:
                return
            records = back

    def batches(self, records: Sequence[Record], cuts: list[tuple[int, bool]]) -> "TaskUnderTest":
        """All records in batches; ``cuts``, in turns: how many of them, and whether a restart follows."""
        for size, restart in cycle(cuts):
            if not records:
                return self
            self.batch(records[:size])
            records = records[size:]
            if restart:
                self.restart()
        return self

    def on(self, topic: str) -> list[Any]:
        """What it sent; of ``alerts`` what it told of their conditions."""
        if topic == "alerts":
            return [told(each) for each in self.on("alert.conditions")]
        return [value for where, key, value in self.sent if where == topic and key is not None]


def the_ingest(*topics: str, **given: Any) -> TaskUnderTest:
    """The door, with two channels and no scorer of sentiment; or with the topics and settings given."""
    settings = settings_module.load(bootstrap_servers="nowhere:1", sentiment_scorer="none", **given)
    return TaskUnderTest(replace(inlets(settings)["ingest"], topics=topics or ("contacts.voice", "contacts.chat")))


def hops() -> dict[str, TaskUnderTest]:
    """The agents behind the door."""
    return {name: TaskUnderTest(inlet) for name, inlet in inlets().items() if name != "ingest"}


def fetched(events: list[dict[str, Any]], offset: int = 0) -> list[Fetched]:
    """Events as they lie on their topics."""
    found = []
    for number, one in enumerate(events):
        topic, key = home(one)
        found.append(record(topic=topic, key=key, value=orjson.dumps(one), offset=offset + number, timestamp=NOW))
    return found


def mark(run: Offline, line: str, kind: str, at: int, topics: Sequence[str]) -> None:
    """A marker of a replay on its topics: ``started``, ``progressed`` or ``ended``, at a time in ms."""
    for topic in topics:
        marker = {
            "specversion": "1.0",
            "id": f"{line}:{kind}:{at}:{topic}",
            "source": "/tests",
            "type": f"replay.{kind}",
            "time": iso(at),
            "data": {"replay_id": line, "topics": list(topics)},
            "replayid": line,
        }
        run.publish(topic, f"replay:{line}".encode(), orjson.dumps(marker), NOW)


def settle(run: Offline, now: int, step: int = 1000) -> None:
    """Run until nothing comes any more."""
    still = 0
    while still < QUIET:
        before = _came(run)
        now += step
        run.run(now)
        still = still + 1 if _came(run) == before else 0


def _came(run: Offline) -> int:
    return sum(
        len(log) for (topic, _), log in run.topics.items() if not topic.startswith(("contact.", "alert.conditions"))
    )


def through(events: list[dict[str, Any]], size: int, restart: bool) -> dict[str, list[Any]]:
    """A replay through all four agents, ``size`` events at a time; afterwards stream time passes everything.

    Until then it stands: one more topic of the replay, on which nothing comes, holds it.
    """
    run, topics = deployment(), sorted({home(one)[0] for one in events} | {"contacts.task"})
    mark(run, "r", "started", min(to_ms(one["time"]) for one in events) - 1, topics)
    for start in range(0, len(events), size):
        for one in events[start : start + size]:
            run.publish(*home(one), orjson.dumps(one | {"replayid": "r"}), NOW)
        run.run(NOW)
        if restart:
            run.restart()
    mark(run, "r", "ended", NOW + 30 * HOUR_MS, topics)
    settle(run, NOW)
    found = {
        topic: [orjson.loads(each.value) for each in run.on(topic) if each.value is not None]
        for topic in ("alert.events", "kpis")
    }
    found["alerts"] = list(map(told, found["alert.events"]))
    # A journey that an earlier contact joined has another name; the old one is taken back.
    newest = {each.key or b"": each.value for each in run.on("journeys")}
    standing = [orjson.loads(newest[key] or b"") for key in sorted(newest) if newest[key] is not None]
    return found | {"journeys": [{**each, "revision": 0} for each in standing]}


def limited(metrics: Metrics) -> dict[tuple[str, str], float]:
    found = {}
    for family in metrics.registry.collect():
        for sample in family.samples if family.name == "contact_streams_limits" else ():
            found[sample.labels["hop"], sample.labels["what"]] = sample.value
    return {key: value for key, value in found.items() if value}
