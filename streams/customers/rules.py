"""Everything that is decided by at the owner's key: the rules, and the capabilities that go by them."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from streams.base.units import FROM_FILES
from streams.contacts.rules import ContactRules
from streams.customers.feelings import SentimentRule
from streams.customers.follow import HOOKS, Followers, having
from streams.customers.journey_rules import JourneyRules
from streams.customers.journeys import Journeys
from streams.customers.moods import Moods
from streams.customers.outreach import Outreach
from streams.customers.outreach_rules import OutreachRules
from streams.customers.quality import Qualities
from streams.customers.recommendations import Recommendations
from streams.customers.scores import SegmentRules
from streams.customers.segments import Segments
from streams.customers.services import ServiceRules
from streams.customers.silence import Silences
from streams.customers.silences import SilenceRules
from streams.customers.tiering import Tiering
from streams.customers.waits import WaitRule, Waits
from streams.customers.worth import WorthRules
from streams.policies.policy import Policy
from streams.quality.rules import QualityRules


@dataclass(frozen=True, slots=True)
class AlertRules:
    """``alerts.yaml``: a list of rules for each kind of alert. They have names and tiers, whatever they watch."""

    wait: tuple[WaitRule, ...] = ()
    sentiment: tuple[SentimentRule, ...] = ()

    __pydantic_config__ = FROM_FILES

    def __post_init__(self) -> None:
        twice = sorted(name for name, count in Counter(self.names).items() if count > 1)
        if twice:
            raise ValueError(f"two rules have the same name: {', '.join(twice)}")

    @property
    def names(self) -> Collection[str]:
        """Of every rule that can raise an alert."""
        return [rule.name for kind in fields(self) for rule in getattr(self, kind.name)]

    @property
    def severities(self) -> Mapping[str, str]:
        """By the names of the rules."""
        return {rule.name: rule.severity for kind in fields(self) for rule in getattr(self, kind.name)}

    def watching(self, tiers: frozenset[str]) -> "AlertRules":
        """The same, where rules that name no tiers watch these."""

        def meant(rule: Any) -> Any:
            return rule if rule.tiers else replace(rule, tiers=tiers)

        return replace(self, **{kind.name: tuple(map(meant, getattr(self, kind.name))) for kind in fields(self)})


@dataclass(frozen=True, slots=True)
class CustomerRules:
    """The rules of each capability. A new one that lives at the owner's key is one line in ``followers``."""

    contacts: ContactRules
    journeys: JourneyRules
    segments: SegmentRules
    alerts: AlertRules = field(default_factory=AlertRules)
    silence: SilenceRules = field(default_factory=SilenceRules)
    outreach: OutreachRules = field(default_factory=OutreachRules)
    worth: WorthRules = field(default_factory=WorthRules)
    services: ServiceRules = field(default_factory=ServiceRules)
    policy: Policy | None = None
    """How customers are served; None = nothing is recommended."""
    quality: QualityRules = field(default_factory=QualityRules)
    groups: tuple[str, ...] = ()
    """By what else facts count, as ``channel+tier``; see `streams.metrics.groups`."""
    followers: Followers = field(init=False, repr=False, compare=False)
    asked: Mapping[str, Followers] = field(init=False, repr=False, compare=False)
    """Hook → those of them that have an answer of their own; for the others nothing follows."""

    def __post_init__(self) -> None:
        lateness_ms = self.contacts.lateness_ms
        journeys, segments = Journeys(self.journeys, self.contacts), Segments(self.segments, self.services)
        followers = (
            Tiering(self.worth),  # the others go by the tiers that it decides
            Waits(self.alerts.wait, lateness_ms),
            Moods(self.alerts.sentiment, lateness_ms),
            journeys,
            segments,
            Silences(self.silence, self.contacts),
            Outreach(self.outreach, self.contacts),  # behind whom it hears
            Recommendations(self.policy, journeys, segments),
            Qualities(self.quality, self.policy, self.contacts),
        )
        object.__setattr__(self, "followers", followers)
        object.__setattr__(self, "asked", {hook: having(followers, hook) for hook in HOOKS})
