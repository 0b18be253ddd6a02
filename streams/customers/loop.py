"""The loop over a customer's capabilities: each is asked in turn, and its state goes back into the timeline."""

from collections.abc import Callable, Collection
from functools import partial
from typing import Any

from msgspec.structs import replace

from streams.alerts.episodes import Gone
from streams.base.records import CustomerEvent, Event, Fact, Profile
from streams.contacts.histories import Lives
from streams.customers.follow import After, Change, Ease, Follower, Followers, Leaving, Out, Spans, View
from streams.customers.rules import CustomerRules
from streams.customers.timeline_state import Place, Timeline, view

Told = tuple[Timeline, tuple[Out, ...]]
"""A timeline, and what is published at once."""


def changed(timeline: Timeline, change: Change, place: Place, rules: CustomerRules) -> Told:
    """A contact changed, or got other tiers."""
    return _told(timeline, place, rules.asked["changed"], lambda each, state, now: each.changed(state, change, now))


def left(timeline: Timeline, leaving: Leaving, place: Place, rules: CustomerRules) -> Told:
    """A contact went to another customer."""
    return _told(timeline, place, rules.asked["left"], lambda each, state, now: each.left(state, leaving, now))


def told(timeline: Timeline, record: Profile | CustomerEvent, place: Place, rules: CustomerRules) -> Told:
    """Something about the customer apart from contacts."""
    return _told(timeline, place, rules.asked["told"], lambda each, state, now: each.told(state, record, now))


def passed(timeline: Timeline, asked: Collection[str], place: Place, rules: CustomerRules) -> Told:
    """Stream time has passed the deadlines of those that are asked, and maybe of who hears of what they publish."""
    new: dict[str, Any] = {}
    now = view(timeline, place, new)
    out: tuple[Out, ...] = ()
    for each in rules.asked["passed"]:
        state = new.get(each.name, getattr(timeline, each.name))
        if (each.name in asked or each.name in new) and (after := each.passed(state, now)) is not None:
            out += after.out
            now = _noted(new, each, state, after, now)
            _heard(timeline, new, after.out, now, rules)
    return (replace(timeline, **new) if new else timeline), out


def rejudged(
    timeline: Timeline, due: dict[str, int] | None, place: Place, rules: CustomerRules, number: int
) -> tuple[Timeline, tuple[Out, ...], dict[str, int] | None]:
    """The alert rules are others than those of a number; ``due``: the deadlines, where they are known."""
    new: dict[str, Any] = {}
    now = view(timeline, place, new)
    out: tuple[Out, ...] = ()
    for each in rules.asked["rejudged"]:
        state = getattr(timeline, each.name)
        after = each.rejudged(state, now, number)
        if after is not None:
            out += after.out
            now = _noted(new, each, state, after, now)
            _heard(timeline, new, after.out, now, rules)
        due = _due_after(due, each, new.get(each.name, state), replace(now, now=None))
    return (replace(timeline, **new) if new else timeline), out, due


def _heard(timeline: Timeline, new: dict[str, Any], out: tuple[Out, ...], now: View, rules: CustomerRules) -> None:
    """Those who hear of what another one publishes."""
    for other in rules.asked["heard"] if out else ():
        known = new.get(other.name, getattr(timeline, other.name))
        for record in out:
            known = other.heard(known, record, now)
        if known is not getattr(timeline, other.name):
            new[other.name] = lean(other, known)


Answer = Callable[[Follower[Any], Any, View], After[Any] | None]


def _told(timeline: Timeline, place: Place, asked: Followers, answer: Answer) -> Told:
    """Each answers in turn."""
    new: dict[str, Any] = {}
    now = view(timeline, place, new)
    out: tuple[Out, ...] = ()
    for each in asked:
        state = getattr(timeline, each.name)
        after = answer(each, state, now)
        if after is not None:
            out += after.out
            now = _noted(new, each, state, after, now)
    return (replace(timeline, **new) if new else timeline), out


def _noted(new: dict[str, Any], each: Follower[Any], state: Any, after: After[Any], now: View) -> View:
    """What an answer changes of the timeline goes to ``new``. Where it decides the tiers, those behind it know them."""
    if after.state is not state:
        new[each.name] = lean(each, after.state)
    if after.look:
        new["stale"] = True
    if after.tiers is None or after.tiers == now.tiers:
        return now
    new |= {"tiers": after.tiers, "stale": True}
    return replace(now, tiers=after.tiers)


