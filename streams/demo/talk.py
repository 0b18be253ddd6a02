"""The parts of a story in which customer and staff meet: waiting in a queue, the conversation, what follows it."""

import math
from collections.abc import Generator
from typing import Any

import simpy

from streams.base.channels import SPOKEN
from streams.demo import centre, texts
from streams.demo.whose import Spoken
from streams.demo.world import Agent, Contact, Steps, Ticket, World

CALLBACK_SHARE = 0.25
TRANSFER_SHARE = 0.12
HOLD_SHARE = 0.25


def message(world: World, contact: Contact, place: str) -> None:
    """The customer writes what the mood says; some connectors score it themselves, the others send the text alone."""
    scored = {}
    if contact.channel in centre.SCORED_BY_CONNECTORS or world.chance(centre.SENTIMENT_GIVEN_SHARE):
        scored = {"sentiment": round(max(-1.0, min(1.0, contact.mood + world.rng.gauss(0, 0.08))), 2)}
    text = texts.say(world.rng, place, contact.mood)
    world.tell(contact, "message.sent", direction="inbound", author="customer", text=text, language="en", **scored)
    world.truth.messages[contact.channel] += 1


def reply(world: World, contact: Contact, turn: int = 0) -> None:
    """An agent writes what fits the turn of the conversation."""
    text = says(world, contact, turn)
    world.tell(contact, "message.sent", direction="outbound", author="agent", text=text)


def says(world: World, contact: Contact, turn: int) -> str:
    """A text of an agent; what it is to show is noted."""
    text, shows = world.rng.choice(texts.REPLIES[turn % len(texts.REPLIES)])
    world.truth.shown[contact.id].update(shows)
    return text


def wait_for_agent(world: World, contact: Contact, queue: str) -> Generator[simpy.Event, Any, Agent | None]:
    """Wait in a queue until an agent answers, or until patience ends: then None, and the contact is over."""
    ticket = world.join(contact, queue)
    world.env.process(_sour(world, ticket))
    patience_s = centre.QUEUES[queue].patience_s
    if patience_s is None:
        yield ticket.answered
    else:
        hasty = world.chance(centre.HASTY_SHARE)
        bears_s = world.rng.uniform(1, 5) if hasty else patience_s * math.exp(world.rng.gauss(0, 0.55))
        yield ticket.answered | world.after(bears_s)
    if ticket.state == "answered":
        return ticket.agent
    _give_up(world, ticket)
    return None


def _sour(world: World, ticket: Ticket) -> Steps:
    """Moods fall while waiting; who sits at a chat says so. Who wrote a letter does not sit and wait."""
    contact = ticket.contact
    if centre.QUEUES[ticket.queue].patience_s is None:
        return
    while True:
        seconds = world.rng.uniform(20, 45)
        yield world.after(seconds)
        if ticket.state not in ("waiting", "ringing"):
            return
        contact.mood = max(-1.0, contact.mood - centre.MOOD_LOST_A_MINUTE * seconds / 60)
        if contact.channel not in SPOKEN and world.chance(0.7):
            message(world, contact, "waiting")


def _give_up(world: World, ticket: Ticket) -> None:
    """Hang up, or on the telephone leave a number and be called back."""
    contact = ticket.contact
    reachable = contact.identifier is not None and not contact.withheld
    if contact.channel == "voice" and not contact.human and reachable and world.chance(CALLBACK_SHARE):
        world.leave(ticket, "flow_out")
        ask_for_call(world, contact)
        world.env.process(_call_back(world, contact, ticket.queue))
        return
    world.leave(ticket, "abandoned")
    world.truth.came_out(contact.id, contact.channel, ticket.queue, "abandoned")
    world.tell(contact, "contact.ended", by="customer", reason="abandoned")
    if contact.human:
        count_handled(world, contact)


def ask_for_call(world: World, contact: Contact) -> None:
    """The caller leaves a number, and goes."""
    world.truth.came_out(contact.id, contact.channel, contact.queue, "flow_out")
    place = contact.channel, contact.queue or "none"
    world.truth.callbacks[contact.id] = world.clock(contact.channel), place
    phone = contact.identifier[1] if contact.identifier else None
    world.tell(contact, "contact.callback_requested", phone=phone)
    world.tell(contact, "contact.ended", by="system", reason="callback")


def serve(world: World, contact: Contact, agent: Agent, case: str | None = None) -> Steps:
    """From the first word to the end of the after-contact work, with a transfer now and then."""
    length_s = _length(world, contact)
    if contact.channel == "voice" and world.chance(TRANSFER_SHARE):
        yield from _talk(world, contact, length_s * 0.3)
        second = yield from _transfer(world, contact, agent)
        if second is None:
            return
        agent = second
    yield from (_talk if contact.channel in SPOKEN else _exchange)(world, contact, length_s)
    if case:
        world.tell(contact, "case.solved", case_id=case)
    contact.mood = min(1.0, contact.mood + 0.35) if world.chance(0.85) else max(-1.0, contact.mood - 0.2)
    by = "agent" if contact.channel == "email" or world.chance(0.4) else "customer"
    world.tell(contact, "contact.ended", by=by, reason="completed")
    count_handled(world, contact)
    world.env.process(_survey(world, contact))
    world.env.process(_wrap_up(world, contact, agent))


