"""What is kept of contacts that are over: each on its own, and of too many the oldest as sums, by the identifiers that
brought them here (`Contact.group`). Both can be taken out at one customer and put in at another.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Sequence
from itertools import combinations

import msgspec
from msgspec.structs import replace

from streams.contacts.contact import Contact
from streams.customers.journey_rules import JourneyRules
from streams.customers.journey_sums import Journey, Ordered, join, less, node_of, summed
from streams.customers.journey_whole import Whole, ordered, whole
from streams.customers.stitching import stitched
from streams.customers.touchpoints import Touchpoint, in_order, one_each

MAX_POINTS = 40
"""Contacts of the past that are kept each on its own; of more, the oldest are summed up."""
POINTS_KEPT = 20
"""So many are left by that."""
MAX_SUMS = 48
"""Sums of a customer; of more, the oldest of a group become one, whatever they were about."""
MAX_GROUPS = 16
"""Groups that have sums; of more, those that were quiet for longest belong to nobody's identifiers any more."""


class Parts(msgspec.Struct, frozen=True, array_like=True):
    """Contacts of the past, and sums of them."""

    points: tuple[Touchpoint, ...] = ()
    sums: tuple[Journey, ...] = ()


class Found(msgspec.Struct, frozen=True, gc=False):
    """A journey and what it is made of, in order."""

    whole: Whole
    parts: tuple[Touchpoint | Journey, ...]
    why: tuple[tuple[str, str] | None, ...]
    """Each one is here, and by which contact."""
    turns: tuple[Ordered, ...]


def found(points: Iterable[Touchpoint], sums: Sequence[Journey], rules: JourneyRules) -> tuple[Found, ...]:
    """The journeys of contacts, of which there may be several parts, and of sums; in the order in which they began."""
    each = one_each(tuple(points))
    if len(each) == 1 and not sums:
        turns = ordered(each, rules)
        return (Found(whole(each, (None,), turns), each, (None,), turns),)
    parts: Sequence[Touchpoint | Journey] = sorted((*each, *sums), key=_order) if sums else each
    made = []
    for journey in stitched([node_of(part) for part in parts], rules):
        members = tuple(parts) if len(journey.members) == len(parts) else tuple([parts[at] for at in journey.members])
        why = tuple([None if one is None else (one.reason, _name(parts[one.to])) for one in journey.stitches])
        turns = ordered(members, rules)
        made.append(Found(whole(members, why, turns), members, why, turns))
    return tuple(sorted(made, key=_begun) if len(made) > 1 else made)


def _begun(journey: Found) -> tuple[int, tuple[str, str]]:
    return journey.whole.started, journey.whole.first


def _order(part: Touchpoint | Journey) -> tuple[int, str, str, int]:
    if isinstance(part, Journey):
        return part.upto, "", part.group, part.started
    return *in_order(part), 0


def _name(part: Touchpoint | Journey) -> str:
    return part.contact if isinstance(part, Touchpoint) else ""


def with_points(parts: Parts, points: Iterable[Touchpoint]) -> Parts:
    """With contacts that are no longer kept elsewhere, or other parts of known ones."""
    return Parts(one_each((*parts.points, *points)), parts.sums)


def bounded(parts: Parts, others: Sequence[Touchpoint], rules: JourneyRules) -> Parts:
    """With no more contacts than may be kept each on its own; ``others``: the customer's, which are kept elsewhere."""
    if len(parts.points) > MAX_POINTS:
        parts = summed_up(parts, others, len(parts.points) - POINTS_KEPT, rules)
    if len(parts.sums) > MAX_SUMS or len({each.group for each in parts.sums}) > MAX_GROUPS:
        return Parts(parts.points, _fewer(parts.sums))
    return parts


def summed_up(parts: Parts, others: Sequence[Touchpoint], count: int, rules: JourneyRules) -> Parts:
    """With so many of the oldest contacts as sums: one for each journey and group."""
    elsewhere = {point.key for point in others}
    free = [point for point in parts.points if point.key not in elsewhere]
    going = {point.key for point in sorted(free, key=lambda point: (point.last, point.key))[:count]}
    sums: list[Journey] = []
    for journey in found((*parts.points, *others), parts.sums, rules):
        old = [part for part in journey.parts if isinstance(part, Journey)]
        together = min((part.together for part in old if part.together is not None), default=journey.whole.started)
        new = [
            summed(part, turn, together)
            for part, turn in zip(journey.parts, journey.turns, strict=True)
            if isinstance(part, Touchpoint) and part.key in going
        ]
        sums += _by_group([*old, *new])
    return Parts(tuple(point for point in parts.points if point.key not in going), tuple(sums))


