"""One contact as its customer's journey sees it: what it was about, who served it, how it stands, what it took.

What a touchpoint says of its state is its *standing*: a letter, and since when. Of the letters of a journey the latest
decides (`journey_sums`).
"""

import msgspec
from msgspec.structs import astuple, replace

from streams.base.channels import LIVE_CHANNELS, SPOKEN
from streams.base.records import NO_QUEUE
from streams.contacts.contact import ABANDONED, ANSWERED, Contact, Counted
from streams.contacts.rules import ContactRules
from streams.contacts.standing import SILENT, is_open, standing
from streams.contacts.trend import Feelings
from streams.customers.facts import labels_of
from streams.customers.tiers import Tiers

MENU, BOT, HUMAN = "s", "b", "h"
SELF_SERVICE, ASSISTED, FULLY_ASSISTED = "self-service", "assisted", "fully-assisted"


class Touchpoint(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One contact, condensed. Times are ms since the epoch, durations ms, sentiment thousandths."""

    contact: str
    channel: str
    queue: str
    started: int
    last: int
    ended: int | None
    outcome: str
    wait_ms: int
    talk_ms: int
    scored: int
    scored_milli: int
    messages: int
    transfers: int
    tier: str
    hold_ms: int = 0
    wrap_ms: int = 0
    open: bool = False
    ours: bool = False
    """Our side began it."""
    served: str = ""
    """By whom, of `MENU`, `BOT` and `HUMAN`, in this order."""
    asked: bool = False
    """It asked for a human, or one had it."""
    failed: int = 0
    standing: str = SILENT
    since: int = 0
    solves: tuple[tuple[int, int | None], ...] = ()
    """When it was solved, and when it was taken up again."""
    cases: tuple[str, ...] = ()
    topic: str | None = None
    intent: str | None = None
    group: str = ""
    before: Counted | None = None
    """What of it other parts of the past count already."""
    nps: tuple[int, int, str] | None = None
    """The answer to the NPS survey: when, thousandths, and the queue it counts in."""
    callback: tuple[int, int | None, str, int | None] | None = None
    """The call-back asked for: when, for when, the queue it counts in, and when a human had the contact after that."""
    feelings: Feelings = ()
    """The customer's latest in it."""
    kind: str | None = None
    """The service type it counts under, and the team of the agent; see `streams.customers.facts.labels_of`."""
    team: str | None = None

    @property
    def key(self) -> tuple[str, str, int]:
        """Of the contact: an id that comes again is another one."""
        return self.channel, self.contact, self.started

    @property
    def over(self) -> int:
        """When it was over; of one that is not, when it was last heard of."""
        return self.last if self.ended is None else self.ended

    @property
    def heard(self) -> int:
        """The moment as of which its standing is known."""
        return self.last if self.open else self.since

    @property
    def solved(self) -> tuple[int, int] | None:
        """When first and when last."""
        return (self.solves[0][0], self.solves[-1][0]) if self.solves else None

    @property
    def taken_ups(self) -> int:
        """How often it was taken up again after it had been solved."""
        return sum([again is not None for _, again in self.solves]) if self.solves else 0

    @property
    def counted(self) -> Counted:
        """What it adds to a journey, beside what others count of it already."""
        before = self.before
        answered, abandoned = int(self.outcome == ANSWERED), int(self.outcome == ABANDONED)
        if before is None:
            return Counted(
                1, answered, abandoned, self.messages, self.transfers, self.wait_ms, self.scored, self.scored_milli,
                self.talk_ms, self.hold_ms, self.wrap_ms,
            )  # fmt: skip
        return Counted(
            1 - before.contacts,
            answered - before.answered,
            abandoned - before.abandoned,
            self.messages - before.messages,
            self.transfers - before.transfers,
            self.wait_ms - before.wait_ms,
            self.scored - before.scored,
            self.scored_milli - before.scored_milli,
            self.talk_ms - before.talk_ms,
            self.hold_ms - before.hold_ms,
            self.wrap_ms - before.wrap_ms,
        )

    @property
    def level(self) -> str:
        """How much was done for the customer: of one that nobody answered, how much was asked for."""
        if HUMAN not in self.served and not self.asked:
            return SELF_SERVICE
        return FULLY_ASSISTED if self.channel in SPOKEN else ASSISTED

    @property
    def high_contact(self) -> bool:
        """See `met`."""
        return met(self.channel, self.level)

    @property
    def author(self) -> str:
        """Who dealt with it for us, the one who could do most."""
        return "agent" if HUMAN in self.served else "bot" if BOT in self.served else "menu" if self.served else "none"


def met(channel: str, level: str) -> bool:
    """Did customer and human meet, or should they have, at the same time, in a contact of that level?"""
    return level != SELF_SERVICE and channel in LIVE_CHANNELS


def touchpoint(contact: Contact, tiers: Tiers, rules: ContactRules) -> Touchpoint:
    """The contact as its events so far tell it."""
    letter, since = standing(contact)
    tier, kind, team = labels_of(contact, tiers, rules)
    well = contact.served_well
    return Touchpoint(
        contact.id,
        contact.channel,
        contact.queue or contact.first_queue or NO_QUEUE,
        contact.started,
        contact.last,
        contact.ended,
        contact.outcome,
        contact.wait_ms,
        contact.talk_ms,
        contact.scored,
        contact.scored_milli,
        contact.messages,
        contact.transfers,
        tier,
        contact.hold_ms,
        contact.wrap_ms,
        is_open(contact),
        contact.ours,
        _served(contact),
        contact.wants_human or bool(contact.legs) or contact.handed_off is not None or contact.outcome == ABANDONED,
        contact.failed,
        letter,
        since,
        contact.solves if well is None or contact.solved_at is not None else (*contact.solves, (well, None)),
        contact.cases,
        contact.topic,
        contact.intent,
        contact.group,
        contact.before,
        _nps(contact),
        _callback(contact),
        contact.feelings,
        kind,
        team,
    )


def _nps(contact: Contact) -> tuple[int, int, str] | None:
    if contact.nps is None:
        return None
    at, score, queue = contact.nps
    return at, score, queue or contact.first_queue or NO_QUEUE


def _callback(contact: Contact) -> tuple[int, int | None, str, int | None] | None:
    if contact.callback is None:
        return None
    at, due, queue = contact.callback
    return at, due, queue or contact.first_queue or NO_QUEUE, contact.called_back


def _served(contact: Contact) -> str:
    found = ""
    if MENU in contact.machines or contact.channel == "self-service":
        found += MENU
    if BOT in contact.machines or contact.channel == "bot":
        found += BOT
    return found + HUMAN if contact.connected or contact.outcome == ANSWERED else found


def one_each(points: tuple[Touchpoint, ...]) -> tuple[Touchpoint, ...]:
    """Each contact as it was heard of last, with what all of its parts count; in the order in which they began."""
    latest = -1
    for point in points:
        if point.started <= latest:
            break
        latest = point.started
    else:  # each began later than the one before it: so no two are parts of one
        return points
    found: dict[tuple[str, str, int], Touchpoint] = {}
    for point in points:
        known = found.get(point.key)
        found[point.key] = point if known is None else _both(known, point)
    return tuple(sorted(found.values(), key=in_order))


def in_order(point: Touchpoint) -> tuple[int, str, str]:
    """Contacts of a customer are told in this order."""
    return point.started, point.channel, point.contact


def _both(one: Touchpoint, other: Touchpoint) -> Touchpoint:
    """The later of two parts of a contact, which counts what both did."""
    later = other if _progress(one) <= _progress(other) else one
    if one.before is None or other.before is None:
        return later if later.before is None else replace(later, before=None)
    return replace(later, before=min(one.before, other.before, key=astuple))


def _progress(point: Touchpoint) -> tuple[int, int, int, int, str]:
    return point.last, point.messages, point.talk_ms, point.wait_ms, point.outcome
