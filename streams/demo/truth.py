"""The simulator's own book-keeping: what the pipeline's figures are checked against.

It is written where things happen in the simulation, not computed from the events: it shares no code with the pipeline.
All times and durations are milliseconds; keys of the counts are (channel, queue), the queue ``none`` for a contact that
never had one. What a contact has once (how it came out, its handling, its answer to a survey) is kept by contact, so
that what comes later takes the place of what was counted before.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field, fields, replace
from typing import NamedTuple

from streams.demo.askings import Replies
from streams.demo.whose import Spoken, Told, Whose
from streams.metrics.occupancy import ANY_CHANNEL
from streams.rules import Rules


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
    wrap_ms: int = 0
    transferred: int = 0
    """Of those handled."""
    went_on: int = 0
    """Times that contacts went on after an end, or after a rest in which they were taken for over."""
    replies: int = 0
    """First replies of a person."""
    reply_ms: int = 0
    replies_again: int = 0
    """First replies to what was asked after an end or a solution."""
    reply_again_ms: int = 0
    next_replies: int = 0
    """All replies but the contacts' first."""
    next_reply_ms: int = 0
    csat: int = 0
    csat_satisfied: int = 0
    csat_sum: int = 0
    nps: int = 0
    nps_balance: int = 0
    """Promoters less detractors."""
    ces: int = 0
    ces_easy: int = 0
    occupied_ms: int = 0
    """Of agents, by the queues that they serve, under the channel ``all``: busy, or with after-contact work."""
    ready_ms: int = 0
    """The same, and available."""

    def plus(self, other: "Counts") -> "Counts":
        """The sum of both, field by field."""
        return Counts(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))

    def add(self, other: "Counts", sign: int = 1) -> None:
        """Count the other here, or take it back."""
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + sign * getattr(other, each.name))


class Once(NamedTuple):
    """What a contact has once, and where it counts."""

    channel: str
    queue: str
    what: str
    counts: Counts


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
    outcomes: dict[str, Once] = field(default_factory=dict)
    """How the contacts that asked for a person came out so far."""
    handling: dict[str, Once] = field(default_factory=dict)
    answers: dict[str, Once] = field(default_factory=dict)
    """To surveys, by contact and metric."""
    told: Told = field(default_factory=Told)
    """Who each contact really was, and what was told of that."""
    people: dict[str, str] = field(default_factory=dict)
    """Whose each contact is by what was told, as the pipeline names an owner; known at the end."""
    shared: set[str] = field(default_factory=set)
    """Contacts that are nobody's for what they name is of several; known at the end."""
    unsaid: list[tuple["Leg", int]] = field(default_factory=list)
    """Legs of contacts that had not said a customer by then, and how long they waited."""
    messages: Counter[str] = field(default_factory=Counter)
    """Written by customers, by channel."""
    events: int = 0
    malformed: Counter[str] = field(default_factory=Counter)
    """Published on purpose, by the reason the dead letter must give."""
    duplicates: int = 0
    agents: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Agent → state, and since when."""

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

    def came_out(self, contact: str, channel: str, queue: str | None, outcome: str) -> None:
        """A contact that asked for a person got one, gave up, or was led elsewhere; its first outcome counts, but an
        answer whenever it comes.
        """
        before = self.outcomes.get(contact)
        if before is not None and (before.what == "answered" or outcome != "answered"):
            return
        counts = Counts(
            offered=1,
            answered=int(outcome == "answered"),
            abandoned=int(outcome == "abandoned"),
            flowed_out=int(outcome == "flow_out"),
        )
        self._once(self.outcomes, contact, Once(channel, queue or "none", outcome, counts))

    def handled(
        self, contact: str, place: tuple[str, str | None], times: tuple[int, int, int], transfers: int = 0
    ) -> None:
        """A contact that had a person is over; ``times``: talk, hold and after-contact work of all of it so far."""
        talk_ms, hold_ms, wrap_ms = times
        counts = Counts(handled=1, talk_ms=talk_ms, hold_ms=hold_ms, wrap_ms=wrap_ms, transferred=int(transfers > 0))
        self._once(self.handling, contact, Once(place[0], place[1] or "none", "handled", counts))

    def rated(self, contact: str, place: tuple[str, str | None], score: int, metric: str = "csat") -> None:
        """A customer answered a survey: CSAT 1 to 5, NPS 0 to 10, CES 1 to 7; the last answer of a contact counts."""
        if metric == "csat":
            counts = Counts(csat=1, csat_satisfied=int(score >= self.rules.kpis.csat.satisfied_from), csat_sum=score)
        elif metric == "nps":
            counts = Counts(nps=1, nps_balance=int(score >= 9) - int(score <= 6))
        else:
            counts = Counts(ces=1, ces_easy=int(score >= 5))
        self._once(self.answers, f"{contact}|{metric}", Once(place[0], place[1] or "none", metric, counts))

    def _once(self, of: dict[str, Once], contact: str, new: Once) -> None:
        before = of.get(contact)
        if before is not None:
            self.of(before.channel, before.queue).add(before.counts, -1)
        of[contact] = new
        self.of(new.channel, new.queue).add(new.counts)

    def went_on(self, channel: str, queue: str | None) -> None:
        """A contact that was over, or taken for over, goes on."""
        self.of(channel, queue or "none").went_on += 1

    def replied(self, channel: str, queue: str | None, took: Replies) -> None:
        """A person replied in writing."""
        self.of(channel, queue or "none").add(
            Counts(
                replies=took.first,
                reply_ms=took.first_ms,
                replies_again=took.again,
                reply_again_ms=took.again_ms,
                next_replies=took.next,
                next_reply_ms=took.next_ms,
            )
        )

    def does(self, agent: str, skills: Collection[str], state: str, now: int) -> None:
        """An agent who serves some queues is in a state from now on."""
        before, since = self.agents.get(agent, ("", now))
        if before in ("busy", "wrap-up", "available"):
            occupied = 0 if before == "available" else now - since
            for queue in skills:
                self.of(ANY_CHANNEL, queue).add(Counts(occupied_ms=occupied, ready_ms=now - since))
        self.agents[agent] = state, now

    def close(self, now: int) -> None:
        """The end: who still waits is counted as waiting, and alerts that must have fired by now are noted."""
        for leg in self.waiting.values():
            self.of(leg.channel, leg.queue).legs_waiting += 1
            self._alert(leg, now - leg.entered)
        self._who_is_who()

    def _alert(self, leg: Leg, waited: int) -> None:
        """An alert is due when a leg has waited strictly longer than a rule for its tier and channel allows."""
        if leg.tier is None:
            self.unsaid.append((leg, waited))
        for rule in self.rules.customers.alerts.wait:
            if leg.tier in rule.tiers and leg.channel in rule.channels and waited > rule.limit_ms:
                self.alerts.add(leg.contact)

    def _who_is_who(self) -> None:
        """Whose the contacts are in the end, and the alerts for customers whom identifiers alone tell."""
        whose = Whose(self.told, self.rules.identity)
        self.people = {contact: whose.of(contact) for contact in self.told.contacts}
        self.shared = {contact for contact in self.told.contacts if whose.is_shared(contact)}
        for leg, waited in self.unsaid:
            spoken = self.told.contacts.get(leg.contact, Spoken(leg.channel))
            owner = self.people.get(leg.contact, "").removeprefix("customer:")
            if spoken.customer is None and owner in self.told.tiers:
                self._alert(replace(leg, tier=self.told.tiers[owner]), waited)
