"""What the simulated centre looks like: queues, staff, arrivals by hour, customers. Numbers only; nothing happens here.

All durations are seconds, rates are contacts an hour at the busiest hour.
"""

import random
from dataclasses import dataclass

TIERS = ("red", "silver", "gold", "platinum")
# Of every 20 customers, in the order in which they are numbered: 6 red, 6 silver, 5 gold, 3 platinum.
_TIER_OF_20 = tuple(TIERS[int(digit)] for digit in "01230123012301201012")
_VALUE_CENTS = {"red": 40_000, "silver": 180_000, "gold": 900_000, "platinum": 4_000_000}


@dataclass(frozen=True)
class Queue:
    """A queue and the work behind it; ``patience_s`` None = nobody gives up (the customer does not sit and wait)."""

    name: str
    talk_s: float
    wrap_s: float
    patience_s: float | None


@dataclass(frozen=True)
class Group:
    """``count`` agents with the same skills (queue names); ``slots`` contacts each at a time."""

    count: int
    skills: tuple[str, ...]
    slots: int = 1


@dataclass(frozen=True)
class Arrivals:
    """Contacts an hour at factor 1, and the 24 factors of the day; ``waiting``: there when the doors open."""

    per_hour: float
    by_hour: tuple[float, ...]
    waiting: int = 0


@dataclass(frozen=True)
class Customer:
    """Somebody the centre knows; the same number is the same person in every run, whatever the seed."""

    id: str
    tier: str
    value_cents: int
    phone: str
    email: str
    handle: str


QUEUES = {
    queue.name: queue
    for queue in (
        Queue("cards", 150, 25, 300),
        Queue("accounts", 180, 30, 300),
        Queue("loans", 240, 40, 320),
        Queue("chat-help", 200, 10, 300),
        Queue("messaging", 160, 5, None),
        Queue("social", 120, 5, None),
        Queue("mail", 170, 10, None),
        Queue("requests", 200, 10, None),
        Queue("branch", 200, 10, 400),
    )
}
VOICE_QUEUES = ("cards", "accounts", "loans")

STAFF = (
    Group(6, ("cards",)),
    Group(5, ("accounts",)),
    Group(3, ("loans",)),
    Group(4, ("cards", "accounts", "loans")),
    Group(7, ("chat-help",), slots=2),
    Group(3, ("messaging", "chat-help"), slots=2),
    Group(4, ("messaging", "social"), slots=3),
    Group(7, ("mail", "requests")),
    Group(2, ("branch",)),
)


def _factors(text: str) -> tuple[float, ...]:
    return tuple(float(factor) for factor in text.split())


_OFFICE = _factors(".03 .02 .02 .02 .03 .06 .15 .40 .75 .95 1. .95 .80 .85 .90 .90 .85 .75 .55 .40 .30 .20 .10 .05")
_ONLINE = _factors(".15 .10 .06 .05 .05 .10 .25 .45 .70 .90 1. .95 .95 .90 .90 .90 .90 .95 1. 1.1 1.1 .90 .60 .30")

ARRIVALS = {
    "voice": Arrivals(345, _OFFICE, waiting=18),
    "chat": Arrivals(165, _ONLINE, waiting=12),
    "bot": Arrivals(150, _ONLINE, waiting=4),
    "messaging": Arrivals(150, _ONLINE, waiting=4),
    "self-service": Arrivals(240, _ONLINE, waiting=6),
    "email": Arrivals(120, _OFFICE, waiting=8),
    "ticket": Arrivals(45, _OFFICE, waiting=2),
    "social": Arrivals(75, _ONLINE, waiting=2),
    "in-person": Arrivals(24, _OFFICE, waiting=2),
    "forum": Arrivals(30, _ONLINE, waiting=1),
}

BRIEFED_SHARE = 0.45
"""Of the staff, at the doors' opening; the others come out of the morning briefing one by one."""
BRIEFING_S = (120.0, 300.0)
BREAK_EVERY_S = 3000.0
BREAK_S = (300.0, 900.0)

DUPLICATE_SHARE = 0.012
"""Of all contact events: the connector got no answer in time and sent it again."""
MALFORMED_EVERY_S = 30.0
TURNED_AWAY_SHARE, CHAT_LEFT_SHARE = 0.04, 0.06
"""Of the calls: the queue was full; of the chats: the visitor went without a word."""
HASTY_SHARE = 0.03
"""Of those who wait on the line: they give up at once."""
KNOWN_SHARE = 0.80
"""Of all contacts: by somebody the centre knows; of those some only say so half-way."""
LATE_KNOWN_SHARE = 0.20
NEVER_SAID_SHARE = 0.22
"""Of all contacts of customers: no event says the customer's id, only identifiers may tell whose it is."""
COMES_BACK_SHARE = 0.35
"""Of all contacts: by somebody who was in touch before."""

