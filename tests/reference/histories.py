"""Random histories by theme, made by a seed: `make("chats", 7)` is the same one for ever."""

import random
from collections.abc import Callable
from dataclasses import replace

from tests.reference.events import DAY, HOUR, MIN, MONDAY, Event, History, S, Story, history, profile
from tests.reference.spoken import call, called_back, overflow, skewed, turned_away
from tests.reference.tales import rated, spelled, wander
from tests.reference.teller import Teller
from tests.reference.written import bot, chat, mail, moody, outbound, posted, reopened, ticket, told_about


def lose(t: Teller, told: History) -> History:
    """Some events never came."""
    kinds = {
        "contact.initiated",
        "contact.offered",
        "contact.missed",
        "contact.queued",
        "contact.ended",
        "contact.transferred",
    }
    gone = {i for i, e in enumerate(told.events) if e.kind in kinds and t.chance(0.12)}
    return told.without(gone) if len(gone) < len(told.events) else told


def disorder(t: Teller, told: History) -> History:
    """Out of order within the lateness, some twice; what happened in one moment of a contact keeps its order."""
    delays: dict[tuple[str, bytes, int], int] = {}
    moved: list[Event] = []
    for event in told.events:
        late = t.ms(0, 50 * 60) if t.chance(0.3) else t.ms(0, 2)
        moved.append(replace(event, arrives=event.at + delays.setdefault((event.topic, event.key, event.at), late)))
    moved += [replace(e, arrives=e.arrives + t.ms(0, 1800)) for e in moved if t.chance(0.15)]
    moved.sort(key=lambda e: e.arrives)
    return History(tuple(moved), told.end + HOUR)


def doubled_entering(t: Teller, s: Story) -> Story:
    """Two systems report one entering; or the connect comes from a clock that goes before."""
    events: list[Event] = []
    for event in s.events:
        events.append(event)
        if event.kind == "contact.queued" and t.chance(0.4):
            events.append(replace(event, name=event.name + "b", at=event.at + t.r.choice([0, 300, 1000])))
            events[-1] = replace(events[-1], arrives=events[-1].at)
    s.events = sorted(events, key=lambda e: e.at)
    return s


def about(t: Teller, s: Story) -> Story:
    """It is about something, as one of its events says, perhaps in other words later on."""
    for _ in range(t.r.randrange(3)):
        number = t.r.randrange(len(s.events))
        word = t.r.choice(
            [{"topic": t.r.choice("XY")}, {"intent": t.r.choice("ij")}, {"case_id": t.r.choice(["K1", "K2"])}]
        )
        s.events[number] = replace(s.events[number], data=s.events[number].data | word)
    return s


def needs(t: Teller) -> History:
    """One or two customers come again and again, minutes to weeks later, about this and that."""
    told = []
    for _ in range(t.r.randrange(2, 8)):
        t.start += t.r.choice([MIN, 10 * MIN, 40 * MIN, 5 * HOUR, 30 * HOUR, 3 * DAY, 8 * DAY])
        s = t.r.choice([call, chat])(t)
        s.events = [replace(e, data=e.data | {"customer_id": f"n{t.told % 2}"}) for e in s.events]
        told.append(about(t, s))
    return history(*told)


def several(t: Teller, *tales: Callable[[Teller], Story], most: int = 5) -> list[Story]:
    return [t.r.choice(tales)(t) for _ in range(t.r.randrange(1, most + 1))]


def tiers(t: Teller) -> History:
    """Tiers come from profiles, before the contact or while it goes on; high ones stay, since what becomes of an alert
    when its customer is no longer of a high tier is nowhere stated.
    """
    stories = several(t, call, chat)
    events: list[Event] = []
    high: dict[str, bool] = {}
    for s in stories:
        s.events = [replace(e, data={k: v for k, v in e.data.items() if k != "tier"}) for e in s.events]
        who = next((e.data["customer_id"] for e in s.events if "customer_id" in e.data), None)
        if who is None:
            continue
        if high.setdefault(who, t.chance(0.5)):
            first = min(e.at for one in stories for e in one.events) - t.ms(1, 600)
            events += [profile(who, first + n * t.ms(1, 900), tier="gold") for n in range(t.r.randrange(1, 4))]
        else:
            events.append(profile(who, s.events[0].at + t.ms(-600, 200), tier=t.r.choice(["silver", "red"])))
    named = {(e.name, e.at): e for e in events}
    return history(*stories, list(named.values()))


THEMES: dict[str, Callable[[Teller], History]] = {
    "calls": lambda t: history(*several(t, call)),
    "chats": lambda t: history(*several(t, chat)),
    "bots": lambda t: history(*several(t, bot)),
    "mails": lambda t: history(*several(replace(t, apart=True), mail)),
    "outbound": lambda t: history(*several(t, outbound, call)),
    "reopened": lambda t: history(*several(replace(t, apart=True), reopened, most=3)),
    "called-back": lambda t: history(*several(t, called_back, call)),
    "rated": lambda t: history(*several(replace(t, apart=True), lambda u: rated(u, 12 * 3600), most=4)),
    "rated-late": lambda t: history(*several(replace(t, apart=True), lambda u: rated(u, 4 * 86400), most=3)),
    "overflow": lambda t: history(*several(t, overflow, call)),
    "turned-away": lambda t: history(*several(t, turned_away, call)),
    "tickets": lambda t: history(*several(replace(t, apart=True), ticket, most=3)),
    "told-about": lambda t: history(*several(replace(t, apart=True), told_about, most=2)),
    "posts": lambda t: history(*several(replace(t, apart=True), posted, most=3)),
    "seconds": lambda t: history(*several(replace(t, grid=S), call, chat)),
    "entered-twice": lambda t: history(*[doubled_entering(t, s) for s in several(t, call)]),
    "two-clocks": lambda t: history(*several(t, skewed, call)),
    "missing": lambda t: lose(t, history(*several(t, call, chat))),
    "disorder": lambda t: disorder(t, history(*several(t, call, chat, bot))),
    "owners": lambda t: history(*several(replace(t, apart=True), wander, most=3)),
    "tiers": tiers,
    "moods": lambda t: history(*several(replace(t, apart=True), moody, most=3), after=t.r.choice([HOUR, 4 * HOUR])),
    "spellings": lambda t: history(*several(t, spelled, most=6)),
    "mixed": lambda t: history(
        *several(replace(t, apart=True), call, chat, bot, mail, reopened, called_back, outbound)
    ),
    "needs": needs,
}


def make(theme: str, seed: int) -> History:
    r = random.Random(f"{theme}:{seed}")
    start = MONDAY + r.randrange(5) * DAY + 8 * HOUR + r.randrange(8 * HOUR // MIN) * MIN
    return THEMES[theme](Teller(r, start))
