"""Event-time-weighted sums: each value counts half as much after every half-life.

Σ xᵢ·2^(−(t−tᵢ)/h), kept as the sum at its latest time. Adding in any order gives the same sum up to rounding (1e-9).
"""

import msgspec


class Decayed(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A decayed sum of values and of their weights, as of ``at``."""

    total: float = 0.0
    weight: float = 0.0
    at: int = 0


NOTHING = Decayed()


def factor(elapsed_ms: int, half_life_ms: int) -> float:
    """What is left of 1 after the elapsed time: 2^(−elapsed/half-life). Never above 1."""
    return 2.0 ** (-elapsed_ms / half_life_ms) if elapsed_ms > 0 else 1.0


def add(sums: Decayed, value: float, at: int, half_life_ms: int, weight: float = 1.0) -> Decayed:
    """One more value of that time, with its weight."""
    return merge(sums, Decayed(value * weight, weight, at), half_life_ms)


def merge(one: Decayed, other: Decayed, half_life_ms: int) -> Decayed:
    """The sum of both, as of the later of their times."""
    if not other.weight:
        return one
    if not one.weight:
        return other
    if one.at > other.at:
        one, other = other, one
    left = factor(other.at - one.at, half_life_ms)
    return Decayed(one.total * left + other.total, one.weight * left + other.weight, other.at)


def total_at(sums: Decayed, at: int, half_life_ms: int) -> float:
    """The sum of values as of a time not before the sum's own."""
    return sums.total * factor(at - sums.at, half_life_ms)
