"""Conditions for tests of alerts: of the rule ``wait``, fingerprint ``wait@<who>``."""

from typing import Any

from msgspec.structs import replace

from streams.base.records import Condition, ConditionSubject


def condition(who: str, since: int, episode: str | None = None, *, rule: str = "wait", **more: Any) -> Condition:
    """One that holds, found at once."""
    subject = ConditionSubject("contact", customer=f"customer:{who}", contact=who, queue="cards", tier="gold")
    given = {"subject": subject, "value": 120, "limit": 120, "unit": "ms", "at": since, **more}
    return Condition(
        episode=episode or who,
        fingerprint=f"{rule}@{who}",
        rule=rule,
        what="waiting",
        severity="warning",
        since=since,
        **given,
    )


def over(
    who: str, since: int, until: int, reason: str = "answered", *, episode: str | None = None, **more: Any
) -> Condition:
    """The same, that is over."""
    return replace(condition(who, since, episode, **{"at": until, **more}), until=until, reason=reason)
