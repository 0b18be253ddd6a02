"""The simulated centre as a place: time, queues, agents, and the events they cause; customers are in ``stories``."""

import random
from collections import deque
from collections.abc import Collection, Generator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import simpy

from streams.demo import centre
from streams.demo.centre import Customer
from streams.demo.truth import Leg, Truth
from streams.domain.policy import Rules

Steps = Generator[simpy.Event, Any, None]
"""A process of the simulation that returns nothing."""


@dataclass(frozen=True)
class Settings:
    """One run: ``start_ms`` since the epoch (UTC), ``hour`` of the day then in the centre's own time."""

    line: str
    start_ms: int
    rules: Rules
    seed: int = 7
    hour: int = 10
    customers: int = 400


@dataclass(frozen=True)
class Emission:
    """One record to publish: ``topic`` without prefix, ``time`` in ms since the epoch; an event, or other bytes."""

    topic: str
    key: str
    time: int
    event: dict[str, Any] | None = None
    raw: bytes | None = None


@dataclass
class Contact:
    """One conversation on one channel, as its connector sees it."""

    id: str
    channel: str
    customer: Customer | None
    known: bool
    identifier: tuple[str, str] | None
    mood: float
    queue: str | None = None
    talk_ms: int = 0
    hold_ms: int = 0
    human: bool = False


@dataclass
class Agent:
    """A person at work: ``load`` contacts now, of ``slots``; ``rest_due`` = goes on a break when free."""

    id: str
    skills: tuple[str, ...]
    slots: int
    load: int = 0
    on_duty: bool = False
    rest_due: bool = False
    free_since: int = 0
    state: str = "offline"


@dataclass(eq=False)
class Ticket:
    """A place in a queue; ``answered`` fires when ``agent`` took it. States: waiting, ringing, answered, gone."""

    number: int
    contact: Contact
    queue: str
    entered: int
    answered: simpy.Event
    state: str = "waiting"
    agent: Agent | None = None


class World:
    """The centre in simulated time; ``truth`` is kept up to the moment."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.truth = Truth(settings.rules)
        self.rng = random.Random(settings.seed)
        self.env = simpy.Environment()
        self.people = centre.customers(settings.customers)
        self.busy: set[str] = set()
        self.agents = list(_hire())
        self.tickets: list[Ticket] = []
        self._published: deque[Emission] = deque()
        self._ids = self._joined = 0

    @property
    def now(self) -> int:
        """Milliseconds since the epoch."""
        return self.settings.start_ms + int(self.env.now)

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

    def chance(self, share: float) -> bool:
        """True in this share of all cases."""
        return self.rng.random() < share

    # -- publishing

    def tell(self, contact: Contact, event_type: str, /, **data: Any) -> None:
        """Publish a contact event; now and then the connector sends it twice."""
        who: dict[str, Any] = {"contact_id": contact.id, "channel": contact.channel}
        if contact.known and contact.customer is not None:
            who["customer_id"] = contact.customer.id
        if contact.identifier is not None and event_type in ("contact.initiated", "message.sent", "post.made"):
            who["identifiers"] = [{"kind": contact.identifier[0], "value": contact.identifier[1]}]
        emission = self.publish(f"contacts.{contact.channel}", contact.id, event_type, {**who, **data})
        if self.chance(centre.DUPLICATE_SHARE):
            self._published.append(emission)
            self.truth.duplicates += 1

    def publish(self, topic: str, key: str, kind: str, data: dict[str, Any]) -> Emission:
        """Put an event of this moment on its topic."""
        emission = Emission(topic, key, self.now, event=self.envelope(key, kind, data))
        self._published.append(emission)
        self.truth.events += 1
        return emission

    def publish_raw(self, topic: str, key: str, raw: bytes) -> None:
        """Put bytes on a topic that are not a valid event."""
        self._published.append(Emission(topic, key, self.now, raw=raw))

    def envelope(self, key: str, kind: str, data: dict[str, Any]) -> dict[str, Any]:
        """A CloudEvent of this moment, with the next id."""
        self._ids += 1
        return {
            "specversion": "1.0",
            "id": f"{self.settings.line}.{self._ids}",
            "source": f"/demo/{kind.partition('.')[0]}",
            "type": kind,
            "time": rfc3339(self.now),
            "subject": key,
            "datacontenttype": "application/json",
            "replayid": self.settings.line,
            "data": data,
        }

    def introduce(self) -> Steps:
        """The customer system publishes everybody's profile before the doors open."""
        for customer in self.people:
            identifiers = [{"kind": "email", "value": customer.email}, {"kind": "phone", "value": customer.phone}]
            data = {
                "customer_id": customer.id,
                "tier": customer.tier,
                "value_cents": customer.value_cents,
                "language": "en",
                "identifiers": identifiers,
            }
            self.publish("customers.profile", customer.id, "customer.profile_changed", data)
        yield self.after(0)

    # -- queues and agents

    def join(self, contact: Contact, queue: str) -> Ticket:
        """Put a contact at the end of a queue."""
        contact.queue = queue
        self._joined += 1
        ticket = Ticket(self._joined, contact, queue, self.now, self.env.event())
        tier = contact.customer.tier if contact.customer is not None and contact.known else None
        self.tickets.append(ticket)
        self.truth.entered(ticket.number, Leg(contact.id, contact.channel, queue, tier, self.now))
        self.tell(contact, "contact.queued", queue=queue, skill=queue)
        self.dispatch()
        return ticket

    def leave(self, ticket: Ticket, outcome: str) -> None:
        """Take a contact out of its queue unanswered: abandoned or flow_out."""
        if ticket.state == "waiting":
            self.tickets.remove(ticket)
        ticket.state = "gone"
        self.truth.left(ticket.number, outcome, self.now)

    def dispatch(self) -> None:
        """Offer the contacts that wait longest to the agents that are free longest."""
        for ticket in list(self.tickets):
            agent = self.free_agent((ticket.queue,))
            if agent is not None:
                self.tickets.remove(ticket)
                ticket.state = "ringing"
                self.take(agent)
                self.env.process(self._ring(ticket, agent))

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
            data = {"agent_id": agent.id, "state": state, "queues": list(agent.skills)}
            self.publish("agents.state", agent.id, "agent.state_changed", data)

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
            self.truth.left(ticket.number, "answered", self.now)
            self.truth.came_out(contact.id, contact.channel, ticket.queue, "answered")
            contact.human = True
            self.tell(contact, "contact.connected", party="human", agent_id=agent.id)
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


def rfc3339(time_ms: int) -> str:
    """A time in ms since the epoch as RFC 3339 in UTC."""
    moment = datetime.fromtimestamp(time_ms / 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{time_ms % 1000:03d}Z"


def _hire() -> Iterator[Agent]:
    number = 0
    for group in centre.STAFF:
        for _ in range(group.count):
            number += 1
            yield Agent(f"agent-{number:02d}", group.skills, group.slots)
