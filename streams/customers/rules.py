"""Everything that is decided by at the owner's key."""

from dataclasses import dataclass, field

from streams.contacts.rules import ContactRules
from streams.customers.journeys import JourneyRules
from streams.customers.moods import SentimentRule
from streams.customers.segments import SegmentRules
from streams.customers.waits import WaitRule


@dataclass(frozen=True, slots=True)
class CustomerRules:
    """The rules of each capability."""

    contacts: ContactRules = field(default_factory=ContactRules)
    journeys: JourneyRules = field(default_factory=JourneyRules)
    segments: SegmentRules = field(default_factory=SegmentRules)
    wait: tuple[WaitRule, ...] = ()
    sentiment: tuple[SentimentRule, ...] = ()

    @property
    def alert_names(self) -> tuple[str, ...]:
        """The names of every rule that can raise an alert."""
        return (*(rule.name for rule in self.wait), *(rule.name for rule in self.sentiment))
