"""What a history must have come to: figures, journeys, waits that raise alerts, queues. Recounted from all of its events."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.reference import stitches
from tests.reference.contact import ABOUT, SPOKEN, WAITED_FOR, Contact, Leg
from tests.reference.events import DAY, HOMES, Event, History, S
from tests.reference.moods import moods
from tests.reference.people import owner_of
from tests.reference.sums import THRESHOLD, Ratio, Sums
from tests.reference.walk import recount

HORIZON = 14 * DAY
LIMIT = 120 * S
HIGH = {"gold", "platinum"}

Place = tuple[str, str, str]
"""Channel, queue, tier."""
Figure = tuple[str, str, str, str]
"""Channel, queue, tier, kpi.variant."""


@dataclass
class Listed:
    """A contact as its customer's journey lists it; ``talk`` is None where it cannot be told yet."""

    channel: str
    contact: str
    queue: str
    started: int
    outcome: str
    wait: int
    talk: int | None
    messages: int
    transfers: int
    mood: float | None
    """Mean of the customer's messages, -1 … 1."""
    hold: int | None = None
    wrap: int | None = None
    stitched: str | None = None
    """Why it is in its journey."""


@dataclass
class Truth:
    days: dict[tuple[int, *Figure], Ratio] = field(default_factory=dict)
    """By day (ms of its beginning) and figure."""
    journeys: dict[str, list[Listed]] = field(default_factory=dict)
    """Owner → the contacts of its current journey, oldest first."""
    stitched: dict[str, list[list[tuple[str, str, int]]]] = field(default_factory=dict)
    """Owner → the contacts (channel, id, start) of each of its journeys."""
    along: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Owner → changes of channel and repeats in its current journey."""
    alerts: dict[tuple[str, str, str, int], str] = field(default_factory=dict)
    """(owner, contact, queue, deadline) → firing, or how the wait ended; of moods without contact and queue, and since
    when."""
    in_order: bool = True
    """Else an alert was resolved by what was known then; it is resolved only once."""
    queues: dict[tuple[str, str], tuple[int, int, dict[str, int]]] = field(default_factory=dict)
    """(channel, queue) → legs that wait, when the oldest entered, how many of each tier; where somebody waits."""


@dataclass
class Life:
    """A contact and whose it is; one id can have two, when it comes again for another customer."""

    events: list[Event]
    contact: Contact

    def owner(self, at: int | None = None) -> str:
        """As known at a moment, else at the end."""
        known = [e for e in self.events if at is None or e.at <= at]
        return owner_of(known) or f"contact:{self.contact.channel}:{self.contact.contact}"

    def tier(self, profiles: list[Event], until: int, at: int | None = None) -> str:
        """The last that its events tell; else the customer's as it was at the end of the contact. ``at``: as known then."""
        told = [tier for when, tier in self.contact.tiers if at is None or when <= at]
        if told:
            return str(told[-1])
        over = min(x for x in (at, self.contact.ended, until) if x is not None)
        his = [
            e.data["tier"] for e in profiles if e.at <= over and f"customer:{e.data['customer_id']}" == self.owner(at)
        ]
        return str(his[-1]) if his else "none"


def lives(events: Iterable[Event], until: int) -> list[Life]:
    """Contacts are named by channel and id."""
    by_name: dict[tuple[str, str], list[Event]] = defaultdict(list)
    for event in events:
        if "contact_id" in event.data:
            by_name[event.data["channel"], event.data["contact_id"]].append(event)
    found = []
    for (channel, contact), some in by_name.items():
        some.sort(key=lambda e: e.at)
        found += [Life(life, recount(channel, contact, life, until)) for life in split(some)]
    return found


def split(events: list[Event]) -> Iterable[list[Event]]:
    """Where an id has come again: after an end for another customer, or beyond the horizon."""
    life: list[Event] = []
    ended, customer = False, None
    for event in events:
        names = event.data.get("customer_id")
        again = event.kind == "contact.initiated" and ended and customer and names and names != customer
        if life and (again or event.at - life[-1].at > HORIZON):
            yield life
            life, ended, customer = [], False, None
        life.append(event)
        ended = event.kind == "contact.ended" or (ended and event.kind in ABOUT)
        customer = names or customer
    yield life


def once(events: Iterable[Event]) -> list[Event]:
    """What is sent again changes nothing."""
    seen, found = set(), []
    for event in events:
        name = (event.topic, event.source, event.name)
        if name not in seen:
            seen.add(name)
            found.append(event)
    return found


def truth(told: History) -> Truth:
    events = once(told.events)
    profiles = sorted((e for e in events if e.kind in HOMES and e.data.get("tier")), key=lambda e: e.at)
    known = lives(events, told.end)

    made = Truth(in_order=all(e.arrives - e.at <= 2 * S for e in events))
    sums: dict[tuple[int, *Place], Sums] = defaultdict(Sums)
    by_owner: dict[str, list[Life]] = defaultdict(list)
    for life in known:
        by_owner[life.owner()].append(life)
        count(made, sums, life, profiles, told.end)
    for his in by_owner.values():
        last_answers(sums, his, profiles, told.end)
        callbacks(sums, his, profiles, told.end)
    for place, some in sums.items():
        if not some.counts and place[0] + DAY > told.end:
            continue  # of a day that is not over who waits is state
        made.days |= {(*place, name): ratio for name, ratio in some.figures(place[1]).items() if any(ratio)}
    for owner, his in by_owner.items():
        journeys(made, owner, his)
        if {life.tier(profiles, told.end) for life in his} & HIGH:
            for since, how in moods([e for life in his for e in life.events], told.end):
                made.alerts[owner, "", "", since] = how
    return made


