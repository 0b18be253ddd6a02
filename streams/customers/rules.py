"""Everything that is decided by at the owner's key: the rules, and the capabilities that go by them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from pydantic import TypeAdapter, ValidationError

from streams.alerts.fields import SUBJECTS, Subject
from streams.alerts.index import NOT_SWITCHED, Index
from streams.alerts.reading import Problem
from streams.alerts.rules import AlertRule, AlertsFile
from streams.alerts.switching import Switched
from streams.contacts.rules import ContactRules
from streams.customers.follow import HOOKS, Followers, having
from streams.customers.journey_rules import JourneyRules
from streams.customers.journeys import Journeys
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
from streams.customers.watched.rules import OF_JOURNEYS, Watched
from streams.customers.watching import Watching
from streams.customers.worth import WorthRules
from streams.hours.calendars import Hours
from streams.policies.policy import Policy
from streams.quality.rules import QualityRules


@dataclass(frozen=True)
class AlertRules:
    """The rules of ``alerts.yaml``, and the opening hours by which they count."""

    file: AlertsFile = field(default_factory=AlertsFile)
    hours: Hours = field(default_factory=Hours)
    switched: Switched = NOT_SWITCHED
    """How they differ from those before, where they were applied while alerts were raised."""

    @property
    def names(self) -> Collection[str]:
        """Of every rule that can raise an alert."""
        return [rule.name for rule in self.file.enabled]

    @property
    def severities(self) -> Mapping[str, str]:
        """By the names of the rules."""
        return {rule.name: rule.severity for rule in self.file.enabled}

    def of(self, subject: Subject) -> tuple[AlertRule, ...]:
        """All that are enabled, about one kind of subject."""
        return tuple(rule for rule in self.file.enabled if rule.subject == subject)

    def index(self, subject: Subject) -> Index:
        """The same, to be watched by `streams.alerts.watching.watch`."""
        return self._indexes[subject]

    @property
    def watched(self) -> Watched:
        """Those that are about contacts, customers and journeys."""
        return Watched(self.index("contact"), self.index("customer"), self.index("journey"), self.switched)

    @cached_property
    def _indexes(self) -> dict[Subject, Index]:
        clocks, business = self.hours.clocks, self.hours.clock
        version, switched = self.file.version, self.switched
        return {each: Index(self.of(each), business, clocks, version, switched) for each in SUBJECTS}


_READ = TypeAdapter(AlertsFile)


class AlertReader:
    """Reads applied rules, as data, beside the other rules; ``high``: the tiers that are."""

    def __init__(self, hours: Hours | None = None, high: Collection[str] = ()) -> None:
        self.hours, self.high = hours or Hours(), high
        self._known: dict[str, AlertRules] = {}

    def read(self, version: str, given: Mapping[str, Any]) -> AlertRules:
        """Raises ``ValidationError``. The last ones are remembered, by their version."""
        found = self._known.get(version)
        if found is None:
            found = AlertRules(_READ.validate_python(given).watching(self.high), self.hours)
            self._known = {**dict([*self._known.items()][-3:]), version: found}
        return found

    def version(self, given: Mapping[str, Any]) -> str:
        """Raises ``ValidationError``."""
        return _READ.validate_python(given).watching(self.high).version

    def problem(self, given: Mapping[str, Any]) -> Problem | None:
        """What is wrong with them first: path, and what."""
        try:
            _READ.validate_python(given)
        except ValidationError as error:
            first = error.errors()[0]
            return Problem(first["loc"], first["msg"])
        return None


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
    policy_name: str = ""
    reader: AlertReader = field(default_factory=AlertReader, repr=False, compare=False)
    """Reads alert rules that are applied beside these."""
    followers: Followers = field(init=False, repr=False, compare=False)
    asked: Mapping[str, Followers] = field(init=False, repr=False, compare=False)
    """Hook → those of them that have an answer of their own; for the others nothing follows."""

    def __post_init__(self) -> None:
        lateness_ms = self.contacts.lateness_ms
        journeys, segments = Journeys(self.journeys, self.contacts), Segments(self.segments, self.services)
        followers = (
            Tiering(self.worth),  # the others go by the tiers that it decides
            journeys,
            segments,
            Silences(self.silence, self.contacts),
            Watching(self.alerts.watched, journeys, self.policy_name, lateness_ms),
            Outreach(self.outreach, self.contacts),  # behind whom it hears
            Recommendations(self.policy, journeys, segments),
            Qualities(self.quality, self.policy, self.contacts),
        )
        _follow(self, followers)

    def judging(self) -> "CustomerRules":
        """The same, with those capabilities alone that alert rules go by: for whoever wants nothing but alerts."""
        watched = self.alerts.watched
        names, read = {"worth", "watched"}, watched.read
        if "service_type" in read:
            return self  # it follows from what all of them know
        if watched.journeys.rules or read & OF_JOURNEYS:
            names.add("journeys")
        if "silence" in read:
            names.add("silence")
        only = replace(self)
        _follow(only, tuple(each for each in self.followers if each.name in names))
        return only


def _follow(rules: CustomerRules, followers: Followers) -> None:
    object.__setattr__(rules, "followers", followers)
    object.__setattr__(rules, "asked", {hook: having(followers, hook) for hook in HOOKS})
