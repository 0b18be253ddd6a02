"""What the settings of a topic have to be, and which promise breaks where one is otherwise.

A topic is made once and altered by others. A setting that costs state, or makes results depend on when something is
read, keeps a worker from starting; one that only weakens what others were told is warned about. The demands here are
those that the engine's own promises hang on; an application adds its own.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from streams.engine.changelog import LAG_MS, TOMBSTONES_MS
from streams.engine.kafka import MAX_BATCH_BYTES

BROKERS_DEFAULT_BYTES = 1_048_588
"""``max.message.bytes`` of a broker that nobody has told otherwise."""
FIRST_FORMAT = (0, 11)
"""Version of Kafka whose records know transactions and headers."""


class Effect(StrEnum):
    """What a worker makes of a setting that is not as demanded."""

    REFUSED = "refused"
    """It does not start: results would be wrong, or state be lost."""
    WARNED = "warned"
    """It says so and goes on."""


@dataclass(frozen=True)
class Demand:
    """One setting of a topic: ``meets`` is asked with its value and the number of replicas."""

    setting: str
    allowed: str
    """In words."""
    meets: Callable[[str, int], bool]
    breaks: str
    """What is not so otherwise, in words."""
    mend: Callable[[int], str]
    """A value that meets it, for so many replicas."""
    effect: Effect = Effect.REFUSED


@dataclass(frozen=True)
class Departure:
    """A setting that is not as demanded."""

    topic: str
    value: str
    demand: Demand
    replicas: int = 1

    @property
    def mended(self) -> str:
        """A value that is as demanded."""
        return self.demand.mend(self.replicas)

    def __str__(self) -> str:
        asked = self.demand
        return f"{self.topic}: {asked.setting} is {self.value}, allowed is {asked.allowed}: {asked.breaks}"


def departures(topic: str, demands: Iterable[Demand], settings: Mapping[str, str], replicas: int) -> list[Departure]:
    """Where a topic's settings are not as demanded: of several demands on one setting the first that is not met. A
    setting that the broker does not tell, or does not have, is none.
    """
    found: dict[str, Departure] = {}
    for demand in demands:
        value = settings.get(demand.setting)
        if value is not None and demand.setting not in found and not demand.meets(value, replicas):
            found[demand.setting] = Departure(topic, value, demand, replicas)
    return list(found.values())


def exactly(setting: str, value: str, breaks: str, effect: Effect = Effect.REFUSED) -> Demand:
    """A setting that has to have this value."""
    return Demand(setting, value, lambda found, _: found == value, breaks, lambda _: value, effect)


def at_least(
    setting: str, least: int, breaks: str, effect: Effect = Effect.REFUSED, *, mend: int | None = None, unit: str = ""
) -> Demand:
    """A number that has to be so large, or -1: without a limit."""
    return Demand(
        setting,
        f"{least}{unit} or more",
        lambda found, _: int(found) == -1 or int(found) >= least,
        breaks,
        lambda _: str(least if mend is None else mend),
        effect,
    )


def at_most(setting: str, most: int, breaks: str, effect: Effect = Effect.REFUSED, *, unit: str = "") -> Demand:
    """A number that must not be larger."""
    return Demand(
        setting, f"at most {most}{unit}", lambda found, _: int(found) <= most, breaks, lambda _: str(most), effect
    )


def _knows_transactions(version: str, _: int) -> bool:
    """``version``: ``0.10.2-IV0``, ``3.0-IV1``; what is spelled otherwise is of a broker of later."""
    found = re.match(r"(\d+)\.(\d+)", version)
    return found is None or (int(found[1]), int(found[2])) >= FIRST_FORMAT


EVERY = (
    Demand(
        "unclean.leader.election.enable",
        "false where there are several replicas",
        lambda found, replicas: found == "false" or replicas < 2,
        "a broker that lacks confirmed records may come to lead, and a batch is then there in part",
        lambda _: "false",
    ),
    Demand(
        "min.insync.replicas",
        "2 or more of three replicas, and no more than there are",
        lambda found, replicas: (2 if replicas > 2 else 1) <= int(found) <= replicas,
        "what was confirmed may be on one broker only; of too many, older brokers let nothing be written",
        lambda replicas: "2" if replicas > 1 else "1",
        Effect.WARNED,
    ),
    Demand(
        "message.format.version",
        "0.11 or later",
        _knows_transactions,
        "records of that format know no transactions",
        lambda _: "3.0",
    ),
)
"""Of every topic."""
LARGE_ENOUGH = at_least(
    "max.message.bytes",
    MAX_BATCH_BYTES,
    "rows and outputs that are within their bounds are refused by the broker: state and figures are lost",
    mend=BROKERS_DEFAULT_BYTES,
)
"""Of every topic that is written."""
CHANGELOG = (
    exactly("cleanup.policy", "compact", "rows that have not changed for a while are deleted: state is lost"),
    at_least(
        "delete.retention.ms",
        TOMBSTONES_MS,
        "a state on disk, or a restore that takes long, misses removals and has rows that are gone",
        unit=" (24 h)",
    ),
    at_most(
        "max.compaction.lag.ms",
        LAG_MS,
        "rows that were removed stay on the broker's disks for no one knows how long",
        Effect.WARNED,
        unit=" (24 h)",
    ),
    LARGE_ENOUGH,
    exactly(
        "message.timestamp.type",
        "LogAppendTime",
        "the workers' clocks are not compared with the broker's",
        Effect.WARNED,
    ),
    *EVERY,
)
"""Of the changelogs."""
READ = (
    exactly("cleanup.policy", "delete", "records are removed for others of the same key before they were read"),
    *EVERY,
)
"""Of every topic that is read."""
