"""When and how often we speak to a customer of our own accord: ``outreach.yaml``."""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from streams.base.times import DAY_MS
from streams.base.units import FROM_FILES, ChannelName, Count, RuleName, Span, TierName, Zone, reads

Trigger = Literal["purchase", "delivery", "promise-due", "search-failed", "bad-survey", "case-solved", "quiet"]
MAX_RULES = 32
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


def _minutes(value: object) -> int:
    found = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError('expected a time of day in quotes, such as "20:00"')
    return 60 * int(found[1]) + int(found[2])


ClockTime = Annotated[int, reads(_minutes, type="string", pattern=f"^{_CLOCK.pattern}$".replace(r"\d", "[0-9]"))]
"""``"20:00"`` → minutes since midnight."""


@dataclass(frozen=True, slots=True)
class QuietHours:
    """By the customer's clock; they may go over midnight."""

    begin: Annotated[ClockTime, Field(alias="from")]
    end: Annotated[ClockTime, Field(alias="until")]

    __pydantic_config__ = FROM_FILES

    def __post_init__(self) -> None:
        if self.begin == self.end:
            raise ValueError("from and until must differ; leave quiet_hours out where there are none")


@dataclass(frozen=True, slots=True)
class Cap:
    """At most so many within any span of this length."""

    most: Count
    within: Span

    __pydantic_config__ = FROM_FILES


@dataclass(frozen=True, slots=True)
class OutreachRule:
    """One reason to speak to a customer; times in ms."""

    name: RuleName
    after: Trigger
    delay_ms: Annotated[Span, Field(alias="delay")]
    channel: ChannelName
    purpose: RuleName
    basis: Literal["consent", "contract"] = "consent"
    """consent: only where it was given. contract: it belongs to what the customer bought, and goes out unless consent
    was withdrawn."""
    valid_ms: Annotated[Span, Field(alias="valid")] = 2 * DAY_MS
    """How long after the delay it may still go out."""
    campaign: Span | None = None
    """So long nothing else goes out, or until the customer answers."""
    tiers: frozenset[TierName] = frozenset()
    """None named: all, and customers of no tier."""
    silence: frozenset[Literal["good", "bad", "unknown"]] = frozenset()
    """After ``quiet``: only such silences. None named: all."""

    __pydantic_config__ = FROM_FILES

    def __post_init__(self) -> None:
        if self.silence and self.after != "quiet":
            raise ValueError(f"silence: only a rule after quiet has it, not one after {self.after}")


@dataclass(frozen=True, slots=True)
class OutreachRules:
    """``outreach.yaml``."""

    time_zone: Zone = field(default_factory=lambda: ZoneInfo("UTC"))
    """Where a customer is of whom nothing is known."""
    quiet_hours: QuietHours | None = None
    caps: Annotated[tuple[Cap, ...], Field(max_length=16)] = (Cap(4, 2 * DAY_MS), Cap(6, 14 * DAY_MS))
    rules: Annotated[tuple[OutreachRule, ...], Field(max_length=MAX_RULES)] = ()

    __pydantic_config__ = FROM_FILES

    def __post_init__(self) -> None:
        twice = sorted(name for name, count in Counter(rule.name for rule in self.rules).items() if count > 1)
        if twice:
            raise ValueError(f"two rules have the same name: {', '.join(twice)}")
        if any(cap.most > 100 for cap in self.caps):
            raise ValueError("caps: most is at most 100")
