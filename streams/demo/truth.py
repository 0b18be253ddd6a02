"""The simulator's own book-keeping: what the pipeline's figures are checked against.

It is written where things happen in the simulation, not computed from the events: it shares no code with the pipeline.
All times and durations are milliseconds; keys of the counts are (channel, queue), the queue ``none`` for a contact that
never had one.
"""

from collections import Counter
from dataclasses import dataclass, field, fields

from streams.domain.policy import Rules


@dataclass
class Counts:
    """What happened in one queue of one channel."""

    offered: int = 0
    answered: int = 0
    abandoned: int = 0
    flowed_out: int = 0
    legs: int = 0
    legs_answered: int = 0
    legs_within: int = 0
    legs_abandoned: int = 0
    legs_flowed_out: int = 0
    legs_waiting: int = 0
    """Still waiting at the end."""
    wait_ms: int = 0
    """Of the answered legs."""
    handled: int = 0
    talk_ms: int = 0
    hold_ms: int = 0
    csat: int = 0
    csat_satisfied: int = 0
    csat_sum: int = 0

    def plus(self, other: "Counts") -> "Counts":
        """The sum of both, field by field."""
        return Counts(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))


@dataclass
class Leg:
    """One stay in a queue."""

    contact: str
    channel: str
    queue: str
    tier: str | None
    entered: int


@dataclass
class Truth:
    """What really happened so far; :meth:`close` once at the end."""

    rules: Rules
    """The limits that are counted by: of the waits, the service level and the satisfied answers."""
    counts: dict[tuple[str, str], Counts] = field(default_factory=dict)
    waiting: dict[int, Leg] = field(default_factory=dict)
    """Legs still open, by the identity of their ticket."""
    alerts: set[str] = field(default_factory=set)
    """Contacts whose wait must have raised an alert."""
    contacts: Counter[str] = field(default_factory=Counter)
    """Started, by channel."""
    ended: Counter[str] = field(default_factory=Counter)
    outcomes: dict[str, str] = field(default_factory=dict)
    """How the contacts that asked for a person came out so far."""
    messages: Counter[str] = field(default_factory=Counter)
    """Written by customers, by channel."""
    posts: int = 0
    events: int = 0
    malformed: Counter[str] = field(default_factory=Counter)
    """Published on purpose, by the reason the dead letter must give."""
    duplicates: int = 0

    def of(self, channel: str, queue: str) -> Counts:
        """The counts of one queue of one channel, made when missing."""
        return self.counts.setdefault((channel, queue), Counts())

    def total(self, channel: str | None = None) -> Counts:
        """The counts of one channel, or of the whole centre."""
        total = Counts()
        for (of_channel, _), counts in self.counts.items():
            if channel in (None, of_channel):
                total = total.plus(counts)
        return total

    def entered(self, ticket: int, leg: Leg) -> None:
        """A contact joined a queue."""
        self.waiting[ticket] = leg
        self.of(leg.channel, leg.queue).legs += 1

    def left(self, ticket: int, outcome: str, now: int) -> None:
        """A leg is over: answered, abandoned or flow_out."""
        leg = self.waiting.pop(ticket)
        counts, waited = self.of(leg.channel, leg.queue), now - leg.entered
        if outcome == "answered":
            counts.legs_answered += 1
            counts.legs_within += waited <= self.rules.kpis.threshold(leg.queue)
            counts.wait_ms += waited
        elif outcome == "abandoned":
            counts.legs_abandoned += 1
        else:
            counts.legs_flowed_out += 1
        self._alert(leg, waited)

    def came_out(self, contact: str, channel: str, queue: str, outcome: str) -> None:
        """A contact that asked for a person got one, gave up, or was led elsewhere; its first outcome counts."""
        if contact in self.outcomes:
            return
        self.outcomes[contact] = outcome
        counts = self.of(channel, queue)
        counts.offered += 1
        counts.answered += outcome == "answered"
        counts.abandoned += outcome == "abandoned"
        counts.flowed_out += outcome == "flow_out"

    def handled(self, channel: str, queue: str, talk_ms: int, hold_ms: int) -> None:
        """A contact that had a person is over."""
        counts = self.of(channel, queue)
        counts.handled += 1
        counts.talk_ms += talk_ms
        counts.hold_ms += hold_ms

    def rated(self, channel: str, queue: str, score: int) -> None:
        """A customer answered the satisfaction question, 1 to 5."""
        counts = self.of(channel, queue)
        counts.csat += 1
        counts.csat_satisfied += score >= self.rules.kpis.csat_satisfied_from
        counts.csat_sum += score

    def close(self, now: int) -> None:
        """The end: who still waits is counted as waiting, and alerts that must have fired by now are noted."""
        for leg in self.waiting.values():
            self.of(leg.channel, leg.queue).legs_waiting += 1
            self._alert(leg, now - leg.entered)

    def _alert(self, leg: Leg, waited: int) -> None:
        """An alert is due when a leg has waited strictly longer than a rule for its tier and channel allows."""
        for rule in self.rules.wait:
            if leg.tier in rule.tiers and leg.channel in rule.channels and waited > rule.limit_ms:
                self.alerts.add(leg.contact)
