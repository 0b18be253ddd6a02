"""The simulator's own book-keeping: what the pipeline's figures are checked against.

It is written where things happen in the simulation, not computed from what comes out: it shares no code with the
pipeline. All times and durations are milliseconds; keys of the counts are (channel, queue), the queue ``none`` for a
contact that never had one. What a contact has once (how it came out, its handling, its answer to a survey) is kept by
contact, so that what comes later takes the place of what was counted before.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from typing import NamedTuple

from streams.demo.askings import Replies
from streams.demo.counts import Counts, times, together
from streams.demo.lives import Life, needs, solution
from streams.demo.wait_rules import WaitRule, wait_rules
from streams.demo.whose import Spoken, Told, Whose
from streams.metrics.occupancy import ALL_QUEUES, ANY_CHANNEL
from streams.rules import Rules

CALL_WITHIN_MS = 24 * 3_600_000
"""A call-back is kept when a person speaks with the customer so soon."""


class Once(NamedTuple):
    """What a contact has once, and where it counts."""

    channel: str
    queue: str
    what: str
    counts: Counts


class Answer(NamedTuple):
    """The last one of a contact to the survey of NPS."""

    at: int
    place: tuple[str, str]
    score: int


@dataclass
class Leg:
    """One stay in a queue."""

    contact: str
    channel: str
    queue: str
    tier: str | None
    entered: int
    left: int | None = None

    def waits_at(self, moment: int) -> bool:
        """What happens in that moment has happened."""
        return self.entered <= moment and (self.left is None or self.left > moment)


@dataclass
class Truth:
    """What really happened so far; :meth:`close` once at the end."""

    rules: Rules
    """The limits that are counted by: of the waits, the service level and the satisfied answers."""
    counts: dict[tuple[str, str], Counts] = field(default_factory=dict)
    waiting: dict[int, Leg] = field(default_factory=dict)
    """Legs still open, by the identity of their ticket."""
    legs: list[Leg] = field(default_factory=list)
    """All of them."""
    waited: Counter[str] = field(default_factory=Counter)
    """By contact, until it was answered."""
    waits: list[WaitRule] = field(init=False)
    alerts: set[str] = field(default_factory=set)
    """Contacts whose wait must have raised an alert."""
    contacts: Counter[str] = field(default_factory=Counter)
    """Started, by channel."""
    lives: dict[str, Life] = field(default_factory=dict)
    """By contact."""
    shown: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """Contact → what its agents' texts were written to show."""
    outcomes: dict[str, Once] = field(default_factory=dict)
    """How the contacts that asked for a person came out so far."""
    handling: dict[str, Once] = field(default_factory=dict)
    answers: dict[str, Once] = field(default_factory=dict)
    """To surveys, by contact and metric."""
    last_answers: dict[str, Answer] = field(default_factory=dict)
    """By contact."""
    gone: set[str] = field(default_factory=set)
    """Contacts that customers left before they asked for anybody."""
    machines: set[str] = field(default_factory=set)
    """Contacts that a machine had before they asked for a person."""
    callbacks: dict[str, tuple[int, tuple[str, str]]] = field(default_factory=dict)
    """Contact → when and where it last asked to be called back."""
    calls: dict[str, int] = field(default_factory=dict)
    """Contact → when a person got through in it to who had asked for that; of one of ours that got through its
    beginning."""
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
    _unplaced: list[tuple[str, Counts]] = field(default_factory=list)
    """What happened to contacts before they had a queue; it counts in the first one that they get."""

    def __post_init__(self) -> None:
        self.waits = wait_rules(self.rules.customers.alerts)

    def of(self, channel: str, queue: str) -> Counts:
        """The counts of one queue of one channel, made when missing."""
        return self.counts.setdefault((channel, queue), Counts())

    def total(self) -> Counts:
        """The counts of the whole centre."""
        return together(self.counts.values())

    def entered(self, ticket: int, leg: Leg) -> None:
        """A contact joined a queue."""
        self.waiting[ticket] = leg
        self.legs.append(leg)
        self.of(leg.channel, leg.queue).legs += 1

    def left(self, ticket: int, outcome: str, now: int) -> None:
        """A leg is over: answered, abandoned or flow_out."""
        leg = self.waiting.pop(ticket)
        leg.left = now
        counts, waited = self.of(leg.channel, leg.queue), now - leg.entered
        within = waited <= self.rules.kpis.threshold(leg.queue)
        if outcome == "answered":
            counts.add(Counts(legs_within=within, waits=times(waited)))
        elif outcome == "abandoned":
            short = waited <= self.rules.kpis.short_abandon_ms
            counts.add(Counts(legs_abandoned_within=within, legs_short=short, given_up=times(waited)))
        else:
            counts.flows[waited] += 1
        self.waited[leg.contact] += waited
        self._alert(leg, waited)

    def came_out(self, contact: str, channel: str, queue: str | None, outcome: str) -> None:
        """A contact that asked for a person got one, gave up, or was led elsewhere; its first outcome counts, but an
        answer whenever it comes. One that our side opened asked for nobody.
        """
        if contact in self.lives and self.lives[contact].ours:
            return
        before = self.outcomes.get(contact)
        if before is not None and (before.what == "answered" or outcome != "answered"):
            return
        counts = Counts(offered=1, abandoned=int(outcome == "abandoned"), flowed_out=int(outcome == "flow_out"))
        if outcome == "answered":
            waited = self.waited[contact]
            counts.answers, counts.answered_within = (
                times(waited),
                int(waited <= self.rules.kpis.threshold(queue or "none")),
            )
        self._once(self.outcomes, contact, Once(channel, queue or "none", outcome, counts))

    def unasked(self, contact: str, what: str) -> None:
        """A contact that asked for no person is over: contained, or left by the customer."""
        self._place(contact, None, Counts(contained=int(what == "contained"), left=int(what == "left")))
        if what == "left":
            self.gone.add(contact)

    def turned_away(self, channel: str, queue: str) -> None:
        """A contact was not let into a queue."""
        self.of(channel, queue).turned_away += 1

    def handled(
        self, contact: str, place: tuple[str, str | None], spent: tuple[int, int, int], transfers: int = 0
    ) -> None:
        """A contact that had a person is over; ``spent``: talk, hold and after-contact work of all of it so far."""
        talk, hold, wrap = spent
        counts = Counts(
            transferred=int(transfers > 0),
            handles=times(talk + hold + wrap),
            talks=times(talk),
            holds=times(hold),
            wraps=times(wrap),
        )
        self._once(self.handling, contact, Once(place[0], place[1] or "none", "handled", counts))

    def rated(self, contact: str, place: tuple[str, str | None], score: int, metric: str = "csat", at: int = 0) -> None:
        """A customer answered a survey: CSAT 1 to 5, NPS 0 to 10, CES 1 to 7; the last answer of a contact counts."""
        where = place[0], place[1] or "none"
        if metric == "csat":
            counts = Counts(csat=1, csat_satisfied=int(score >= self.rules.kpis.csat.satisfied_from), csat_sum=score)
        elif metric == "nps":
            counts = Counts(nps=1, nps_balance=_balance(score))
            self.last_answers[contact] = Answer(at, where, score)
        else:
            counts = Counts(ces=1, ces_easy=int(score >= 5))
        self._once(self.answers, f"{contact}|{metric}", Once(*where, metric, counts))

    def _once(self, of: dict[str, Once], contact: str, new: Once) -> None:
        before = of.get(contact)
        if before is not None:
            self.of(before.channel, before.queue).add(before.counts, -1)
        of[contact] = new
        self.of(new.channel, new.queue).add(new.counts)

    def went_on(self, channel: str, queue: str | None) -> None:
        """A contact that was over, or taken for over, goes on."""
        self.of(channel, queue or "none").went_on += 1

    def replied(self, contact: str, queue: str | None, took: Replies) -> None:
        """We replied in writing."""
        counts = Counts(
            first_any=times(took.any),
            first_person=times(took.first),
            first_handed=times(took.handed),
            first_again=times(took.again),
            next_replies=times(took.next),
        )
        self._place(contact, queue, counts)

    def sounded(self, contact: str, queue: str | None, score: float) -> None:
        """A connector scored a customer's message, −1 to 1."""
        self._place(contact, queue, Counts(scored=1, scored_milli=round(score * 1000)))

    def _place(self, contact: str, queue: str | None, counts: Counts) -> None:
        if queue is None:
            self._unplaced.append((contact, counts))
        else:
            self.of(self.lives[contact].channel, queue).add(counts)

    # -- the end

    def does(self, agent: str, skills: Collection[str], state: str, now: int) -> None:
        """An agent who serves some queues is in a state from now on."""
        before, since = self.agents.get(agent, ("", now))
        if before in ("busy", "wrap-up", "available"):
            occupied = 0 if before == "available" else now - since
            for queue in (*skills, ALL_QUEUES):
                self.of(ANY_CHANNEL, queue).add(Counts(occupied_ms=occupied, ready_ms=now - since))
        self.agents[agent] = state, now

    def close(self, now: int) -> None:
        """The end: who still waits is counted as waiting, alerts that must have fired by now are noted, and so is what
        hangs on whose contacts are."""
        for leg in self.waiting.values():
            self.of(leg.channel, leg.queue).legs_waiting += 1
            self._alert(leg, now - leg.entered)
        for end in self._days(now):
            for leg in self.legs:
                if leg.waits_at(end) and end - leg.entered >= self.rules.kpis.threshold(leg.queue):
                    self.of(leg.channel, leg.queue).legs_reached += 1
        for contact, counts in self._unplaced:
            self._place(contact, self.lives[contact].queue or "none", counts)
        self._unplaced.clear()
        for contact in self.machines:
            life = self.lives[contact]
            if life.over is not None:
                alone = int(contact not in self.outcomes)
                self.of(life.channel, life.queue or "none").add(Counts(machine=1, machine_alone=alone))
        self._who_is_who()
        self._last_answers()
        self._called_back()
        self._solved()

    def waits_at(self, place: tuple[str, str], moment: int) -> list[int]:
        """How long those who wait there then have waited."""
        return [moment - leg.entered for leg in self.legs if (leg.channel, leg.queue) == place and leg.waits_at(moment)]

    def _days(self, now: int) -> Iterator[int]:
        """The ends of the days since the first leg."""
        zone = self.rules.kpis.time_zone
        day = datetime.fromtimestamp(min([leg.entered for leg in self.legs], default=now) / 1000, zone).date()
        end = 0
        while end <= now:
            day += timedelta(days=1)
            end = int(datetime.combine(day, time(), zone).timestamp() * 1000)
            yield end

    def _day(self, at: int) -> str:
        return f"{datetime.fromtimestamp(at / 1000, self.rules.kpis.time_zone):%Y-%m-%d}"

    def _alert(self, leg: Leg, waited: int) -> None:
        """An alert is due when a leg has waited strictly longer than a rule for its tier and channel allows."""
        if leg.tier is None:
            self.unsaid.append((leg, waited))
        if any(rule.is_broken(leg.tier, leg.channel, waited) for rule in self.waits):
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

    def _last_answers(self) -> None:
        """Of each person's answers of a day the last one counts."""
        last: dict[tuple[str, str], tuple[int, str]] = {}
        for contact, answer in self.last_answers.items():
            key = self.people[contact], self._day(answer.at)
            last[key] = max(last.get(key, (0, "")), (answer.at, contact))
        for _, contact in last.values():
            _, place, score = self.last_answers[contact]
            self.of(*place).add(Counts(nps_last=1, nps_last_balance=_balance(score)))

    def _called_back(self) -> None:
        """Kept, when a person spoke with the same customer soon enough, in whatever call of ours."""
        for contact, (asked, place) in self.callbacks.items():
            owner = self.people[contact]
            kept = any(
                asked <= at <= asked + CALL_WITHIN_MS and (call == contact or self.lives[call].ours)
                for call, at in self.calls.items()
                if self.people[call] == owner
            )
            self.of(*place).add(Counts(callbacks=1, callbacks_kept=int(kept)))

    def _solved(self) -> None:
        """What people needed, and how that was solved."""
        rules, theirs = self.rules.customers.journeys, defaultdict[str, list[Life]](list)
        for contact, life in self.lives.items():
            theirs[self.people[contact]].append(life)
        for lives in theirs.values():
            for need in needs(lives, rules):
                found = solution(need, rules.repeat_ms)
                if found is None:
                    continue
                (first, here), (latest, there) = found.first, found.latest
                counts = Counts(
                    solved=times(first - found.began), solved_once=int(found.once), stayed_solved=int(found.stayed)
                )
                self.of(here.channel, here.queue or "none").add(counts)
                counts = Counts(
                    resolved=times(latest - found.began),
                    reopenings=found.reopenings,
                    needed_contacts=found.contacts,
                    needed_transfers=found.transfers,
                )
                self.of(there.channel, there.queue or "none").add(counts)


def _balance(score: int) -> int:
    return int(score >= 9) - int(score <= 6)
