"""What early signals of a defect go by; `signals.yaml` is read into it."""

from dataclasses import dataclass, field, replace
from typing import Annotated

from pydantic import Field, Strict

from streams.base.times import DAY_MS, HOUR_MS
from streams.base.units import FROM_FILES, Count, NotInFiles, Span
from streams.contacts.rules import Negative

DAYS_A_YEAR = 366
"""Tests that begin in a year, at most: one a day."""


@dataclass(frozen=True, slots=True)
class SignalRules:
    """``signals.yaml``; all times in ms. Raises ValueError for what cannot be."""

    negative: Negative = field(default_factory=Negative)
    false_alarms_per_year: Annotated[float, Strict(), Field(gt=0, le=1)] = 0.05
    """Of one product or topic whose share stays as it was: at most, on average."""
    tolerated_rise: Annotated[float, Strict(), Field(ge=1, le=3)] = 1.0
    """The stated rate holds as long as the share is at most so many times the one before."""
    least_rise: Annotated[float, Strict(), Field(ge=1, le=10)] = 1.25
    """A rise to less than so many times the share before is not worth a signal, however certain it is."""
    history_days: Annotated[int, Strict(), Field(ge=7, le=92)] = 28
    """The days that a share is held against, the newest that were normal."""
    test_days: Annotated[int, Strict(), Field(ge=2, le=28)] = 28
    """How long a rise is looked for from one beginning."""
    min_history: Count = 200
    """Contacts that the history must have."""
    min_contacts: Count = 30
    min_negative: Count = 5
    """Contacts, and negative ones, in which a rise must show; the first also those in which it must be over."""
    calm_days: Annotated[int, Strict(), Field(ge=1, le=7)] = 2
    recovery: Annotated[float, Strict(), Field(gt=0, le=1)] = 0.75
    """Over when so many whole days have a share that is back by that part of the rise: well below what fires."""
    quiet_after: Span = 7 * DAY_MS
    """Over when nothing was heard for so long."""
    max_names: Annotated[int, Strict(), Field(ge=1, le=100_000)] = 1000
    """Products and topics that are watched, over all tasks; of others nothing is told."""
    lateness_ms: Annotated[int, NotInFiles] = HOUR_MS

    __pydantic_config__ = FROM_FILES

    def __post_init__(self) -> None:
        if self.quiet_after % DAY_MS or self.quiet_after > 28 * DAY_MS:
            raise ValueError("quiet_after must be whole days, at most 28")

    @property
    def level(self) -> float:
        """The chance of a false alarm of one test: one begins each day."""
        return self.false_alarms_per_year / DAYS_A_YEAR

    def shared(self, tasks: int) -> "SignalRules":
        """The rules of one task of several: names are spread over them by key."""
        return replace(self, max_names=max(1, self.max_names // tasks))
