"""What a history must have come to: figures, journeys, waits that raise alerts, queues. Recounted from all of its events."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.reference.contact import WAITED_FOR, Contact, Leg, recount
from tests.reference.events import DAY, HOMES, HOUR, S, Event, History

HORIZON = 14 * DAY
GAP = 72 * HOUR
THRESHOLD = 20 * S
SHORT = 5 * S
LIMIT = 120 * S
HIGH = {"gold", "platinum"}
NOBODY = {"anonymous", "restricted", "unavailable", "+266696687", "private number", "unknown number", "0", "-", "n/a"}
"""Some of the words and numbers that stand for a caller who hides."""

Place = tuple[str, str, str]
"""Channel, queue, tier."""
Figure = tuple[str, str, str, str]
"""Channel, queue, tier, kpi.variant."""
Ratio = tuple[int, int]
"""Numerator and denominator; of counts the denominator is 0."""


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


@dataclass
class Truth:
    days: dict[tuple[int, *Figure], Ratio] = field(default_factory=dict)
    """By day (ms of its beginning) and figure."""
    journeys: dict[str, list[Listed]] = field(default_factory=dict)
    """Owner → the contacts of its last journey, oldest first."""
    alerts: dict[tuple[str, str, str, int], str] = field(default_factory=dict)
    """(owner, contact, queue, deadline) → firing, or how the wait ended."""
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
        for event in reversed(known):
            if event.data.get("customer_id"):
                return f"customer:{event.data['customer_id']}"
        for event in reversed(known):
            for one in event.data.get("identifiers") or []:
                if one["value"].lower() not in NOBODY:
                    return f"anonymous:{one['kind']}:{one['value']}"
        return f"contact:{self.contact.channel}:{self.contact.contact}"

    def tier(self, profiles: list[Event], until: int, at: int | None = None) -> str:
        """The last that its events tell; else the customer's as it was at the end of the contact. ``at``: as known then."""
        told = [e.data["tier"] for e in self.events if e.data.get("tier") and (at is None or e.at <= at)]
        if told:
            return str(told[-1])
        over = min(x for x in (at, self.contact.ended, until) if x is not None)
        his = [e.data["tier"] for e in profiles if e.at <= over and f"customer:{e.data['customer_id']}" == self.owner(at)]
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
        for life in split(some):
            found.append(Life(life, recount(channel, contact, life, until)))
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
        ended = event.kind == "contact.ended" or (ended and event.kind in ("feedback.given", "contact.wrapped_up", "case.solved", "article.viewed"))
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

    made = Truth()
    sums: dict[tuple[int, *Place], Sums] = defaultdict(Sums)
    for life in known:
        channel, tier = life.contact.channel, life.tier(profiles, told.end)
        for fact in life.contact.facts:
            sums[fact.at - fact.at % DAY, channel, fact.queue, tier].add(fact.name, fact.amounts)
        for leg in life.contact.legs:
            for day, end in nights(leg, told.end):
                sums[day, channel, leg.queue, tier].waiting += leg.entered <= end - THRESHOLD
            alert(made, life, leg, life.tier(profiles, told.end, leg.left or told.end), told.end)
            if leg.left is None:
                depth, oldest, by_tier = made.queues.get((channel, leg.queue), (0, leg.entered, {}))
                by_tier[tier] = by_tier.get(tier, 0) + 1
                made.queues[channel, leg.queue] = (depth + 1, min(oldest, leg.entered), by_tier)
    for place, some in sums.items():
        for name, ratio in some.figures().items():
            if ratio[0] or ratio[1]:
                made.days[(*place, name)] = ratio
    by_owner: dict[str, list[Life]] = defaultdict(list)
    for life in known:
        by_owner[life.owner()].append(life)
    made.journeys = {owner: journey(some) for owner, some in by_owner.items()}
    return made


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


def journey(some: list[Life]) -> list[Listed]:
    """The contacts of a customer's last journey."""
    some = sorted(some, key=lambda life: (life.contact.started, life.contact.channel, life.contact.contact))
    chosen: list[Life] = []
    reached = some[0].contact.started
    for life in some:
        if life.contact.started - reached > GAP:
            chosen = []
        chosen.append(life)
        reached = max(reached, life.events[-1].at)
    return [listed(life.contact) for life in chosen]