def _by_group(sums: Iterable[Journey]) -> list[Journey]:
    """Sums of one journey, one for each group; one that lists contacts stays as it is."""
    made: dict[tuple[str, int | None], Journey] = {}
    alone = []
    for one in sums:
        if one.together is None:
            alone.append(one)
            continue
        known = made.get((one.group, one.together))
        made[one.group, one.together] = one if known is None else join(known, one)
    return [*alone, *made.values()]


def _fewer(sums: tuple[Journey, ...]) -> tuple[Journey, ...]:
    """Few enough, of few enough groups; nothing that they count is lost."""
    in_time = sorted(sums, key=lambda each: (each.last, each.started))
    latest = dict.fromkeys(each.group for each in reversed(in_time) if each.group)
    named = [*latest][: MAX_GROUPS - 1]
    kept = [each if each.group in named else replace(each, group="") for each in in_time]
    while len(kept) > MAX_SUMS:
        one, other = next(
            ((one, other) for one, other in combinations(range(len(kept)), 2) if kept[one].group == kept[other].group)
        )
        kept[other] = join(kept[one], kept[other])
        del kept[one]
    return tuple(kept)


def without(parts: Parts, channel: str, contact: str, resting: Contact | None) -> Parts:
    """Without a contact, however it is kept; ``resting``: as it was at rest, if it was."""
    gone = [point for point in parts.points if (point.channel, point.contact) == (channel, contact)]
    points = tuple(point for point in parts.points if (point.channel, point.contact) != (channel, contact))
    counted = gone[0].before if gone else None
    if counted is None and not gone and resting is not None:
        counted = resting.before
    started = gone[0].started if gone else resting.started if resting is not None else None
    sums, listed = [], False
    for each in parts.sums:
        mine = [point for point in each.listed if (point.channel, point.contact) == (channel, contact)]
        if mine and not listed:
            listed, rest = True, _unlisted(each, mine)
            sums += [rest] if rest is not None else []
        elif counted is not None and not listed and started is not None and each.started <= started <= each.upto:
            rest, counted = less(each, counted), None
            sums += [rest] if rest is not None else []
        else:
            sums.append(each)
    return Parts(points, tuple(sums))


def _unlisted(journey: Journey, gone: Sequence[Touchpoint]) -> Journey | None:
    """A sum of a version that listed its contacts, without some of them."""
    kept = tuple(point for point in journey.listed if point not in gone)
    rest: Journey | None = replace(journey, listed=kept)
    for point in gone:
        rest = less(rest, point.counted) if rest is not None else None
    if rest is None or len(kept) != rest.contacts:
        return rest
    firsts: dict[str, int] = {}
    for point in kept:
        firsts.setdefault(point.channel, point.started)
    return replace(rest, started=kept[0].started, last=max(point.last for point in kept), firsts=firsts)


# Handing over


def taken_out(parts: Parts, group: str) -> tuple[Parts, Parts]:
    """What is left without a group, and that."""
    points = tuple(point for point in parts.points if point.group == group)
    sums = tuple(each for each in parts.sums if each.group == group)
    kept = tuple(point for point in parts.points if point.group != group)
    return Parts(kept, tuple(each for each in parts.sums if each.group != group)), Parts(points, sums)


def put_in(parts: Parts, piece: Parts) -> Parts:
    """With what another customer had of a group."""
    return Parts(one_each((*parts.points, *piece.points)), tuple(_by_group((*parts.sums, *piece.sums))))


def is_kept(journey: Found, contacts: Collection[Contact]) -> bool:
    """Is one of the contacts of the journey?"""
    if not contacts:
        return False
    keys = {part.key for part in journey.parts if isinstance(part, Touchpoint)}
    if any((contact.channel, contact.id, contact.started) in keys for contact in contacts):
        return True
    sums = [part for part in journey.parts if isinstance(part, Journey)]
    starts = sorted(contact.started for contact in contacts) if sums else []
    return any(bisect_left(starts, part.started) != bisect_right(starts, part.last) for part in sums)
