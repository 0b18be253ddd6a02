"""The simulated centre as a place: time, queues, agents, and the events they cause; customers are in ``stories``.

Simulated time is 0 when the doors open. What came in on the days before lies below that.
"""

import random
from collections import deque
from collections.abc import Collection, Generator, Iterable, Iterator
from typing import Any

import simpy

from schemas.routing import route
from streams.base.times import iso
from streams.demo import centre
from streams.demo.noting import note, went_on
from streams.demo.parts import SECOND_MS, Agent, Contact, Emission, Settings, Ticket
from streams.demo.people import Identifier, People, Person
from streams.demo.truth import Leg, Truth
from streams.demo.whose import Spoken

__all__ = ["Agent", "Contact", "Emission", "Settings", "Steps", "Ticket", "World"]

Steps = Generator[simpy.Event, Any, None]
"""A process of the simulation that returns nothing."""
SOURCES = {
    "feedback": "surveys", "case": "cases", "customer": "customers", "agent": "agents", "identity": "customers",
}  # fmt: skip
"""The systems that publish, by the first word of the type; all else is published by the channel's own system."""


class World:
    """The centre in simulated time; ``truth`` is kept up to the moment."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.truth = Truth(settings.rules)
        self.rng = random.Random(settings.seed)
        self.env = simpy.Environment(settings.begin_ms - settings.start_ms)
        self.people = People(settings.customers)
        self.busy: set[str] = set()
        self.agents = list(_hire())
        self.tickets: list[Ticket] = []
        self._calls: list[tuple[str, simpy.Event]] = []
        """Calls of ours that are due: of which queue, and what tells who makes it."""
        self.contacts: list[Contact] = []
        self._published: deque[Emission] = deque()
        self._ids = self._joined = 0

    @property
    def now(self) -> int:
        """Milliseconds since the epoch."""
        return self.settings.start_ms + int(self.env.now)

    def clock(self, channel: str) -> int:
        """This moment as the channel's system writes it down, ms since the epoch."""
        return self.now // SECOND_MS * SECOND_MS if channel in centre.WHOLE_SECONDS else self.now

    def take_published(self) -> Iterator[Emission]:
        """What was published since the last call, in order."""
        while self._published:
            yield self._published.popleft()

    def pause(self, low_s: float, high_s: float) -> simpy.Event:
        """Some time between two limits."""
        return self.after(self.rng.uniform(low_s, high_s))

    def after(self, seconds: float) -> simpy.Event:
        """Exactly this time, on whole milliseconds."""
        return self.env.timeout(max(int(seconds * 1000), 1))

    def until(self, moment: int) -> simpy.Event:
        """The moment of simulated time, or very soon when it is over."""
        return self.env.timeout(max(moment - int(self.env.now), SECOND_MS))

    def chance(self, share: float) -> bool:
        """True in this share of all cases."""
        return self.rng.random() < share

    # -- publishing

    def tell(self, contact: Contact, event_type: str, /, **data: Any) -> None:
        """Publish a contact event; now and then the connector sends it twice."""
        at = self.clock(contact.channel)
        note(self.truth, contact, event_type, data, at)
        what = {"contact_id": contact.id, "channel": contact.channel, **self._who(contact, event_type), **data}
        emission = self.publish(event_type, what, at)
        if self.chance(centre.DUPLICATE_SHARE):
            self._published.append(emission)
            self.truth.duplicates += 1

    def _who(self, contact: Contact, event_type: str) -> dict[str, Any]:
        """What the event says of the person; who asks how it was only knows the contact."""
        who: dict[str, Any] = {}
        if event_type == "feedback.given":
            return who
        told = self.truth.told.contacts.setdefault(contact.id, Spoken(contact.channel))
        if contact.known and contact.customer is not None:
            who["customer_id"] = told.customer = contact.customer.id
        elif contact.says is not None:
            who["customer_id"] = contact.says
        if contact.identifier is not None and event_type in ("contact.initiated", "message.sent", "post.made"):
            who["identifiers"] = listed((contact.identifier, *contact.besides))
            told.named.update(names(contact.besides if contact.withheld else (contact.identifier, *contact.besides)))
        return who

    def reopen(self, contact: Contact) -> None:
        """The contact goes on after its end, with what is told next."""
        contact.over, contact.last_word = False, None
        went_on(self.truth, contact)

    def publish(self, kind: str, data: dict[str, Any], at: int | None = None) -> Emission:
        """Put an event of this moment on its topic; ``at``: the time it bears, when that is another."""
        topic, key = route({"type": kind, "data": data})
        emission = Emission(topic, key, self.now, event=self.envelope(key, kind, data, at))
        self._published.append(emission)
        self.truth.events += 1
        return emission

    def publish_raw(self, topic: str, key: str, raw: bytes) -> None:
        """Put bytes on a topic that are not a valid event."""
        self._published.append(Emission(topic, key, self.now, raw=raw))

    def envelope(self, key: str, kind: str, data: dict[str, Any], at: int | None = None) -> dict[str, Any]:
        """A CloudEvent of this moment, with the next id."""
        self._ids += 1
        return {
            "specversion": "1.0",
            "id": f"{self.settings.line}.{self._ids}",
            "source": f"/demo/{SOURCES.get(kind.partition('.')[0]) or data.get('channel', 'centre')}",
            "type": kind,
            "time": iso(self.now if at is None else at),
            "subject": key,
            "datacontenttype": "application/json",
            "replayid": self.settings.line,
            "data": data,
        }

    def introduce(self) -> Steps:
        """The customer system publishes everybody's profile before the doors open."""
        for person in self.people.customers:
            self.profile(person)
        yield self.after(0)

    def profile(self, person: Person) -> None:
        """The customer system says all that it knows of a customer."""
        customer, found = person.customer, person.listed()
        if customer is None:
            return
        data = {
            "customer_id": customer.id,
            "tier": customer.tier,
            "value_cents": customer.value_cents,
            "language": "en",
            "identifiers": listed(found),
        }
        self.publish("customer.profile_changed", data)
        self.truth.told.listed[customer.id], self.truth.told.tiers[customer.id] = set(names(found)), customer.tier

    def cut(self, identifier: Identifier, customer: str, reason: str) -> None:
        """Somebody in the back office says that an identifier is not this customer's."""
        pair = next(names((identifier,))), f"customer:{customer}"
        self.publish("identity.cut", {"identifier": pair[0], "other": pair[1], "reason": reason, "by": "back-office"})
        self.truth.told.cut.add(frozenset(pair))

    # -- queues and agents

    def join(self, contact: Contact, queue: str) -> Ticket:
        """Put a contact at the end of a queue."""
        ticket = Ticket(self.enter(contact, queue), contact, queue, self.env.event())
        self.tickets.append(ticket)
        self.dispatch()
        return ticket

    def enter(self, contact: Contact, queue: str) -> int:
        """The contact waits in a queue from now on; the number of its stay there."""
        self._joined += 1
        contact.queue, contact.leg = queue, self._joined
        tier = contact.customer.tier if contact.customer is not None and contact.known else None
        leg = Leg(contact.id, contact.channel, queue, tier, self.clock(contact.channel))
        self.truth.entered(self._joined, leg)
        self.tell(contact, "contact.queued", queue=queue, skill=queue)
        return self._joined

    def leave(self, ticket: Ticket, outcome: str) -> None:
        """Take a contact out of its queue unanswered: abandoned or flow_out."""
        if ticket.state == "waiting":
            self.tickets.remove(ticket)
        ticket.state = "gone"
        self.left(ticket.contact, outcome)

    def left(self, contact: Contact, outcome: str, at: int | None = None) -> None:
        """The contact waits in its queue no more: answered, abandoned or flow_out; ``at``: since when, if not now."""
        if contact.leg is not None:
            self.truth.left(contact.leg, outcome, self.clock(contact.channel) if at is None else at)
            contact.leg = None

    def answered(self, contact: Contact) -> None:
        """A person has it: by being there, or by the message that is told next."""
        self.left(contact, "answered")
        self.truth.came_out(contact.id, contact.channel, contact.queue, "answered")
        self.truth.lives[contact.id].met = True

    def by_machine(self, contact: Contact) -> None:
        """A bot or the help pages have it."""
        self.truth.machines.add(contact.id)
        self.truth.lives[contact.id].served = True

    def connect(self, contact: Contact, agent_id: str) -> None:
        """A person is there."""
        self.answered(contact)
        contact.human = True
        if contact.id in self.truth.callbacks:
            self.truth.calls.setdefault(contact.id, self.clock(contact.channel))
        self.tell(contact, "contact.connected", party="human", agent_id=agent_id)

    def close(self, end_ms: int) -> None:
        """The end of the line. What nobody spoke of for longer than the rules allow is over for the figures."""
        for contact in self.contacts:
            idle_ms = self.settings.rules.customers.contacts.timeout_ms(contact.channel)
            if contact.over or end_ms - (contact.last_word or end_ms) <= idle_ms:
                continue
            life = self.truth.lives[contact.id]
            life.over, life.rested = life.last + idle_ms, True
            self.left(contact, "flow_out", life.over)
            if contact.queue is not None:
                self.truth.came_out(contact.id, contact.channel, contact.queue, "flow_out")
        for agent in self.agents:
            self.truth.does(agent.id, agent.skills, "", end_ms)
        self.truth.close(end_ms)

    def dispatch(self) -> None:
        """Make the calls that are due, and offer the contacts that wait longest to the agents that are free longest."""
        for call in list(self._calls):
            agent = self.free_agent((call[0],))
            if agent is not None:
                self._calls.remove(call)
                self.take(agent)
                call[1].succeed(agent)
        for ticket in list(self.tickets):
            agent = self.free_agent((ticket.queue,))
            if agent is not None:
                self.tickets.remove(ticket)
                ticket.state = "ringing"
                self.take(agent)
                self.env.process(self._ring(ticket, agent))

    def caller(self, queue: str) -> simpy.Event:
        """The next agent of the queue who is free, for a call of ours; before those who wait."""
        found = self.env.event()
        self._calls.append((queue, found))
        self.dispatch()
        return found

    def free_agent(self, skills: Collection[str]) -> Agent | None:
        """Who would get the next contact of one of these queues."""
        free = [agent for agent in self.agents if agent.on_duty and agent.load < agent.slots and not agent.rest_due]
        able = [agent for agent in free if any(skill in agent.skills for skill in skills)]
        return min(able, key=lambda agent: (agent.load, len(agent.skills), agent.free_since, agent.id), default=None)

    def take(self, agent: Agent) -> None:
        """One more contact for this agent."""
        agent.load += 1
        self.set_state(agent, "busy")

    def release(self, agent: Agent) -> None:
        """One contact less; a free agent goes on a due break or takes the next one."""
        agent.load -= 1
        if agent.load == 0:
            agent.free_since = self.now
            if agent.rest_due:
                agent.rest_due = False
                self.env.process(self._rest(agent, "break", centre.BREAK_S))
            elif agent.on_duty:
                self.set_state(agent, "available")
        self.dispatch()

    def set_state(self, agent: Agent, state: str) -> None:
        """Publish an agent's state when it changes."""
        if state != agent.state:
            agent.state = state
            self.truth.does(agent.id, agent.skills, state, self.now)
            data = {"agent_id": agent.id, "state": state, "queues": list(agent.skills)}
            self.publish("agent.state_changed", data)

    def _ring(self, ticket: Ticket, agent: Agent) -> Steps:
        """An offered contact rings at an agent, who answers or, seldom, misses it."""
        contact = ticket.contact
        self.tell(contact, "contact.offered", agent_id=agent.id)
        missed = self.chance(0.04)
        yield self.pause(8, 14) if missed else self.pause(0.8, 3.5)
        if ticket.state == "gone":
            self.release(agent)
        elif missed:
            self.tell(contact, "contact.missed", agent_id=agent.id, reason="no-answer")
            ticket.state = "waiting"
            self.tickets.insert(0, ticket)
            agent.load -= 1
            self.env.process(self._rest(agent, "break", (60, 180)))
            self.dispatch()
        else:
            ticket.state = "answered"
            self.connect(contact, agent.id)
            ticket.agent = agent
            ticket.answered.succeed()

    def _rest(self, agent: Agent, state: str, length_s: tuple[float, float]) -> Steps:
        agent.on_duty = False
        self.set_state(agent, state)
        yield self.pause(*length_s)
        agent.on_duty, agent.free_since = True, self.now
        self.set_state(agent, "busy" if agent.load else "available")
        self.dispatch()

    def work(self, agent: Agent) -> Steps:
        """An agent's shift: from the briefing to the desk, and breaks when they are due."""
        if self.chance(centre.BRIEFED_SHARE):
            yield self.pause(0.2, 1.0)
        else:
            self.set_state(agent, "training")
            yield self.pause(*centre.BRIEFING_S)
        agent.on_duty, agent.free_since = True, self.now
        self.set_state(agent, "available")
        self.dispatch()
        while True:
            yield self.after(self.rng.expovariate(1 / centre.BREAK_EVERY_S))
            if agent.load:
                agent.rest_due = True
            elif agent.on_duty:
                yield self.env.process(self._rest(agent, "break", centre.BREAK_S))


def listed(identifiers: Iterable[Identifier]) -> list[dict[str, str]]:
    """As events list them."""
    return [{"kind": kind, "value": value} for kind, value in identifiers]


def names(identifiers: Iterable[Identifier]) -> Iterator[str]:
    """As the pipeline names them."""
    return (f"{kind}:{value.removeprefix('@')}" for kind, value in identifiers)


def _hire() -> Iterator[Agent]:
    number = 0
    for group in centre.STAFF:
        for _ in range(group.count):
            number += 1
            yield Agent(f"agent-{number:02d}", group.skills, group.slots)
