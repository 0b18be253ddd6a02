"""The days before the doors open, as far as something of them goes on: conversations that rest over nights and
weekends, contacts that go on after their end, surveys and after-contact work that come late.

Each process is one contact from its first word to its last, which may come days later: on the day itself, or never.
Who waits in a queue over night is answered in the morning, before the doors open; what else is left for the day itself
comes soon after that.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from streams.contacts.rules import ContactRules
from streams.demo import centre, texts
from streams.demo.parts import DAY_MS, HOUR_MS, SECOND_MS, Agent, Contact
from streams.demo.stories import begin, recognise, somebody, start
from streams.demo.talk import (
    ask_for_call,
    count_handled,
    message,
    rate,
    reply,
    serve,
    wait_for_agent,
    wrapped_up,
)
from streams.demo.world import Steps, World

WRITTEN = {
    "messaging": ("messaging", "app"),
    "email": ("mail", "mailbox"),
    "chat": ("chat-help", "web"),
    "ticket": ("requests", "form"),
}
"""Queue and entry point of the channels on which a conversation rests."""
QUIET_MS = 15 * 60 * SECOND_MS
"""Before the doors open nothing comes any more."""
UNANSWERED_SHARE, ANOTHER_TURN_SHARE, UNFINISHED_SHARE = 0.15, 0.5, 0.2
LATE_CALL_SHARE = 0.4
CASE_SHARE, LATE_SURVEY_SHARE, OTHER_ANSWER_SHARE, GOES_ON_SHARE = 0.5, 0.6, 0.3, 0.6
SOON_S = 240.0
"""Mean time from the opening to what is left for the day itself."""


def conversations(world: World) -> Iterator[Steps]:
    """A process for each contact of the days before; none without such days."""
    if world.settings.days_before:
        for number in range(centre.CONVERSATIONS_BEFORE):
            yield KINDS[number % len(KINDS)](world)


def days_within(tracking: ContactRules) -> int:
    """How many days before may be told of by these rules: within them a contact that is over is still known."""
    shortest_ms = min(tracking.horizon_ms(channel) for channel in ("voice", *WRITTEN))
    return max(min(centre.DAYS_BEFORE, shortest_ms // DAY_MS - 2), 0)


# -- moments, in simulated time


def _is_workday(world: World, day: int) -> bool:
    """``day``: 0 = the day itself, when the centre is open whatever it is; −1 the one before."""
    noon = world.settings.start_ms + (12 - world.settings.hour) * HOUR_MS + day * DAY_MS
    return day >= 0 or datetime.fromtimestamp(noon / 1000, UTC).weekday() < 5


def _at(world: World, day: int, low: float, high: float) -> int:
    """Between two hours of a day."""
    return _outside(world, int(day * DAY_MS + (world.rng.uniform(low, high) - world.settings.hour) * HOUR_MS))


def _outside(world: World, moment: int) -> int:
    """The moment, but for the quiet time before the doors open: soon after that."""
    if moment < -QUIET_MS:
        return moment
    return max(moment, 0) + int(SECOND_MS * (5 + world.rng.expovariate(1 / SOON_S)))


def _day(world: World, moment: int) -> int:
    return (moment + world.settings.hour * HOUR_MS) // DAY_MS


def _some_day(world: World) -> int:
    """A working day before the day itself, with room for a week of what follows."""
    days = [day for day in range(1 - world.settings.days_before, 0) if _is_workday(world, day)]
    return world.rng.choice(days or [-1])


def _next_morning(world: World) -> int:
    """When the staff is at the desk again, on the next working day; on the day itself before the doors open."""
    day = _day(world, int(world.env.now)) + 1
    while not _is_workday(world, day):
        day += 1
    return _at(world, day, *centre.DESK_HOURS)


def _next_reply(world: World) -> int:
    """When a customer who writes again gets a reply: the next morning; most of what is due on the day itself is left
    for when the doors are open.
    """
    morning = _next_morning(world) if world.env.now < 0 else int(world.env.now)
    return _outside(world, 0 if _day(world, morning) == 0 and world.chance(0.6) else morning)


def _days_later(world: World) -> int:
    """When a customer comes back to it: within hours, in the next days, or soon after the doors opened."""
    now = int(world.env.now)
    day = _day(world, now)
    later = min(world.rng.choice((day, day + 1, day + world.rng.randint(1, 4), 0)), 0)
    if later == 0 and (now >= -QUIET_MS or world.chance(0.7)):
        return _outside(world, max(now, 0))
    moment = _at(world, later, 7.0, 22.0 if later < 0 else 9.7)
    return moment if moment >= -QUIET_MS else _outside(world, max(moment, now + 2 * HOUR_MS))


# -- what customers and staff do


def _answer(world: World, contact: Contact) -> None:
    """An agent replies, which takes the contact out of its queue."""
    world.answered(contact)
    reply(world, contact, world.rng.randrange(len(texts.REPLIES)))


def written(channel: str) -> Callable[[World], Steps]:
    """The story of a conversation in writing that rests."""
    queue, entry_point = WRITTEN[channel]

    def story(world: World) -> Steps:
        evening = (10.0, 17.0) if channel == "chat" else (17.5, 23.0)
        yield world.until(_at(world, _some_day(world), *evening))
        contact = begin(world, channel, somebody(world))
        start(world, contact, entry_point)
        message(world, contact, "opening")
        yield world.pause(0.5, 2)
        recognise(contact)
        case = f"{contact.id}.case" if channel in ("email", "ticket") and world.chance(CASE_SHARE) else None
        if case:
            world.tell(contact, "case.opened", case_id=case, subject="Your request")
        world.enter(contact, queue)
        if channel == "chat":
            yield world.pause(5, 90)
        elif _is_long_ago(world, channel) and world.chance(UNANSWERED_SHARE):
            return  # nobody ever replies: it is taken for over before the doors open
        else:
            yield world.until(_next_morning(world))
        _answer(world, contact)
        yield from _turns(world, contact)
        if world.chance(UNFINISHED_SHARE):
            return  # nobody ends it
        yield world.pause(1, 20)
        _finish(world, contact, case)
        yield from _afterwards(world, contact, case)

    return story


def _is_long_ago(world: World, channel: str) -> bool:
    return int(world.env.now) + world.settings.rules.customers.contacts.timeout_ms(channel) < -QUIET_MS


def _turns(world: World, contact: Contact) -> Steps:
    """The customer reads the reply in the evening, or after the weekend, and writes again; so does the staff."""
    while world.chance(ANOTHER_TURN_SHARE):
        yield world.until(_days_later(world))
        message(world, contact, "closing")
        yield world.until(_next_reply(world))
        _answer(world, contact)


def _finish(world: World, contact: Contact, case: str | None) -> None:
    if case:
        world.tell(contact, "case.solved", case_id=case)
    world.tell(contact, "contact.ended", by=world.rng.choice(("agent", "customer")), reason="completed")


def _afterwards(world: World, contact: Contact, case: str | None) -> Steps:
    """A late survey, perhaps with second thoughts; and perhaps it goes on after its end."""
    yield from _late_survey(world, contact)
    if not world.chance(GOES_ON_SHARE):
        return
    yield world.until(_days_later(world))
    _goes_on(world, contact, case)
    message(world, contact, "opening")
    yield world.until(_next_reply(world))
    _answer(world, contact)
    if world.chance(UNFINISHED_SHARE):
        return
    yield world.pause(1, 20)
    _finish(world, contact, case)
    yield from _late_survey(world, contact)


def _goes_on(world: World, contact: Contact, case: str | None) -> None:
    """By a message alone, or by what its system tells before it."""
    how = world.rng.choice(("message", "reopened", "initiated"))
    if case and how != "message":
        world.tell(contact, "case.reopened", case_id=case)
    world.reopen(contact)
    if how == "reopened":
        world.tell(contact, "contact.reopened", by="customer", reason="wrote again")
    elif how == "initiated":
        start(world, contact, "mailbox")


def _late_survey(world: World, contact: Contact) -> Steps:
    """Hours or days after the end; the last answer counts."""
    if world.chance(LATE_SURVEY_SHARE):
        yield world.until(_days_later(world))
        rate(world, contact)
        if world.chance(OTHER_ANSWER_SHARE):
            contact.mood = max(-1.0, min(1.0, contact.mood + world.rng.gauss(0, 0.6)))
            yield world.until(_days_later(world))
            rate(world, contact)


def call(world: World) -> Steps:
    """A call of a day before: its after-contact work is told when the agent gets to it, and the customer may ring up
    again under the same id.
    """
    yield world.until(_at(world, _some_day(world), 9.0, 17.0))
    contact = begin(world, "voice", somebody(world))
    start(world, contact, "hotline")
    yield world.pause(2, 9)
    recognise(contact)
    world.enter(contact, world.rng.choice(centre.VOICE_QUEUES))
    yield world.pause(5, 100)
    agent = f"agent-{world.rng.randint(1, 9):02d}"
    world.connect(contact, agent)
    connected = world.now
    yield world.pause(60, 600)
    contact.talk_ms += world.now - connected
    world.tell(contact, "contact.ended", by=world.rng.choice(("agent", "customer")), reason="completed")
    count_handled(world, contact)
    yield world.until(min(_days_later(world), int(world.env.now) + world.rng.randint(1, 20) * HOUR_MS))
    wrapped_up(world, contact, agent, world.rng.randint(20, 400) * SECOND_MS)
    yield from _late_survey(world, contact)
    if world.chance(GOES_ON_SHARE):
        yield world.until(_outside(world, 0))
        world.reopen(contact)
        start(world, contact, "hotline")
        yield world.pause(2, 9)
        second = yield from wait_for_agent(world, contact, contact.queue or "cards")
        if second is not None:
            yield from serve(world, contact, second)


def promise(world: World) -> Steps:
    """A caller left a number the evening before, and is called back under the same id; or it was an evening earlier,
    and the call comes too late.
    """
    late = world.settings.days_before > 1 and world.chance(LATE_CALL_SHARE)
    yield world.until(_at(world, -2 if late else -1, 18.0, 21.0))
    people = world.people.customers
    contact = begin(world, "voice", world.rng.choice(people) if people else world.people.stranger(world.rng))
    start(world, contact, "hotline")
    yield world.pause(2, 9)
    recognise(contact)
    queue = world.rng.choice(centre.VOICE_QUEUES)
    world.enter(contact, queue)
    yield world.pause(30, 110)
    world.left(contact, "flow_out")
    ask_for_call(world, contact)
    yield world.until(_outside(world, 0))
    agent: Agent = yield world.caller(queue)
    world.reopen(contact)
    world.tell(contact, "contact.reopened", by="agent", reason="called back")
    yield world.pause(4, 12)
    world.connect(contact, agent.id)
    yield from serve(world, contact, agent)


KINDS = (
    written("messaging"), written("email"), call, written("chat"), written("ticket"),
    written("email"), call, written("messaging"), promise,
)  # fmt: skip
"""One after the other."""
