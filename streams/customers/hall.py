"""The loop over a customer's capabilities: each is asked in turn, and its state goes back into the timeline."""

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from streams.contacts.histories import Lives
from streams.customers.follow import After, Change, Follower, Limits, Out
from streams.customers.rules import CustomerRules
from streams.customers.timeline_state import Place, Timeline, seen

Told = tuple[Timeline, tuple[Out, ...]]
"""A timeline, and what is published at once."""


def changed(timeline: Timeline, change: Change, place: Place, rules: CustomerRules) -> Told:
    """A contact changed, left, or got other tiers."""
    now = seen(timeline, place)
    return _kept(
        timeline, ((each, each.changed(getattr(timeline, each.name), change, now)) for each in rules.followers)
    )


def passed(timeline: Timeline, asked: Iterable[str], place: Place, rules: CustomerRules) -> Told:
    """Stream time has passed the deadlines of those that are asked."""
    now = seen(timeline, place)
    followers = [each for each in rules.followers if each.name in asked]
    return _kept(timeline, ((each, each.passed(getattr(timeline, each.name), now)) for each in followers))


def published(timeline: Timeline, place: Place, rules: CustomerRules) -> Told:
    """What looks different than it was published last; deadlines that are known follow."""
    now = seen(timeline, place)
    dues, out = timeline.dues, list[Out]()
    after: dict[str, Any] = {"stale": False}
    for each in rules.followers:
        before = getattr(timeline, each.name)
        state, its, _ = each.publish(before, now)
        out += its
        if state is not before:
            after[each.name] = lean(each, state)
            if dues is not None:
                dues = _with_due(dues, each.name, each.due(state, now))
    return replace(timeline, **after, dues=dues), tuple(out)


def settled(timeline: Timeline, finished: Lives, place: Place, rules: CustomerRules) -> Timeline:
    """Contacts are over for good and no longer kept."""
    if not finished:
        return timeline
    now = seen(timeline, place)
    after = {
        each.name: lean(each, each.settled(getattr(timeline, each.name), finished, now)) for each in rules.followers
    }
    return replace(timeline, **after, stale=True)


def tidied(timeline: Timeline, place: Place, rules: CustomerRules) -> Timeline:
    """Contacts became smaller because their time was over."""
    now = seen(timeline, place)
    after = {each.name: lean(each, each.tidied(getattr(timeline, each.name), now)) for each in rules.followers}
    return replace(timeline, **after)


def eased(timeline: Timeline, limits: Limits | None, place: Place, rules: CustomerRules) -> Timeline:
    """Smaller, because the row is too large."""
    now = seen(timeline, place)
    after = {each.name: lean(each, each.eased(getattr(timeline, each.name), limits, now)) for each in rules.followers}
    return replace(timeline, **after)


def unpublished(timeline: Timeline, rules: CustomerRules) -> Timeline:
    """The timeline without what only publishing writes."""
    after = {each.name: lean(each, each.unpublished(getattr(timeline, each.name))) for each in rules.followers}
    return replace(timeline, **after, stale=False, dues=None)


def only_looks(before: Timeline, after: Timeline, rules: CustomerRules) -> bool:
    """All that is new of it is that something may have to be published."""
    kept = ("histories", "rested", "gone", *(each.name for each in rules.followers))
    return all(getattr(before, name) is getattr(after, name) for name in kept)


def names(timeline: Timeline, rules: CustomerRules) -> int:
    """How many names that were published are remembered."""
    return sum(each.names(getattr(timeline, each.name)) for each in rules.followers)


def is_bare(timeline: Timeline, owner: str, rules: CustomerRules) -> bool:
    """Nothing of it stands: what is left of it, if anything, are names that were published."""
    if timeline.histories or timeline.rested or timeline.tiers:
        return False
    return not any(each.stands(getattr(timeline, each.name), owner) for each in rules.followers)


def firing(timeline: Timeline, rules: CustomerRules) -> list[str]:
    """The rules of alerts that fire now, once for each."""
    return [rule for each in rules.followers for rule in each.firing(getattr(timeline, each.name))]


def dues(timeline: Timeline, place: Place, rules: CustomerRules) -> dict[str, int]:
    """Whose deadline is when, of each capability that has one."""
    now = seen(timeline, place)
    found = {each.name: each.due(getattr(timeline, each.name), now) for each in rules.followers}
    return {name: due for name, due in found.items() if due is not None}


def _kept(timeline: Timeline, asked: Iterable[tuple[Follower[Any], After[Any]]]) -> Told:
    out, after, stale = list[Out](), dict[str, Any](), timeline.stale
    for each, (state, its, look) in asked:
        out += its
        stale = stale or look
        if state is not getattr(timeline, each.name):
            after[each.name] = lean(each, state)
    if after or stale != timeline.stale:
        timeline = replace(timeline, **after, stale=stale)
    return timeline, tuple(out)


def _with_due(dues: dict[str, int], name: str, due: int | None) -> dict[str, int]:
    others = {each: at for each, at in dues.items() if each != name}
    return others if due is None else {**others, name: due}


def lean(follower: Follower[Any], state: Any) -> Any:
    """The state, or the one object for nothing, which takes no room in a row."""
    return follower.empty if state == follower.empty else state