def published(
    timeline: Timeline, due: dict[str, int] | None, place: Place, rules: CustomerRules
) -> tuple[Timeline, tuple[Out, ...], dict[str, int] | None, tuple[Fact, ...]]:
    """What looks different than it was published last; the deadlines, where they are known: only those of whom
    something was published move; and what counts in KPIs.
    """
    now = view(timeline, place)
    out: tuple[Out, ...] = ()
    facts: tuple[Fact, ...] = ()
    new: dict[str, Any] = {}
    for each in rules.asked["publish"]:
        after = each.publish(getattr(timeline, each.name), now)
        if after is not None:
            out += after.out
            facts += after.facts
            new[each.name] = lean(each, after.state)
            due = _due_after(due, each, new[each.name], now)
    for each in rules.asked["concludes"]:
        states = partial(_state_of, new, timeline)
        after = each.concludes(states(each.name), states, now)
        if after is not None:
            out += after.out
            facts += after.facts
            new[each.name] = lean(each, after.state)
            due = _due_after(due, each, new[each.name], now)
    return replace(timeline, **new, stale=False), out, due, facts


def _due_after(due: dict[str, int] | None, each: Follower[Any], state: Any, now: View) -> dict[str, int] | None:
    """The deadlines with its own one as it is now."""
    at = None if due is None else each.due(state, now)
    if due is None or due.get(each.name) == at:
        return due
    due = {name: known for name, known in due.items() if name != each.name}
    return due if at is None else due | {each.name: at}


def _state_of(new: dict[str, Any], timeline: Timeline, name: str) -> Any:
    """Of a capability, as it is by now."""
    return new[name] if name in new else getattr(timeline, name)


def settled(timeline: Timeline, finished: Lives, place: Place, rules: CustomerRules) -> Timeline:
    """Contacts are over for good and no longer kept."""
    if not finished:
        return timeline
    now = view(timeline, place)
    after = {
        each.name: lean(each, each.settled(getattr(timeline, each.name), finished, now))
        for each in rules.asked["settled"]
    }
    return replace(timeline, **after, stale=True)


def handed(timeline: Timeline, group: str, place: Place, rules: CustomerRules) -> tuple[Timeline, dict[str, bytes]]:
    """Without what contacts of a group count for that are no longer kept; and that, by capability."""
    now = view(timeline, place)
    new: dict[str, Any] = {}
    pieces: dict[str, bytes] = {}
    for each in rules.asked["handed"]:
        state, piece = each.handed(getattr(timeline, each.name), group, now)
        if piece is not None:
            new[each.name], pieces[each.name] = lean(each, state), piece
    return (replace(timeline, **new, stale=True) if new else timeline), pieces


def absorbed(timeline: Timeline, group: str, pieces: dict[str, bytes], place: Place, rules: CustomerRules) -> Timeline:
    """With what contacts of a group count for that another customer had. What no capability knows is left out."""
    now = view(timeline, place)
    after = {
        each.name: lean(each, each.absorbed(getattr(timeline, each.name), group, pieces[each.name], now))
        for each in rules.asked["absorbed"]
        if each.name in pieces
    }
    return replace(timeline, **after, stale=True)


def regrouped(timeline: Timeline, went: Collection[str], place: Place, rules: CustomerRules) -> Told:
    """Contacts of a group came or went."""
    return _told(timeline, place, rules.asked["regrouped"], lambda each, state, now: each.regrouped(state, went, now))


def tidied(timeline: Timeline, place: Place, rules: CustomerRules) -> Timeline:
    """Contacts became smaller because their time was over."""
    now = view(timeline, place)
    after = {each.name: lean(each, each.tidied(getattr(timeline, each.name), now)) for each in rules.asked["tidied"]}
    return replace(timeline, **after)


def remembers(timeline: Timeline, event: Event, rules: CustomerRules) -> bool:
    """Is the event's contact, which is no longer kept, known as heard of at that time or later?"""
    return any(each.remembers(getattr(timeline, each.name), event) for each in rules.asked["remembers"])


def spent(timeline: Timeline, place: Place, rules: CustomerRules) -> bool:
    """May there be something that publishing drops, since it need not be kept any more?"""
    now = view(timeline, place)
    return any(each.spent(getattr(timeline, each.name), now) for each in rules.asked["spent"])


def eased(timeline: Timeline, ease: Ease, place: Place, rules: CustomerRules) -> Timeline:
    """Smaller, because the row is too large."""
    now = view(timeline, place)
    after = {
        each.name: lean(each, each.eased(getattr(timeline, each.name), ease, now)) for each in rules.asked["eased"]
    }
    return replace(timeline, **after)