IDENTIFIED_BY = {
    "voice": "phone",
    "messaging": "phone",
    "email": "email",
    "ticket": "email",
    "social": "social",
    "in-person": None,
    "forum": "account",
}
"""The identifier a channel's connector has of everybody; the other channels know a browser's cookie."""
BESIDES = {
    "chat": ("email", 0.25),
    "bot": ("device", 0.4),
    "self-service": ("email", 0.15),
    "messaging": ("device", 0.5),
    "social": ("email", 0.15),
    "forum": ("email", 0.3),
}
"""What a share of a channel's contacts name in addition."""
NEW_BROWSER_SHARE = 0.1
"""Of the contacts by a browser: with a new one, or its cookies were deleted."""
UNPROVED_S = 1200
"""A browser is used no longer than this when nothing says whose it is: a visitor signs in soon, or it is deleted. What
is told of a contact that is over for long raises no alert any more."""
FAMILY, FAMILY_EVERY = 2, 5
"""Of every five customers two are a family with one tablet."""
ON_TABLET_SHARE = 0.4
"""Of their contacts that would come from a browser."""
BRANCH_LINE = "+442079460999"
"""The branch's own number. Customers call from there, and clerks typed it into the profiles of some."""
BRANCH_EVERY, BRANCH_CALL_SHARE = 80, 0.08
"""Of so many customers two have it in their profile; the share of all calls that come from there."""
GIVEN_ON, NEXT_NUMBER = (10, 11), "+441632960010"
"""The number of the one customer, who has the next one, was given to the other one, who has another one besides."""
SENTIMENT_GIVEN_SHARE = 0.55
"""Of all customer messages: the connector scored them; the others only have a text."""
SCORED_BY_CONNECTORS = frozenset({"social", "forum"})
"""Channels whose connector scores every message."""
MOOD_LOST_A_MINUTE = 0.22

DAYS_BEFORE = 9
"""Before the doors open: well within the 14 days for which a contact that is over is known."""
CONVERSATIONS_BEFORE = 54
"""Contacts of those days that are told of: what rests over nights, comes late, or goes on after its end."""
DESK_HOURS = (8.0, 9.6)
"""When the staff replies to what came in since, on working days."""
WHOLE_SECONDS = frozenset({"chat"})
"""Channels whose system stamps whole seconds: several events of a contact bear one time."""

WITHHELD_SHARE = 0.2
"""Of the strangers: their identifier stands for nobody; of the others a quarter of that."""
WITHHELD = {
    "phone": (
        "anonymous", "Private Number", "+266696687", "unterdrückt", "withheld", "+7378742833", "numéro masqué",
        "sip:anonymous@anonymous.invalid", "Unavailable", "non disponibile",
    ),
    "email": ("noreply@example.com", "unknown@example.com", "no-reply@example.net"),
    "social": ("deleted user", "unknown"),
    "cookie": ("00000000-0000-0000-0000-000000000000", "none", "undefined"),
    "account": ("guest", "n/a"),
}  # fmt: skip
"""What carriers, suites and browsers send for somebody who is not known, by kind of identifier."""
NO_CUSTOMER = ("unknown", "guest", "0", "n/a")
"""What some of them write as the customer's id."""

_NAMES = ("alex", "bela", "chris", "dana", "eli", "flo", "gil", "hana", "ilya", "juno", "kim", "lou", "mika", "noa")


def customers(count: int) -> list[Customer]:
    """The known customers; at most 500, because only 1,000 numbers of London are set aside for fiction."""
    return [_customer(number) for number in range(min(count, 500))]


def _customer(number: int) -> Customer:
    tier = _TIER_OF_20[number % len(_TIER_OF_20)]
    name = _NAMES[number % len(_NAMES)]
    value = _VALUE_CENTS[tier] + random.Random(number).randrange(_VALUE_CENTS[tier])
    return Customer(
        id=f"C{1000 + number}",
        tier=tier,
        value_cents=value,
        phone=f"+442079460{number:03d}",
        email=f"{name}.{number}@example.org",
        handle=f"@{name}{number}",
    )