def listed(c: Contact) -> Listed:
    talk = c.talk if c.ended is not None else None
    return Listed(c.channel, c.contact, c.queue, c.started, c.outcome, c.wait, talk, c.messages, c.transfers)


@dataclass
class Sums:
    """What happened on one day in one channel, queue and tier."""

    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    amounts: dict[str, list[tuple[int, ...]]] = field(default_factory=lambda: defaultdict(list))
    waiting: int = 0

    def add(self, name: str, amounts: tuple[int, ...]) -> None:
        self.counts[name] += 1
        self.amounts[name].append(amounts)

    def figures(self) -> dict[str, Ratio]:
        """kpi.variant → numerator and denominator."""
        return self.of_legs() | self.of_contacts() | self.of_words()

    def of_legs(self) -> dict[str, Ratio]:
        answered = [a for (a,) in self.amounts["left.answered"]]
        gone = [a for (a,) in self.amounts["left.abandoned"]]
        flown = [a for (a,) in self.amounts["left.flow_out"]]
        left = len(answered) + len(gone) + len(flown)
        hit = sum(a <= THRESHOLD for a in answered)
        gone_in, short = sum(a <= THRESHOLD for a in gone), sum(a <= SHORT for a in gone)
        ended = len(answered) + len(gone)
        return {
            "legs_entered.all": (self.counts["entered"], 0),
            "abandonment.of_left": (len(gone), left),
            "abandonment.short": (short, left),
            "flow_out.of_left": (len(flown), left),
            "speed_of_answer.answered_legs": (sum(answered), len(answered)),
            "longest_wait.left": (max([*answered, *gone, *flown], default=0), 0),
            "service_level.reached_threshold": (hit, ended + self.waiting),
            "service_level.abandon_in_time_is_hit": (hit + gone_in, ended),
            "service_level.answered_only": (hit, len(answered)),
            "service_level.all_abandons_count": (hit, ended),
            "service_level.in_threshold_abandons_excluded": (hit, ended - gone_in),
            "service_level.short_abandons_positive": (hit + short, ended),
            "service_level.short_abandons_excluded": (hit, ended - short),
        }

    def of_contacts(self) -> dict[str, Ratio]:
        waits = [a for (a,) in self.amounts["answered"]]
        offered = len(waits) + self.counts["abandoned"] + self.counts["flow_out"]
        in_time = sum(a <= THRESHOLD for a in waits)
        handled = self.amounts["handled"]
        n = len(handled)
        return {
            "contacts_offered.all": (offered, 0),
            "abandonment.of_offered": (self.counts["abandoned"], offered),
            "answered_in_time.of_offered": (in_time, offered),
            "answered_in_time.of_answered": (in_time, len(waits)),
            "speed_of_answer.all_contacts": (sum(waits), len(waits)),
            "handle_time.all": (sum(sum(parts) for parts in handled), n),
            "handle_time.talk": (sum(parts[0] for parts in handled), n),
            "handle_time.hold": (sum(parts[1] for parts in handled), n),
            "handle_time.wrap": (sum(parts[2] for parts in handled), n),
        }

    def of_words(self) -> dict[str, Ratio]:
        made: dict[str, Ratio] = {}
        for name, some in self.amounts.items():
            if name.startswith("first_response."):
                made[name] = (sum(a for (a,) in some), len(some))
        csat = [a for (a,) in self.amounts["csat"]]
        nps = [a for (a,) in self.amounts["nps"]]
        ces = [a for (a,) in self.amounts["ces"]]
        moods = [a for (a,) in self.amounts["sentiment"]]
        replies = [a for (a,) in self.amounts["next_response"]]
        return made | {
            "csat.satisfied": (sum(a >= 4000 for a in csat), len(csat)),
            "csat.mean_score": (sum(csat), len(csat)),
            "nps.every_answer": (100 * (sum(a >= 9000 for a in nps) - sum(a <= 6000 for a in nps)), len(nps)),
            "ces.easy": (sum(a >= 5000 for a in ces), len(ces)),
            "sentiment.mean": (sum(moods), len(moods)),
            "next_response.all": (sum(replies), len(replies)),
        }
