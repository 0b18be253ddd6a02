"""The loop over a customer's capabilities: each is asked in turn, and its state goes back into the timeline."""

from collections.abc import Collection, Iterable
from typing import Any

from msgspec.structs import replace

from streams.contacts.histories import Lives
from streams.customers.follow import After, Change, Follower, Leaving, Limits, Out
from streams.customers.rules import CustomerRules
from streams.customers.timeline_state import Place, Timeline, view

Told = tuple[Timeline, tuple[Out, ...]]
"""A timeline, and what is published at once."""


def changed(timeline: Timeline, change: Change, place: Place, rules: CustomerRules) -> Told:
    """A contact changed, or got other tiers."""
    now = view(timeline, place)
    return _told(timeline, ((each, each.changed(getattr(timeline, each.name), change, now)) for each in rules.changing))


def left(timeline: Timeline, leaving: Leaving, place: Place, rules: CustomerRules) -> Told:
    """A contact went to another customer."""
    now = view(timeline, place)
    return _told(timeline, ((each, each.left(getattr(timeline, each.name), leaving, now)) for each in rules.followers))


def _told(timeline: Timeline, answers: Iterable[tuple[Follower[Any], After[Any] | None]]) -> Told:
    out, new = tuple[Out, ...](), dict[str, Any]()
    for each, after in answers:
        if after is not None:
            new[each.name] = lean(each, after.state)
            out += after.out
    return (replace(timeline, **new) if new else timeline), out


def passed(timeline: Timeline, asked: Collection[str], place: Place, rules: CustomerRules) -> Told:
    """Stream time has passed the deadlines of those that are asked."""
    now, out, new = view(timeline, place), tuple[Out, ...](), dict[str, Any]()
    for each in rules.followers:
        state = getattr(timeline, each.name)
        if each.name in asked and (after := each.passed(state, now)) is not None:
            out += after.out
            if after.state is not state:
                new[each.name] = lean(each, after.state)
            if after.look:
                new["stale"] = True
    return (replace(timeline, **new) if new else timeline), out


def published(
    timeline: Timeline, due: dict[str, int] | None, place: Place, rules: CustomerRules
) -> tuple[Timeline, tuple[Out, ...], dict[str, int] | None]:
    """What looks different than it was published last, and the deadlines, where they are known: only those of whom
    something was published move.
    """
    now, out, new = view(timeline, place), tuple[Out, ...](), dict[str, Any]()
    for each in rules.publishing:
        after = each.publish(getattr(timeline, each.name), now)
        if after is not None:
            out += after.out
            state = new[each.name] = lean(each, after.state)
            at = None if due is None else each.due(state, now)
            if due is not None and due.get(each.name) != at:
                due = {name: known for name, known in due.items() if name != each.name}
                due |= {} if at is None else {each.name: at}
    return replace(timeline, **new, stale=False), out, due


def settled(timeline: Timeline, finished: Lives, place: Place, rules: CustomerRules) -> Timeline:
    """Contacts are over for good and no longer kept."""
    if not finished:
        return timeline
    now = view(timeline, place)
    after = {
        each.name: lean(each, each.settled(getattr(timeline, each.name), finished, now)) for each in rules.followers
    }
    return replace(timeline, **after, stale=True)


def tidied(timeline: Timeline, place: Place, rules: CustomerRules) -> Timeline:
    """Contacts became smaller because their time was over."""
    now = view(timeline, place)
    after = {each.name: lean(each, each.tidied(getattr(timeline, each.name), now)) for each in rules.followers}
    return replace(timeline, **after)


def eased(timeline: Timeline, limits: Limits | None, place: Place, rules: CustomerRules) -> Timeline:
    """Smaller, because the row is too large."""
    now = view(timeline, place)
    after = {each.name: lean(each, each.eased(getattr(timeline, each.name), limits, now)) for each in rules.followers}
    return replace(timeline, **after)


def unpublished(timeline: Timeline, rules: CustomerRules) -> Timeline:
    """The timeline without what only publishing writes."""
    after = {each.name: lean(each, each.unpublished(getattr(timeline, each.name))) for each in rules.followers}
    return replace(timeline, **after, stale=False)


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
    return [rule for each in rules.alarming for rule in each.firing(getattr(timeline, each.name))]


def dues(timeline: Timeline, place: Place, rules: CustomerRules) -> dict[str, int]:
    """Whose deadline is when, of each capability that has one."""
    now, found = view(timeline, place), dict[str, int]()
    for each in rules.followers:
        due = each.due(getattr(timeline, each.name), now)
        if due is not None:
            found[each.name] = due
    return found


def lean(follower: Follower[Any], state: Any) -> Any:
    """The state, or the one object for nothing, which takes no room in a row."""
    return follower.empty if state == follower.empty else state
