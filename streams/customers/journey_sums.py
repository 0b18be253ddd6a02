"""Sums of contacts of one need that are no longer kept one by one.

A sum adds: joining two is adding them, in any
order; so it can be taken out at one customer and put in at another. What hangs on the order of contacts (changes of
channel, repeats, …) is counted when a contact is summed up, by what was known then.
"""

from collections.abc import Iterable, Sequence
from operator import attrgetter

import msgspec
from msgspec.structs import replace

from streams.base.records import NO_TIER
from streams.contacts.contact import MAX_CASES, Counted
from streams.contacts.standing import SILENT, SOLVED
from streams.customers.stitching import Node
from streams.customers.touchpoints import BOT, MENU, Touchpoint

MAX_CONTACTS = 20
"""Contacts listed in a journey, the latest; the sums count all."""
SUMS = (
    "contacts", "answered", "abandoned", "messages", "transfers", "wait_ms", "scored", "scored_milli", "talk_ms",
    "hold_ms", "wrap_ms",
)  # fmt: skip
"""Fields of `Counted`, in this order, and of `Journey`."""
ORDERED = ("switches", "repeats", "reopens", "dead_ends", "escalations")
"""Fields of `Ordered` and `Journey`, in this order."""
_in_order = attrgetter("started", "contact", "channel")


