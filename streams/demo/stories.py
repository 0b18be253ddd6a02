"""What customers do, channel by channel: each story is one contact from its first to its last event.

A story returns how the contact came out: ``served``, ``self-served`` or ``unserved``; who was not served often tries
another channel.
"""

import math
from collections.abc import Callable, Generator, Iterator
from typing import Any

import simpy

from streams.demo import centre, texts
from streams.demo.people import Person, besides, named
from streams.demo.talk import message, says, serve, wait_for_agent
from streams.demo.whose import Spoken
from streams.demo.world import Contact, Steps, World

Story = Generator[simpy.Event, Any, str]

NEXT_CHANNELS = {
    "voice": ("chat", "messaging", "email"),
    "self-service": ("voice", "chat"),
    "forum": ("social", "email"),
}


def arrivals(world: World) -> Iterator[Steps]:
    """One endless process a channel."""
    for channel in centre.ARRIVALS:
        yield _arrive(world, channel)


def _arrive(world: World, channel: str) -> Steps:
    """Contacts arrive: some at once, the others at random with the hour's rate (a Poisson process)."""
    spec = centre.ARRIVALS[channel]
    for _ in range(spec.waiting):
        world.env.process(_later(world, channel, world.rng.uniform(1, 25)))
    while True:
        hour = (world.settings.hour + int(world.env.now) // 3_600_000) % 24
        yield world.after(1 + world.rng.expovariate(spec.per_hour * spec.by_hour[hour] / 3600))
        world.env.process(_later(world, channel, 0))


def _later(world: World, channel: str, seconds: float) -> Steps:
    yield world.after(seconds)
    person = somebody(world)
    if person.id in world.busy:
        person = world.people.stranger(world.rng)
    yield from live(world, channel, person)


def somebody(world: World) -> Person:
    """A customer or a stranger; many were in touch before."""
    if world.people.seen and world.chance(centre.COMES_BACK_SHARE):
        return world.rng.choice(world.people.seen)
    if world.people.customers and world.chance(centre.KNOWN_SHARE):
        return world.rng.choice(world.people.customers)
    return world.people.stranger(world.rng)


def live(world: World, channel: str, person: Person) -> Steps:
    """One contact, and another one elsewhere when it came to nothing."""
    world.busy.add(person.id)
    contact = begin(world, channel, person)
    outcome = yield from STORIES[channel](world, contact)
    if outcome == "unserved" and world.chance(0.5):
        yield world.pause(8, 60)
        again = world.rng.choice(NEXT_CHANNELS.get(channel, ("voice", "messaging")))
        second = begin(world, again, person)
        second.mood = contact.mood - 0.1
        yield from STORIES[again](world, second)
    world.busy.discard(person.id)


def begin(world: World, channel: str, person: Person) -> Contact:
    """A new contact; some customers are only recognised later in it, and some never."""
    number = world.truth.contacts.total() + 1
    world.truth.contacts[channel] += 1
    customer = person.customer
    signs_in = customer is not None and not world.chance(centre.NEVER_SAID_SHARE)
    known = signs_in and not world.chance(centre.LATE_KNOWN_SHARE)
    identifier, browser = named(person, channel, world.rng, int(world.env.now))
    if channel == "voice" and world.people.branch_line and world.chance(centre.BRANCH_CALL_SHARE):
        identifier = "phone", centre.BRANCH_LINE
    hides = identifier is not None and identifier[0] in centre.WITHHELD
    withheld = hides and world.chance(centre.WITHHELD_SHARE * (0.25 if customer else 1))
    if withheld and identifier is not None:
        identifier = identifier[0], world.rng.choice(centre.WITHHELD[identifier[0]])
    also = () if identifier is None or withheld else besides(person, channel, world.rng)
    if browser is not None:
        browser.proved = browser.proved or (not withheld and (signs_in or bool(also)))
    contact = Contact(
        id=f"{world.settings.line}.{channel}-{number}",
        channel=channel,
        customer=customer,
        known=known,
        identifier=identifier,
        mood=max(-0.6, min(0.9, world.rng.gauss(0.3, 0.3))),
        withheld=withheld,
        says=world.rng.choice(centre.NO_CUSTOMER) if withheld and world.chance(0.3) else None,
        signs_in=signs_in,
        besides=also,
    )
    world.contacts.append(contact)
    world.people.met(person)
    world.truth.told.contacts[contact.id] = Spoken(channel, person.id, customer is not None)
    return contact


def start(world: World, contact: Contact, entry_point: str) -> None:
    """The first event of a contact; a telephone system looks up the tier of a number it knows."""
    tier = {"tier": contact.customer.tier} if contact.customer and contact.known and contact.channel == "voice" else {}
    world.tell(contact, "contact.initiated", direction="inbound", entry_point=entry_point, language="en", **tier)


def end(world: World, contact: Contact, by: str, reason: str) -> None:
    """The last event of a contact that had no person."""
    world.tell(contact, "contact.ended", by=by, reason=reason)


def recognise(contact: Contact) -> None:
    """From here on the connector knows whose contact it is, if it ever does."""
    contact.known = contact.customer is not None and contact.signs_in


def voice(world: World, contact: Contact) -> Story:
    """A call: menu, queue, talk; who waits too long hangs up or leaves a number."""
    start(world, contact, "hotline")
    yield world.pause(2, 9)
    if world.chance(0.03):
        world.truth.came_out(contact.id, contact.channel, "none", "abandoned")
        end(world, contact, "customer", "abandoned")
        return "unserved"
    recognise(contact)
    queue = world.rng.choice(centre.VOICE_QUEUES)
    if world.chance(centre.TURNED_AWAY_SHARE):
        world.tell(contact, "contact.turned_away", queue=queue, reason="full")
        world.truth.turned_away(contact.channel, queue)
        world.truth.came_out(contact.id, contact.channel, queue, "flow_out")
        end(world, contact, "system", "error")
        return "unserved"
    agent = yield from wait_for_agent(world, contact, queue)
    if agent is None:
        return "unserved"
    yield from serve(world, contact, agent)
    return "served"


def chat(world: World, contact: Contact) -> Story:
    """A live chat; every fourth begins with a bot."""
    start(world, contact, "web")
    if world.chance(centre.CHAT_LEFT_SHARE):
        yield world.pause(2, 20)
        world.truth.unasked(contact.id, "left")
        end(world, contact, "customer", "completed")
        return "unserved"
    if world.chance(0.25):
        yield from _with_bot(world, contact)
        world.tell(contact, "contact.handed_off", reason="asked for a person")
    else:
        yield world.pause(1, 4)
        message(world, contact, "opening")
    recognise(contact)
    agent = yield from wait_for_agent(world, contact, "chat-help")
    if agent is None:
        return "unserved"
    yield from serve(world, contact, agent)
    return "served"


def bot(world: World, contact: Contact) -> Story:
    """A bot that solves half of what it is asked and hands the rest over to the chat's agents."""
    start(world, contact, "app")
    yield from _with_bot(world, contact)
    recognise(contact)
    if world.chance(0.5):
        world.truth.unasked(contact.id, "contained")
        end(world, contact, "bot", "self-served")
        return "self-served"
    contact.mood -= 0.2
    world.tell(contact, "contact.handed_off", reason="not understood")
    agent = yield from wait_for_agent(world, contact, "chat-help")
    if agent is None:
        return "unserved"
    yield from serve(world, contact, agent)
    return "served"


def _with_bot(world: World, contact: Contact) -> Steps:
    world.tell(contact, "contact.connected", party="bot")
    world.by_machine(contact)
    for place in ("opening", "closing")[: world.rng.randint(1, 2)]:
        yield world.pause(3, 15)
        message(world, contact, place)
        yield world.pause(0.5, 1.5)
        world.tell(
            contact, "message.sent", direction="outbound", author="bot", text=world.rng.choice(texts.BOT_REPLIES)
        )
    yield world.pause(1, 3)


def writing(queue: str, entry_point: str) -> Callable[[World, Contact], Story]:
    """The story of a channel where the customer writes, goes on living, and reads the reply later."""

    def story(world: World, contact: Contact) -> Story:
        start(world, contact, entry_point)
        message(world, contact, "opening")
        yield world.pause(0.5, 2)
        recognise(contact)
        case = f"{contact.id}.case" if queue in ("mail", "requests") and world.chance(0.4) else None
        if case:
            world.tell(contact, "case.opened", case_id=case, subject="Your request")
        agent = yield from wait_for_agent(world, contact, queue)
        if agent is None:
            return "unserved"
        yield from serve(world, contact, agent, case)
        return "served"

    return story


def self_service(world: World, contact: Contact) -> Story:
    """Help pages: articles and searches, with or without success."""
    start(world, contact, "help-pages")
    world.tell(contact, "contact.connected", party="self-service")
    world.by_machine(contact)
    for _ in range(world.rng.randint(1, 3)):
        yield world.pause(8, 40)
        if world.chance(0.25):
            world.tell(contact, "search.failed", query=world.rng.choice(texts.SEARCHES))
        else:
            world.tell(
                contact, "article.viewed", article_id=world.rng.choice(texts.ARTICLES), helpful=world.chance(0.7)
            )
    recognise(contact)
    yield world.pause(2, 10)
    world.truth.unasked(contact.id, "contained")
    if world.chance(0.7):
        end(world, contact, "customer", "self-served")
        return "self-served"
    end(world, contact, "system", "timeout")
    contact.mood -= 0.3
    return "unserved"


def forum(world: World, contact: Contact) -> Story:
    """A post in the community forum, answered by staff or by another customer, or by nobody."""
    thread, mood = world.rng.choice(texts.THREADS), contact.mood
    start(world, contact, "community")
    recognise(contact)
    world.tell(
        contact, "post.made", thread=thread, text=texts.say(world.rng, "opening", mood), sentiment=round(mood, 2)
    )
    yield world.after(min(30 * math.exp(world.rng.gauss(0.8, 0.7)), 900))
    if world.chance(0.25):
        return "unserved"
    author = world.rng.choice(("agent", "customer"))
    text = says(world, contact, 0) if author == "agent" else "Same here, it helped to log in again."
    world.tell(contact, "post.answered", thread=thread, author=author, text=text)
    if author == "agent":
        world.answered(contact)
    return "served"


def in_person(world: World, contact: Contact) -> Story:
    """A visit at the branch."""
    start(world, contact, "branch-12")
    world.tell(contact, "visit.made", location="branch-12")
    yield world.pause(2, 10)
    recognise(contact)
    agent = yield from wait_for_agent(world, contact, "branch")
    if agent is None:
        return "unserved"
    yield from serve(world, contact, agent)
    return "served"


STORIES: dict[str, Callable[[World, Contact], Story]] = {
    "voice": voice,
    "chat": chat,
    "bot": bot,
    "messaging": writing("messaging", "app"),
    "social": writing("social", "timeline"),
    "email": writing("mail", "mailbox"),
    "ticket": writing("requests", "form"),
    "self-service": self_service,
    "forum": forum,
    "in-person": in_person,
}
"""Of the day itself; what rests over nights is in ``before``."""
