"""What the quality of a contact is scored by: ``behaviours.yaml`` and ``quality.yaml``."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import AfterValidator, Field, Strict

from schemas.events import EVENTS
from streams.base.units import FROM_FILES, Percent, RuleName, Span, Text
from streams.contacts.service import CALLBACK

Share = Annotated[float, Strict(), Field(ge=-1, le=1)]
Rank = Annotated[int, Field(ge=1, le=99)]


def _ascending(spans: dict[int, int]) -> dict[int, int]:
    ordered = dict(sorted(spans.items()))
    if list(ordered.values()) != sorted(set(ordered.values())):
        raise ValueError("a higher percentile needs a longer time")
    return ordered


def _growing(shares: tuple[float, ...]) -> tuple[float, ...]:
    if list(shares) != sorted(shares):
        raise ValueError("the shares must grow: of contacts with none, with at most one, …")
    return shares


@dataclass(frozen=True, slots=True)
class QueueRules:
    """What is usual in one queue, by its own history, and what is to be done in each of its contacts."""

    time_ms: Annotated[dict[Rank, Span], AfterValidator(_ascending), Field(alias="time")] = field(default_factory=dict)
    """Percentile → so long it took at most until a contact was solved or over."""
    transfers: Annotated[tuple[Percent, ...], AfterValidator(_growing), Field(max_length=10)] = ()
    """Percent of the contacts that had no transfer, at most one, …"""
    steps: tuple[Text, ...] = ()
    """Behaviours or event types."""

    __pydantic_config__ = FROM_FILES


NO_QUEUE = QueueRules()


@dataclass(frozen=True, slots=True)
class QualityFile:
    """``quality.yaml``."""

    queues: dict[Text, QueueRules] = field(default_factory=dict)

    __pydantic_config__ = FROM_FILES

    def unknown(self, behaviours: tuple[str, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Steps that are neither a behaviour nor a type of event: path, and what is wrong."""
        for queue, rules in self.queues.items():
            for place, step in enumerate(rules.steps):
                if step not in behaviours and step not in EVENTS:
                    names = ", ".join(behaviours)
                    yield ("queues", queue, "steps", place), f"{step!r} is no type of event, nor one of {names}"


@dataclass(frozen=True, slots=True)
class QualityRules:
    """All of it, as contacts are scored."""

    human: dict[RuleName, float] = field(default_factory=dict)
    """Behaviour → what it adds to the human side; those that add nothing are there with 0."""
    kept_within_ms: dict[RuleName, int] = field(default_factory=dict)
    """Behaviours that are promises → until when we are to be heard of again."""
    queues: dict[str, QueueRules] = field(default_factory=dict)

    @property
    def promises(self) -> frozenset[str]:
        """Names of promises: those, and the call-back that the customer asked for."""
        return frozenset({*self.kept_within_ms, CALLBACK})

    @property
    def checked(self) -> frozenset[str]:
        """Event types that are steps of some queue."""
        return frozenset(step for queue in self.queues.values() for step in queue.steps if step in EVENTS)