class Solve(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """When a contact was solved, and where that counts."""

    at: int
    channel: str
    contact: str
    queue: str
    tier: str
    kind: str | None = None
    team: str | None = None


class Solves(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What counts of the solutions of contacts: the first and the latest; when the customer first came again, which a
    contact taken up again is, too; and when one that had been solved first went on. All in ms."""

    first: Solve | None = None
    latest: Solve | None = None
    again: int | None = None
    reopened: int | None = None


class Journey(msgspec.Struct, frozen=True, omit_defaults=True):
    """A sum of contacts; ``firsts``: channel → when it was first used; ``listed``: the latest ones, in rows of a
    version that summed up all contacts of a journey.
    """

    started: int
    last: int
    listed: tuple[Touchpoint, ...]
    firsts: dict[str, int]
    contacts: int = 1
    answered: int = 0
    abandoned: int = 0
    messages: int = 0
    transfers: int = 0
    wait_ms: int = 0
    scored: int = 0
    scored_milli: int = 0
    open: bool = False
    talk_ms: int = 0
    hold_ms: int = 0
    wrap_ms: int = 0
    group: str = ""
    cases: tuple[str, ...] = ()
    topic: str | None = None
    intent: str | None = None
    latest: int | None = None
    """When the latest contact of it began."""
    channel: str = ""
    """Of that contact."""
    together: int | None = None
    """When the journey began of which it was a part: sums with the same one stay together."""
    switches: int = 0
    repeats: int = 0
    reopens: int = 0
    dead_ends: int = 0
    escalations: int = 0
    served: str = ""
    """By whom, in the order in which they first did."""
    standing: str = SILENT
    heard: int = 0
    solved: tuple[int, int] | None = None
    machine_first: bool = False
    """It began with a menu or a bot."""
    tier: str = ""
    solves: Solves | None = None
    """None in rows of a version before."""

    @property
    def upto(self) -> int:
        """When its latest contact began."""
        if self.latest is not None:
            return self.latest
        return max((point.started for point in self.listed), default=self.started)


def begun(part: Touchpoint | Journey) -> int:
    """When it began; of a sum, its latest contact."""
    return part.started if isinstance(part, Touchpoint) else part.upto


def node_of(part: Touchpoint | Journey) -> Node:
    """The part as what is stitched."""
    if isinstance(part, Touchpoint):
        return Node(part.started, part.last, part.channel, part.contact, part.cases, part.topic, part.intent)
    channel = part.channel or (part.listed[-1].channel if part.listed else "")
    return Node(part.upto, part.last, channel, "", part.cases, part.topic, part.intent, part.together)


class Ordered(msgspec.Struct, frozen=True, gc=False):
    """What a contact counts for by its place among those of its journey."""

    switches: int = 0
    repeats: int = 0
    reopens: int = 0
    dead_ends: int = 0
    escalations: int = 0


def stands(parts: Iterable[Touchpoint | Journey]) -> tuple[int, bool, str]:
    """Of all that says how a journey stands the latest: when, and the letter; of one moment, that it is solved."""
    told = ((part.heard, part.standing == SOLVED, part.standing) for part in parts if part.standing != SILENT)
    return max(told, default=(0, False, SILENT))


def machine_first(part: Touchpoint | Journey) -> bool:
    return part.machine_first if isinstance(part, Journey) else part.served[:1] in (MENU, BOT)


def span(solved: Iterable[tuple[int, int] | None]) -> tuple[int, int] | None:
    """When first and when last."""
    found = [each for each in solved if each is not None]
    return (min(first for first, _ in found), max(last for _, last in found)) if found else None


def solves_of(point: Touchpoint, turn: Ordered) -> Solves:
    """Of one contact at its place in the journey."""
    reopened = [again for _, again in point.solves if again is not None]
    if turn.reopens > point.taken_ups:  # another one had been solved when it began
        reopened.append(point.started)
    again = [*reopened, point.started] if turn.repeats else reopened
    place = point.channel, point.contact, point.queue, point.tier, point.kind, point.team
    places = [Solve(at, *place) for at, _ in point.solves]
    first, latest = (places[0], places[-1]) if places else (None, None)
    return Solves(first, latest, min(again, default=None), min(reopened, default=None))


def solves_together(some: Sequence[Solves]) -> Solves:
    """Of all of them; associative and commutative."""
    firsts = [each.first for each in some if each.first is not None]
    latest = [each.latest for each in some if each.latest is not None]
    return Solves(
        min(firsts, key=_place, default=None),
        max(latest, key=_place, default=None),
        min((each.again for each in some if each.again is not None), default=None),
        min((each.reopened for each in some if each.reopened is not None), default=None),
    )


_place = attrgetter("at", "channel", "contact", "queue", "tier")


# Sums of contacts that are no longer kept one by one


def summed(point: Touchpoint, turn: Ordered, together: int) -> Journey:
    """The sum of one contact; ``together``: when its journey began, ms."""
    return Journey(
        point.started,
        point.last,
        (),
        {point.channel: point.started},
        **{name: getattr(point.counted, name) for name in SUMS},
        group=point.group,
        cases=point.cases,
        topic=point.topic,
        intent=point.intent,
        latest=point.started,
        channel=point.channel,
        together=together,
        **{name: getattr(turn, name) for name in ORDERED},
        served=point.served,
        standing=point.standing,
        heard=point.heard,
        solved=point.solved,
        machine_first=machine_first(point),
        tier=point.tier,
        solves=solves_of(point, turn),
    )


def join(one: Journey, other: Journey) -> Journey:
    """Both sums as one: commutative and associative, but for the lists that are cut short."""
    first, second = sorted((one, other), key=lambda each: (each.started, each.upto, each.channel))
    later = max((one, other), key=lambda each: (each.upto, each.last, each.channel))
    firsts = dict(one.firsts)
    for channel, at in other.firsts.items():
        firsts[channel] = min(at, firsts.get(channel, at))
    heard, _, standing = stands((one, other))
    return Journey(
        first.started,
        max(one.last, other.last),
        tuple(sorted((*one.listed, *other.listed), key=_in_order)[-MAX_CONTACTS:]),
        firsts,
        **{name: getattr(one, name) + getattr(other, name) for name in (*SUMS, *ORDERED)},
        group=first.group if first.group == second.group else "",
        cases=tuple(sorted({*one.cases, *other.cases}))[:MAX_CASES],
        topic=later.topic or first.topic or second.topic,
        intent=later.intent or first.intent or second.intent,
        latest=max(one.upto, other.upto),
        channel=node_of(later).channel,
        together=min((each for each in (one.together, other.together) if each is not None), default=None),
        served="".join(dict.fromkeys(first.served + second.served)),
        standing=standing,
        heard=heard,
        solved=span((one.solved, other.solved)),
        machine_first=first.machine_first,
        tier=later.tier if later.tier not in ("", NO_TIER) else first.tier or second.tier,
        solves=solves_together([one.solves, other.solves]) if one.solves and other.solves else None,
    )


def less(journey: Journey, counted: Counted) -> Journey | None:
    """The sum without what a contact counts for in it; None = nothing is left."""
    if journey.contacts <= counted.contacts:
        return None
    return replace(journey, **{name: getattr(journey, name) - getattr(counted, name) for name in SUMS})
