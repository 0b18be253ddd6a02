"""Everything that is decided by at the owner's key: the rules, and the capabilities that go by them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from streams.contacts.rules import ContactRules
from streams.customers.feelings import SentimentRule
from streams.customers.follow import HOOKS, Followers, having
from streams.customers.journeys import JourneyRules, Journeys
from streams.customers.moods import Moods
from streams.customers.segments import SegmentRules, Segments
from streams.customers.waits import WaitRule, Waits


@dataclass(frozen=True, slots=True)
class CustomerRules:
    """The rules of each capability. A new one that lives at the owner's key is one line in ``followers``."""

    contacts: ContactRules
    journeys: JourneyRules
    segments: SegmentRules
    wait: tuple[WaitRule, ...] = ()
    sentiment: tuple[SentimentRule, ...] = ()
    followers: Followers = field(init=False, repr=False, compare=False)
    asked: Mapping[str, Followers] = field(init=False, repr=False, compare=False)
    """Hook → those of them that have an answer of their own; for the others nothing follows."""

    def __post_init__(self) -> None:
        lateness_ms = self.contacts.lateness_ms
        followers = (
            Waits(self.wait, lateness_ms),
            Moods(self.sentiment, lateness_ms),
            Journeys(self.journeys, lateness_ms),
            Segments(self.segments),
        )
        object.__setattr__(self, "followers", followers)
        object.__setattr__(self, "asked", {hook: having(followers, hook) for hook in HOOKS})

    @property
    def alert_names(self) -> Iterable[str]:
        """The names of every rule that can raise an alert."""
        return [*(rule.name for rule in self.wait), *(rule.name for rule in self.sentiment)]
