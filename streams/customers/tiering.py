"""A customer's tier as a capability: what the CRM gave, what else is known of the value, and when the tier that follows
from that changes without an event.

A tier that is given wins as long as it is. How one follows from the value is in `streams.customers.worth`.
"""

from collections.abc import Collection

import msgspec
from msgspec.structs import replace

from streams.base.claims import NAMELESS, mark_of
from streams.base.records import CustomerEvent, Profile, contact_key
from streams.contacts.histories import History, Lives
from streams.customers.follow import After, Change, Ease, Follower, Leaving, View
from streams.customers.tiers import Tiers, changed, merged
from streams.customers.worth import MAX_POINTS, Base, Point, Points, WorthRules, condensed, walk, with_points

_KEPT = {Ease.FEWER: 8, Ease.FEWEST: 2}
"""Points that are kept of too many."""
REGROUPED = 0
"""In place of a deadline: contacts came or went, and the tier is to be found out anew."""
_decode = msgspec.json.Decoder(list[Point]).decode


class Worth(msgspec.Struct, frozen=True, array_like=True):
    """What is known of a customer's worth. Where no tier follows from the value, ``since`` alone."""

    given: Tiers = ()
    """What the CRM said of the tier; empty = it withdrew it."""
    points: Points = ()
    """The latest, in order."""
    base: Base | None = None
    """By those before."""
    since: tuple[int, str, int] | None = None
    """(time, event id, since when one is a customer), as was said last."""
    next: int | None = None
    """The stream time to pass for the tier to change by itself."""
    reached: int = 0
    """When it last did."""


class Tiering(Follower[Worth]):
    """State: what the tier follows from. It decides the customer's tiers."""

    name = "worth"
    empty = Worth()

    def __init__(self, rules: WorthRules) -> None:
        self.rules = rules
        self.derives = bool(rules.ladder)
        self.visits = self.derives and rules.parts.contacts.cents > 0

    def told(self, state: Worth, record: Profile | CustomerEvent, view: View) -> After[Worth] | None:
        return self._profiled(state, record, view) if isinstance(record, Profile) else None

    def _profiled(self, state: Worth, profile: Profile, view: View) -> After[Worth] | None:
        since = state.since
        if profile.customer_since is not None:
            said = (profile.time, profile.id, profile.customer_since)
            since = said if since is None else max(since, said)
        given = changed(_given(state, view.tiers), profile)
        if not self.derives:
            after = Worth(since=since)
            return None if after == state and given == view.tiers else After(after, look=True, tiers=given)
        point = _point(profile)
        points = state.points if point is None else with_points(state.points, [point])
        after = replace(state, given=given, points=points, since=since)
        return None if after == state else replace(self._derived(after, view), look=True)

    def changed(self, state: Worth, change: Change, view: View) -> After[Worth] | None:
        if not self.derives and (state.points or state.base or state.given):  # bounds that are no longer there
            return After(Worth(since=state.since), tiers=_given(state, view.tiers))
        if not self.visits or change.key is None or view.owner.startswith(NAMELESS):
            return None
        old, new = _begun(change.before), _begun(change.after)
        if old == new:
            return None
        mark, gone = mark_of(change.key), old - new
        kept = tuple(each for each in state.points if each.visit != mark or each.time not in gone)
        summed_up = len(gone) - (len(state.points) - len(kept))  # they count on, as what has come in their place
        points = with_points(kept, [Point(at, "", visit=mark) for at in sorted(new - old)[summed_up:]])
        return self._derived(replace(state, points=points, given=_given(state, view.tiers)), view)

    def left(self, state: Worth, leaving: Leaving, view: View) -> After[Worth] | None:
        mark, since = mark_of(leaving.key), leaving.left.since
        kept = tuple(each for each in state.points if each.visit != mark or each.time < since)
        return None if len(kept) == len(state.points) else self._derived(replace(state, points=kept), view)

    def settled(self, state: Worth, finished: Lives, view: View) -> Worth:
        if not self.visits or not any(each.group for each in finished):
            return state
        groups = {(mark_of(contact_key(each.channel, each.id)), each.started): each.group for each in finished}
        points = [replace(each, group=groups.get((each.visit, each.time), each.group)) for each in state.points]
        return replace(state, points=tuple(points))

    def handed(self, state: Worth, group: str, view: View) -> tuple[Worth, bytes | None]:
        going = [each for each in state.points if group and each.group == group]
        if not going:
            return state, None
        kept = tuple(each for each in state.points if each not in going)
        return replace(state, points=kept, next=REGROUPED), msgspec.json.encode(going)

    def absorbed(self, state: Worth, group: str, piece: bytes, view: View) -> Worth:
        if not self.visits:
            return state
        given, points = _given(state, view.tiers), self._fitting(state.base, with_points(state.points, _decode(piece)))
        return replace(state, given=given, base=points[0], points=points[1], next=REGROUPED)

    def regrouped(self, state: Worth, went: Collection[str], view: View) -> After[Worth] | None:
        return self._derived(state, view) if state.next == REGROUPED else None

    def passed(self, state: Worth, view: View) -> After[Worth] | None:
        return self._derived(state, view)

    def due(self, state: Worth, view: View) -> int | None:
        return state.next

    def eased(self, state: Worth, ease: Ease, view: View) -> Worth:
        most = _KEPT.get(ease, MAX_POINTS)
        if len(state.points) <= most:
            return state
        base, points = condensed(state.base, state.points, most, self.rules)
        return replace(state, base=base, points=points)

    def stands(self, state: Worth, owner: str) -> bool:
        return not owner.startswith(NAMELESS) and state != self.empty

    def _fitting(self, base: Base | None, points: Points) -> tuple[Base | None, Points]:
        return condensed(base, points, MAX_POINTS, self.rules)

    def _derived(self, state: Worth, view: View) -> After[Worth]:
        """With the tiers that follow as of stream time. Who is known by one contact alone has none."""
        if view.owner.startswith(NAMELESS):
            return After(replace(state, next=None))
        base, points = self._fitting(state.base, state.points)
        up_to = state.reached if view.now is None else max(state.reached, view.now - 1)
        end, due = walk(base, points, up_to, self.rules)
        last = points[-1].time if points else 0
        after = replace(
            state, base=base, points=points, next=due, reached=end.at if last < end.at <= up_to else state.reached
        )
        return After(after, tiers=merged(state.given, end.changes))


def _given(state: Worth, tiers: Tiers) -> Tiers:
    """What the CRM said. Of a row of before, or where none follows from the value, that is all the tiers there are."""
    if state.given or state.points or state.base:
        return state.given
    return tuple(each for each in tiers if each[1])


def _point(profile: Profile) -> Point | None:
    """What a profile says of the value."""
    parts = (profile.value_cents, profile.spend_cents, profile.contract_cents, profile.contract_until)
    return None if all(part is None for part in parts) else Point(profile.time, profile.id, *parts)


def _begun(history: History | None) -> set[int]:
    """When the customer began the contacts of a history that are not condensed."""
    lives: Lives = () if history is None else history.lives
    return {life.started for life in lives if life.before is None and not (life.ours or life.only_told)}
