"""Service level, "x % in t seconds", in its seven variants; grain: queue leg.

They differ in what an abandoned leg is: a hit, a miss, or not counted at all. Within t is inclusive, times count from
entering the queue.
"""

from collections.abc import Callable
from typing import Protocol


class Legs(Protocol):
    """What a service level is computed from: legs by how and when they left the queue."""

    @property
    def answered(self) -> int: ...
    @property
    def answered_in_time(self) -> int: ...
    @property
    def abandoned(self) -> int: ...
    @property
    def abandoned_in_time(self) -> int: ...
    @property
    def short_abandoned(self) -> int: ...


Ratio = tuple[int, int]
"""Numerator and denominator."""


def abandon_in_time_is_hit(legs: Legs, waiting: int) -> Ratio:
    """An abandoned leg that left within t counts as a hit."""
    return legs.answered_in_time + legs.abandoned_in_time, legs.answered + legs.abandoned


def answered_only(legs: Legs, waiting: int) -> Ratio:
    """Abandoned legs do not count."""
    return legs.answered_in_time, legs.answered


def all_abandons_count(legs: Legs, waiting: int) -> Ratio:
    """Every abandoned leg is a miss."""
    return legs.answered_in_time, legs.answered + legs.abandoned


def in_threshold_abandons_excluded(legs: Legs, waiting: int) -> Ratio:
    """Legs abandoned within t do not count, later ones are misses."""
    return legs.answered_in_time, legs.answered + legs.abandoned - legs.abandoned_in_time


def short_abandons_positive(legs: Legs, waiting: int) -> Ratio:
    """Short abandons are hits, all others are misses."""
    return legs.answered_in_time + legs.short_abandoned, legs.answered + legs.abandoned


def short_abandons_excluded(legs: Legs, waiting: int) -> Ratio:
    """Short abandons do not count, all others are misses."""
    return legs.answered_in_time, legs.answered + legs.abandoned - legs.short_abandoned


def reached_threshold(legs: Legs, waiting: int) -> Ratio:
    """As `all_abandons_count`, and a leg still waiting that has waited for t or longer is a miss already: the default
    of live boards."""
    return legs.answered_in_time, legs.answered + legs.abandoned + waiting


VARIANTS: dict[str, Callable[[Legs, int], Ratio]] = {
    variant.__name__: variant
    for variant in (
        reached_threshold,
        abandon_in_time_is_hit,
        answered_only,
        all_abandons_count,
        in_threshold_abandons_excluded,
        short_abandons_positive,
        short_abandons_excluded,
    )
}
DEFAULT = "reached_threshold"


def service_level(legs: Legs, waiting: int = 0, variant: str = DEFAULT) -> float | None:
    """Share of legs, 0..1, that were answered in time; ``None`` when nothing counts.

    ``waiting``: legs still waiting that have waited for t or longer. Raises KeyError for an unknown variant.
    """
    numerator, denominator = VARIANTS[variant](legs, waiting)
    return numerator / denominator if denominator else None