def gives_up(timeline: Timeline, ease: Ease, place: Place, rules: CustomerRules) -> dict[str, Spans]:
    """What is to go that must be published before, of each capability that has such: times (from, to)."""
    now = view(timeline, place)
    found = {each.name: each.gives_up(getattr(timeline, each.name), ease, now) for each in rules.asked["gives_up"]}
    return {name: spans for name, spans in found.items() if spans}


def gave_up(timeline: Timeline, going: dict[str, Spans], rules: CustomerRules) -> Timeline:
    """Without them, now that they are published."""
    after = {
        each.name: lean(each, each.gave_up(getattr(timeline, each.name), going[each.name]))
        for each in rules.asked["gave_up"]
        if each.name in going
    }
    return replace(timeline, **after, stale=True)


def unpublished(timeline: Timeline, rules: CustomerRules) -> Timeline:
    """The timeline without what only publishing writes."""
    after = {
        each.name: lean(each, each.unpublished(getattr(timeline, each.name))) for each in rules.asked["unpublished"]
    }
    return replace(timeline, **after, stale=False)


def shown_bytes(timeline: Timeline, place: Place, rules: CustomerRules) -> int:
    """JSON bytes of what publishing writes, at most."""
    now = view(timeline, place)
    return sum(each.shown_bytes(getattr(timeline, each.name), now) for each in rules.asked["shown_bytes"])


def only_looks(before: Timeline, after: Timeline, rules: CustomerRules) -> bool:
    """All that is new of it is that something may have to be published, and what only publishing writes."""
    kept = ("histories", "rested", "gone", "forwards", "tiers")
    return all(getattr(before, name) is getattr(after, name) for name in kept) and all(
        _looks(each, getattr(before, each.name), getattr(after, each.name)) for each in rules.followers
    )


def _looks(each: Follower[Any], before: Any, after: Any) -> bool:
    return before is after or each.unpublished(before) == each.unpublished(after)


def names(timeline: Timeline, rules: CustomerRules) -> int:
    """How many names that were published are remembered."""
    return sum(each.names(getattr(timeline, each.name)) for each in rules.asked["names"])


def rest(timeline: Timeline, rules: CustomerRules) -> Timeline | None:
    """What has to be kept of one of which nothing stands; None = nothing."""
    left = {each.name: lean(each, each.rest(getattr(timeline, each.name))) for each in rules.asked["rest"]}
    kept = Timeline(**left)
    return None if kept == NOTHING else kept


NOTHING = Timeline()


def is_bare(timeline: Timeline, owner: str, rules: CustomerRules) -> bool:
    """Nothing of it stands: what is left of it, if anything, are names that were published."""
    if timeline.histories or timeline.rested or timeline.tiers or timeline.forwards:
        return False
    return not any(each.stands(getattr(timeline, each.name), owner) for each in rules.followers)


def erased(timeline: Timeline, gone: Gone, place: Place, rules: CustomerRules) -> tuple[Out, ...]:
    """What is still to be published of somebody who is erased."""
    now = view(timeline, place)
    over = (each for one in rules.asked["erased"] for each in one.erased(getattr(timeline, one.name), gone, now))
    return (*over, *removed(timeline, place, rules))


def removed(timeline: Timeline, place: Place, rules: CustomerRules) -> tuple[Out, ...]:
    """What is taken back of a line that is forgotten."""
    now = view(timeline, place)
    return tuple(each for one in rules.asked["removed"] for each in one.removed(getattr(timeline, one.name), now))


def going(timeline: Timeline, at: int, place: Place, rules: CustomerRules) -> tuple[Fact, ...]:
    """What counts no more from a moment on (ms), when the line is forgotten."""
    now = view(timeline, place)
    return tuple(fact for one in rules.asked["going"] for fact in one.going(getattr(timeline, one.name), at, now))


def dues(timeline: Timeline, place: Place, rules: CustomerRules) -> dict[str, int]:
    """Whose deadline is when, of each capability that has one."""
    now = view(timeline, place)
    found: dict[str, int] = {}
    for each in rules.asked["due"]:
        due = each.due(getattr(timeline, each.name), now)
        if due is not None:
            found[each.name] = due
    return found


def lean(follower: Follower[Any], state: Any) -> Any:
    """The state, or the one object for nothing, which takes no room in a row."""
    return follower.empty if state == follower.empty else state
