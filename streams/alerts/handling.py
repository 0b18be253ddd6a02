"""What becomes of a condition that holds: what the machine has to know of each rule."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from streams.alerts.matching import Matcher


@dataclass(frozen=True, slots=True)
class EscalationStep:
    """Nobody has acknowledged an alert ``after_ms`` after it fired."""

    after_ms: int
    severity: str | None = None
    """None = as before."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels that the alert gets, for routing."""


@dataclass(frozen=True, slots=True)
class Handling:
    """One rule."""

    name: str
    severity: str = "warning"
    for_ms: int = 0
    """How long a condition must hold before it fires."""
    keep_firing_ms: int = 0
    """How long an alert stays when its condition does not hold any more; if it holds again, it is the same episode."""
    expires_ms: int | None = None
    """After so long it is told no more; None = never."""
    per_minute: int | None = None
    """Most that fire in a minute of stream time; the others are held back, and told when there is room. None = all."""
    escalation: tuple[EscalationStep, ...] = ()
    owner: str | None = None
    runbook: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Inhibition:
    """While an alert of ``source`` fires, those of ``target`` that are equal to it in ``equal`` are suppressed."""

    source: tuple[Matcher, ...]
    target: tuple[Matcher, ...]
    equal: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Handlings:
    """All rules, and what they have to do with each other."""

    rules: Mapping[str, Handling] = field(default_factory=dict)
    inhibitions: tuple[Inhibition, ...] = ()
    version: str = ""
    """Of the rules: a digest of their files."""