def count(made: Truth, sums: dict[tuple[int, *Place], Sums], life: Life, profiles: list[Event], end: int) -> None:
    channel, tier = life.contact.channel, life.tier(profiles, end)
    for fact in life.contact.facts:
        sums[fact.at - fact.at % DAY, channel, fact.queue, tier].add(fact.name, fact.amounts)
    for leg in life.contact.legs:
        for day, read in nights(leg, end):
            sums[day, channel, leg.queue, tier].waiting += leg.entered <= read - THRESHOLD
        alert(made, life, leg, life.tier(profiles, end, leg.left or end), end)
        if leg.left is None:
            depth, oldest, by_tier = made.queues.get((channel, leg.queue), (0, leg.entered, {}))
            by_tier[tier] = by_tier.get(tier, 0) + 1
            made.queues[channel, leg.queue] = (depth + 1, min(oldest, leg.entered), by_tier)


def last_answers(sums: dict[tuple[int, *Place], Sums], his: list[Life], profiles: list[Event], end: int) -> None:
    """Of a customer's answers of a day the last one, in its own place."""
    of_day: dict[int, tuple[tuple[int, str, str], Place, tuple[int, ...]]] = {}
    for life in his:
        contact = life.contact
        for fact in contact.facts:
            if fact.name == "nps":
                place = (contact.channel, fact.queue, life.tier(profiles, end))
                told = ((fact.at, contact.channel, contact.contact), place, fact.amounts)
                day = fact.at - fact.at % DAY
                of_day[day] = max(told, of_day.get(day, told))
    for day, (_, place, score) in of_day.items():
        sums[day, *place].add("last_nps", score)


def callbacks(sums: dict[tuple[int, *Place], Sums], his: list[Life], profiles: list[Event], end: int) -> None:
    """Kept where a human spoke with the customer within a day: in the same contact, or in a call of ours."""
    for life in his:
        contact, asked = life.contact, life.contact.callback
        if asked is None:
            continue
        spoke = [e.at for e in life.events if e.kind == "contact.connected" and e.data.get("party", "human") == "human"]
        ours = [
            one.contact.started
            for one in his
            if one.contact.ours and one.contact.channel in SPOKEN and one.contact.outcome == "answered"
        ]
        kept = any(asked.at <= at <= asked.at + DAY for at in (*spoke, *ours))
        day = asked.at - asked.at % DAY
        sums[day, contact.channel, asked.queue, life.tier(profiles, end)].add("callback", (int(kept),))


def nights(leg: Leg, end: int) -> Iterable[tuple[int, int]]:
    """(day, when it is read) for each day at whose end the leg waits; the last day ends where the history does."""
    day = leg.entered - leg.entered % DAY
    while day < end:
        read = min(day + DAY, end)
        if leg.left is not None and leg.left <= read:
            return
        yield day, read
        day += DAY


def alert(made: Truth, life: Life, leg: Leg, tier: str, end: int) -> None:
    """A wait beyond the limit, as it stood when it ended or stands now."""
    over = leg.left if leg.left is not None else end
    if tier in HIGH and life.contact.channel in WAITED_FOR and over - leg.entered > LIMIT:
        name = (life.owner(over), life.contact.contact, leg.queue, leg.entered + LIMIT)
        made.alerts[name] = leg.outcome or "firing"


def journeys(made: Truth, owner: str, his: list[Life]) -> None:
    """The contacts of a customer's journeys; the one heard of last is the current one."""
    contacts = {item_of(life): life.contact for life in his}
    told = stitches.journeys(list(contacts))
    made.stitched[owner] = [[(item.channel, item.contact, item.started) for item in one.items] for one in told]
    current = max(told, key=lambda one: (max(item.last for item in one.items), one.items[0].started))
    made.along[owner] = (current.switches, current.repeats)
    made.journeys[owner] = [
        listed(contacts[item], reason) for item, reason in zip(current.items, current.reasons, strict=True)
    ]


def item_of(life: Life) -> stitches.Item:
    c, last = life.contact, max(e.at for e in life.events)
    over = last if c.ended is None else c.ended
    return stitches.Item(c.started, c.channel, c.contact, last, over, tuple(c.cases), c.topic, c.intent, c.ours)


def listed(c: Contact, stitched: str | None = None) -> Listed:
    talk, hold, wrap = (c.talk, c.hold, c.wrap) if c.ended is not None else (None, None, None)
    scored = [fact.amounts[0] for fact in c.facts if fact.name == "sentiment"]
    mood = sum(scored) / len(scored) / 1000 if scored else None
    return Listed(
        c.channel, c.contact, c.queue, c.started, c.outcome, c.wait, talk, c.messages, c.transfers, mood, hold, wrap, stitched
    )  # fmt: skip
