"""Everything that is decided by at the owner's key: the rules, and the capabilities that go by them."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from streams.contacts.rules import ContactRules
from streams.customers.feelings import SentimentRule
from streams.customers.follow import Followers, having
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
    changing: Followers = field(init=False, repr=False, compare=False)
    """Those of them that a change of a contact can change."""
    publishing: Followers = field(init=False, repr=False, compare=False)
    """Those that publish once for all that happened."""
    alarming: Followers = field(init=False, repr=False, compare=False)
    """Those that have alerts."""

    def __post_init__(self) -> None:
        lateness_ms = self.contacts.lateness_ms
        followers = (
            Waits(self.wait, lateness_ms),
            Moods(self.sentiment, lateness_ms),
            Journeys(self.journeys, lateness_ms),
            Segments(self.segments),
        )
        object.__setattr__(self, "followers", followers)
        object.__setattr__(self, "changing", having(followers, "changed"))
        object.__setattr__(self, "publishing", having(followers, "publish"))
        object.__setattr__(self, "alarming", having(followers, "firing"))

    @property
    def alert_names(self) -> Iterable[str]:
        """The names of every rule that can raise an alert."""
        return [*(rule.name for rule in self.wait), *(rule.name for rule in self.sentiment)]
