"""The rules that are watched at the owner's key, and what they need of a customer."""

from dataclasses import dataclass, field

from streams.alerts.conditions import Comparison
from streams.alerts.index import NOT_SWITCHED, Index
from streams.alerts.switching import Switched
from streams.contacts.contact import Contact
from streams.customers.tiers import Tiers
from streams.customers.watched.looking import fields_of, leaves_of, part_of, rules_of
from streams.customers.watched.moods import MOODS, Way, way_of
from streams.customers.watched.scenes import PROMISE
from streams.customers.watched.standings import Looked

WORDS = frozenset({"tier", "service_type", "policy", "channel", "queue"})
OF_JOURNEYS = frozenset({"repeats"})
"""Fields of a customer that follow from the journeys."""


@dataclass(frozen=True)
class Watched:
    """Rules by what they are about."""

    contacts: Index
    customers: Index
    journeys: Index
    switched: Switched = NOT_SWITCHED
    moods: Index = field(init=False)
    """Of those about customers, what reads how the customer feels alone: it goes by messages."""
    others: Index = field(init=False)
    """The other ones."""
    ways: dict[str, Way] = field(init=False)
    """How moods are reckoned that any rule reads, by name."""
    ruled: dict[str, tuple[str, ...]] = field(init=False)
    """The rules that read each of these."""
    promises: bool = field(init=False)
    legs_only: bool = field(init=False)
    """Nothing but stays in queues matters of a contact."""
    channels: frozenset[str] | None = field(init=False)
    """On which rules about contacts are; None = on any."""
    tiers: frozenset[str] | None = field(init=False)
    """The same of tiers."""

    def __post_init__(self) -> None:
        moods = part_of(self.customers, lambda read: bool(read & MOODS) and read <= MOODS | WORDS)
        others = part_of(self.customers, lambda read: not (read & MOODS and read <= MOODS | WORDS))
        ways: dict[str, Way] = {}
        ruled: dict[str, tuple[str, ...]] = {}
        for rule, leaf in leaves_of(self.customers):
            if leaf.field in MOODS:
                way = way_of(leaf.field, dict(leaf.parameters))
                ways[way.name] = way
                ruled[way.name] = (*ruled.get(way.name, ()), rule.name)
        read = fields_of(self.contacts)
        for name, value in (
            ("moods", moods),
            ("others", others),
            ("ways", ways),
            ("ruled", ruled),
            ("promises", PROMISE in read),
            ("legs_only", read <= WORDS | {"waiting"}),
            ("channels", _needed(self.contacts, "channel")),
            ("tiers", _needed(self.contacts, "tier")),
        ):
            object.__setattr__(self, name, value)

    def concern(self, contact: Contact, tiers: Tiers) -> bool:
        """May any rule about contacts be about this one, as it seems at a glance?"""
        if self.channels is not None and contact.channel not in self.channels:
            return False
        wanted = self.tiers
        if wanted is None or contact.tier in wanted:
            return True
        return any(tier in wanted for _, tier in contact.said) or any(tier in wanted for _, _, tier in tiers)

    def of_now(self, looked: Looked, line: str) -> Looked:
        """Without what was over when its rule came."""
        if not self.switched.since or not looked.standings:
            return looked
        of_before = self.switched.is_of_before
        found = tuple([each for each in looked.standings if not of_before(each.rule, line, each.until)])
        return looked if len(found) == len(looked.standings) else looked._replace(standings=found)

    @property
    def names(self) -> frozenset[str]:
        """Of all of them."""
        return frozenset({*self.contacts.places, *self.customers.places, *self.journeys.places})

    @property
    def read(self) -> frozenset[str]:
        """Fields and attributes that a rule reads, in its scope or its condition, or by which a bound differs."""
        found = set[str]()
        for index in (self.contacts, self.customers, self.journeys):
            for rule in rules_of(index):
                found |= rule.scope.keys()
            for _, leaf in leaves_of(index):
                found.add(leaf.field)
                if isinstance(leaf, Comparison):
                    found |= {leaf.bound.by, leaf.clear.by} - {""}
        return frozenset(found)

    @property
    def version(self) -> str:
        return self.contacts.version

    @property
    def writes(self) -> bool:
        """Are messages to be kept?"""
        return bool(self.ways) or "sentiment" in fields_of(self.journeys)


def _needed(index: Index, attribute: str) -> frozenset[str] | None:
    """The words without one of which no rule is about a subject; None = there are others."""
    free, words = index.scopes.get(attribute, (1, {}))
    return None if free else frozenset(words)