def _length(world: World, contact: Contact) -> float:
    return centre.QUEUES[contact.queue or "chat-help"].talk_s * math.exp(world.rng.gauss(-0.1, 0.45))


def count_handled(world: World, contact: Contact) -> None:
    """A contact that had a person is over, or what is told of it has changed since."""
    times = contact.talk_ms, contact.hold_ms, contact.wrap_ms
    world.truth.handled(contact.id, (contact.channel, contact.queue), times, contact.transfers)


def _talk(world: World, contact: Contact, length_s: float) -> Steps:
    """Talk, sometimes put on hold in the middle."""
    since = world.clock(contact.channel)
    if contact.channel == "voice" and world.chance(HOLD_SHARE):
        yield world.after(length_s / 2)
        world.tell(contact, "contact.held")
        held = world.now
        yield world.pause(10, 60)
        world.tell(contact, "contact.resumed")
        contact.hold_ms += world.now - held
        since += world.now - held
        yield world.after(length_s / 2)
    else:
        yield world.after(length_s)
    contact.talk_ms += world.clock(contact.channel) - since


def _exchange(world: World, contact: Contact, length_s: float) -> Steps:
    """Both sides write in turn; in a mail there is one reply."""
    since, turns = world.clock(contact.channel), 1 if contact.channel == "email" else world.rng.randint(2, 4)
    for turn in range(turns):
        yield world.after(length_s / turns * 0.6)
        reply(world, contact, turn)
        yield world.after(length_s / turns * 0.4)
        contact.mood = min(1.0, contact.mood + 0.12)
        if contact.channel != "email":
            message(world, contact, "closing")
    contact.talk_ms += world.clock(contact.channel) - since


def _transfer(world: World, contact: Contact, agent: Agent) -> Generator[simpy.Event, Any, Agent | None]:
    """Send the caller to another queue; the caller may lose patience there."""
    to = world.rng.choice([queue for queue in centre.VOICE_QUEUES if queue != contact.queue])
    world.tell(contact, "contact.transferred", to_queue=to, kind="cold", agent_id=agent.id)
    contact.transfers += 1
    world.release(agent)
    contact.mood -= 0.15
    second = yield from wait_for_agent(world, contact, to)
    return second


def _wrap_up(world: World, contact: Contact, agent: Agent) -> Steps:
    """After-contact work, then the agent is free."""
    if agent.load == 1:
        world.set_state(agent, "wrap-up")
    began = world.now
    yield world.after(centre.QUEUES[contact.queue or "chat-help"].wrap_s * world.rng.uniform(0.5, 1.5))
    wrapped_up(world, contact, agent.id, world.now - began)
    world.release(agent)


def wrapped_up(world: World, contact: Contact, agent_id: str, duration_ms: int) -> None:
    """The agent's work after the contact is told, whenever that is."""
    world.tell(contact, "contact.wrapped_up", duration_ms=duration_ms, disposition="solved", agent_id=agent_id)
    contact.wrap_ms += duration_ms
    if contact.over:
        count_handled(world, contact)


def _survey(world: World, contact: Contact) -> Steps:
    """Some are asked how it was, and some of those answer."""
    yield world.pause(5, 40)
    metric = world.rng.choices(("csat", "nps", "ces", None), (0.35, 0.08, 0.07, 0.5))[0]
    if metric is not None:
        rate(world, contact, metric)


def rate(world: World, contact: Contact, metric: str = "csat") -> None:
    """An answer to a survey, which follows the mood."""
    happy = max(-1.0, min(1.0, contact.mood + world.rng.gauss(0.1, 0.2)))
    if metric == "csat":
        score = max(1, min(5, round(3 + 2 * happy)))
    else:
        score = round(5 + 5 * happy) if metric == "nps" else max(1, round(4 + 3 * happy))
    world.truth.rated(contact.id, (contact.channel, contact.queue), score, metric, world.clock(contact.channel))
    world.tell(contact, "feedback.given", metric=metric, score=score)


def _call_back(world: World, contact: Contact, queue: str) -> Steps:
    """The promised call, when an agent is free: an outbound contact of its own."""
    yield world.pause(60, 240)
    agent: Agent = yield world.caller(queue)
    world.truth.contacts["voice"] += 1
    number = world.truth.contacts.total()
    call = Contact(
        f"{world.settings.line}.voice-{number}",
        "voice",
        contact.customer,
        contact.known,
        contact.identifier,
        contact.mood,
    )
    world.contacts.append(call)
    before = world.truth.told.contacts[contact.id]
    world.truth.told.contacts[call.id] = Spoken("voice", before.person, before.is_customer)
    world.tell(call, "contact.initiated", direction="outbound", opened_by="agent", agent_id=agent.id, queue=queue)
    call.queue = queue
    life = world.truth.lives[call.id]
    life.ours = True
    yield world.pause(4, 12)
    if world.chance(0.2):
        world.tell(call, "contact.ended", by="system", reason="timeout")
        world.release(agent)
        return
    call.human = life.met = True
    world.truth.calls[call.id] = life.began
    world.tell(call, "contact.connected", party="human", agent_id=agent.id)
    yield from serve(world, call, agent)
