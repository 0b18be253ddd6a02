"""What other rules make of an alert that is not over."""

from msgspec.structs import replace

from streams.alerts.handling import Handling
from streams.alerts.machine import Standing, Steps, over_now, take_step
from streams.alerts.switching import RULE_CHANGED, RULE_REMOVED


def ruled(known: Standing, rule: Handling | None, version: str, now: int, *, handled: bool) -> Steps | Standing:
    """What other rules make of one that is not over. ``rule``: its rule; None = it is gone;
    ``handled``: its alerts are treated otherwise than before."""
    if rule is None:
        return [over_now(known, now, now, RULE_REMOVED)]
    condition = replace(known.condition, version=version)
    if not handled:
        return replace(known, condition=condition)
    labels = dict(rule.labels)
    for step in rule.escalation[: known.level]:
        labels |= step.labels
    escalated = known.level and known.severity != known.condition.severity
    severity = known.severity if escalated else rule.severity
    condition = replace(condition, severity=rule.severity)
    return [take_step(known, now, RULE_CHANGED, condition=condition, severity=severity, labels=labels)]
