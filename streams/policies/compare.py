"""Two policies beside each other: what the second costs more, what it keeps, how many customers would pay for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from streams.policies.figures import Outcome
from streams.policies.policy import Policy


class Incomparable(ValueError):
    """Two policies cannot be compared; the message says why."""


@dataclass(frozen=True, slots=True)
class BreakEven:
    """``other`` against ``base``; money in cents."""

    base: str
    other: str
    extra_cost: Fraction
    value_kept: Fraction
    """Less value at risk than under the base."""
    mean_margin: Fraction
    """Of the record's customers, by what they are worth under the other one."""
    kept: Fraction
    """Customers who do not leave, by the shares of the two."""

    @property
    def to_keep(self) -> Fraction | None:
        """Customers whom the other one must keep beyond the base; None: they are worth nothing."""
        if self.extra_cost <= 0:
            return Fraction(0)
        return self.extra_cost / self.mean_margin if self.mean_margin else None

    @property
    def pays(self) -> bool:
        """Does it keep as much as it costs more?"""
        return self.value_kept >= self.extra_cost


def break_even(base: Outcome, other: Outcome) -> BreakEven:
    """The other one against the base."""
    total = other.total
    return BreakEven(
        base.name,
        other.name,
        total.cost - base.total.cost,
        base.total.at_risk - total.at_risk,
        total.margin / total.customers if total.customers else Fraction(0),
        base.total.leaving - total.leaving,
    )


def one_currency(policies: Sequence[tuple[str, Policy]]) -> str:
    """Of all of them. Raises `Incomparable` for several."""
    if len({policy.currency for _, policy in policies}) > 1:
        said = ", ".join(f"{name}: {policy.currency}" for name, policy in policies)
        raise Incomparable(f"the policies count in different currencies ({said}); there are no rates, so make them one")
    return policies[0][1].currency
