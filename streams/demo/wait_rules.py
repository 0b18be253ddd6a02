"""The alert rules that the simulator knows by itself: those about a contact's wait alone."""

from typing import NamedTuple

from streams.alerts.conditions import Comparison
from streams.alerts.rules import AlertRule
from streams.customers.rules import AlertRules


class WaitRule(NamedTuple):
    """One of them."""

    rule: AlertRule
    test: Comparison

    def is_broken(self, tier: str | None, channel: str, waited: int) -> bool:
        """By a leg that has waited so long, ms."""
        limit = self.test.bound.of(tier or "")
        meant = tier in (self.rule.tiers or {tier}) and channel in (self.rule.channels or {channel})
        return meant and limit is not None and waited > limit


def wait_rules(alerts: AlertRules) -> list[WaitRule]:
    """Rules that ask for more than a tier, a channel and a limit are not among them."""
    known = {"tier", "channel"}
    return [
        WaitRule(rule, rule.when)
        for rule in alerts.of("contact")
        if isinstance(rule.when, Comparison)
        and (rule.when.field, rule.when.sign, rule.hours) == ("waiting", "above", None)
        and rule.scope.keys() <= known
        and rule.when.bound.by in ("", "tier")
    ]
