"""What `measure` keeps for signals, and how keys are made: ``line ␟ product|topic ␟ name``; of hours with a start."""

from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from streams.base.records import SEP, Fact

NEVER = -(1 << 62)
FOREVER = 1 << 62
KEPT_EXAMPLES, EXAMPLES = 15, 5
"""Examples kept of an hour while contacts may still be taken back, and published."""


class Example(msgspec.Struct, frozen=True, array_like=True, order=True, gc=False):
    """A negative contact, and the event that shows it."""

    time: int
    channel: str
    contact: str
    event: str
    owner: str = ""
    """Whose contact it was when it was counted."""

    @property
    def name(self) -> tuple[int, str, str, str]:
        """The same whoever has the contact."""
        return self.time, self.channel, self.contact, self.event


class Hour(msgspec.Struct, frozen=True, omit_defaults=True):
    """The contacts of one hour, which may still change."""

    contacts: int = 0
    negative: int = 0
    examples: tuple[Example, ...] = ()
    """The latest, in order of time."""


class Day(msgspec.Struct, frozen=True, array_like=True, gc=False):
    day: int
    """Since the epoch, UTC."""
    contacts: int
    negative: int


class Trial(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One test: what it holds against what came since it began."""

    day: int
    """The first day (since the epoch, UTC)."""
    contacts_before: int
    negative_before: int
    contacts: int = 0
    negative: int = 0


class Episode(msgspec.Struct, frozen=True):
    """A signal that fires: what was found when it did."""

    trial: Trial
    log_e: float
    fired_at: int
    examples: tuple[Example, ...]
    days: tuple[Day, ...] = ()
    """From the test's first day on; they are no history."""
    heard: int = 0
    """The last day with a contact."""


class Subject(msgspec.Struct, frozen=True, omit_defaults=True):
    """A product or topic."""

    today: Day | None = None
    """The day that is being added up."""
    days: tuple[Day, ...] = ()
    """The history: whole days, oldest first."""
    trials: tuple[Trial, ...] = ()
    examples: tuple[Example, ...] = ()
    """The latest, in order of time."""
    episode: Episode | None = None


class Told(msgspec.Struct, frozen=True):
    """The newest signal of a subject as it was published, while it names contacts: what of it may have to be taken
    back.
    """

    number: int
    """They are numbered as they were published."""
    record: dict[str, Any]
    examples: tuple[Example, ...]
    """Those in the record."""


@dataclass
class Tables:
    """Name → value type: what the agent declares, or plain dicts."""

    hours: MutableMapping[str, Hour] = field(default_factory=dict)
    subjects: MutableMapping[str, Subject] = field(default_factory=dict)
    """Every subject with an hour has a row, so this is also the list of names."""
    reached: MutableMapping[str, int] = field(default_factory=dict)
    """Line → hours that end at or before it are tested; they take nothing more."""
    told: MutableMapping[str, Told] = field(default_factory=dict)
    """Subject → what is on the topic. It stays when its replay is forgotten, as the record does."""

    def tell(self, key: str, record: dict[str, Any], examples: tuple[Example, ...]) -> dict[str, Any]:
        """Note what is published of a subject, and give it."""
        self.told.pop(key, None)
        made = {**record, "examples": shown(examples)}
        if examples:
            number = 1 + max((each.number for each in self.told.values()), default=0)
            self.told[key] = Told(number, made, examples)
        return made

    def forget(self, line: str) -> None:
        """Remove every row of a line but how far it came, and what was published of it."""
        for table in (self.hours, self.subjects):
            rows: MutableMapping[str, Any] = table
            for key in of_line(rows, line):
                del rows[key]


TABLE_TYPES: dict[str, Any] = {"hours": Hour, "subjects": Subject, "reached": int, "told": Told}


def examples_of(row: "Hour | Subject | Told | int") -> tuple[Example, ...]:
    """All contacts that a row names."""
    if isinstance(row, int):
        return ()
    firing = row.episode if isinstance(row, Subject) else None
    return (*row.examples, *(firing.examples if firing else ()))


def shown(examples: tuple[Example, ...]) -> list[dict[str, str]]:
    """As they are published, the latest first."""
    return [
        {"contact_id": each.contact, "channel": each.channel, "event_id": each.event} for each in reversed(examples)
    ]


def key_of(fact: Fact) -> str:
    """The subject of a fact."""
    return f"{fact.line}{SEP}{fact.variant}{SEP}{fact.about}"


def of_line(keys: Iterable[str], line: str) -> list[str]:
    """The keys that belong to a line."""
    prefix = line + SEP
    return [key for key in keys if key.startswith(prefix)]
