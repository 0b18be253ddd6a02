"""Which contacts of a customer are of one journey, by the words of docs/journeys.md: every pair is looked at."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from tests.reference.events import DAY, MIN

SESSION, NEED, REPEAT = 30 * MIN, 7 * DAY, 7 * DAY
STRENGTH = ("case", "topic", "intent", "session", "need")


@dataclass(frozen=True)
class Item:
    """A contact; ``over``: its end, else its last word; times in ms."""

    started: int
    channel: str
    contact: str
    last: int
    over: int
    cases: tuple[str, ...] = ()
    topic: str | None = None
    intent: str | None = None
    ours: bool = False


@dataclass(frozen=True)
class Told:
    """A journey: its contacts, oldest first, and of each why it is there."""

    items: tuple[Item, ...]
    reasons: tuple[str | None, ...]
    switches: int
    repeats: int


def journeys(contacts: Sequence[Item], session: int = SESSION, need: int = NEED, repeat: int = REPEAT) -> list[Told]:
    """In the order in which they began."""
    items = sorted(contacts, key=lambda item: (item.started, item.channel, item.contact))
    joined: dict[tuple[int, int], str] = {}
    about: list[tuple[str | None, str | None, tuple[str, ...]]] = []
    for number, item in enumerate(items):
        earlier = range(number)
        own = (item.topic, item.intent, item.cases)
        if number:
            beside = neighbour(items, number)
            gap = item.started - items[beside].last
            if gap <= need and not differ(own, about[beside]):
                joined[beside, number] = "session" if gap <= session else "need"
                own = tuple(mine or theirs for mine, theirs in zip(own, about[beside], strict=True))  # type: ignore[assignment]
        about.append(own)
        for reason, word in (("intent", item.intent), ("topic", item.topic)):
            same = [other for other in earlier if word is not None and getattr(items[other], reason) == word]
            if not same:
                continue
            last = max(same, key=lambda other: (items[other].last, other))
            topics = {item.topic, items[last].topic} - {None}
            if item.started - items[last].last <= need and (reason == "topic" or len(topics) < 2):
                joined[last, number] = reason
        for other in earlier:
            if {*item.cases} & {*items[other].cases}:
                joined[other, number] = "case"
    return [told(items, members, joined, repeat) for members in components(len(items), list(joined))]


def neighbour(items: Sequence[Item], number: int) -> int:
    """The contact before it in time."""
    if items[number - 1].last >= items[number].started:
        return number - 1
    return max(range(number), key=lambda other: (items[other].last, other))


def differ(one: tuple[object, object, tuple[str, ...]], other: tuple[object, object, tuple[str, ...]]) -> bool:
    """Do they say that they are about different things?"""
    if {*one[2]} & {*other[2]}:
        return False
    for mine, theirs in zip(one[:2], other[:2], strict=True):
        if mine is not None and theirs is not None:
            return mine != theirs
    return bool(one[2] and other[2])


def components(count: int, pairs: list[tuple[int, int]]) -> list[list[int]]:
    left, found = set(range(count)), []
    while left:
        some = {min(left)}
        while more := {b for a, b in pairs if a in some} | {a for a, b in pairs if b in some} - some:
            if more <= some:
                break
            some |= more
        left -= some
        found.append(sorted(some))
    return found


def told(items: Sequence[Item], members: list[int], joined: dict[tuple[int, int], str], repeat: int) -> Told:
    reasons: list[str | None] = [None]
    for number in members[1:]:
        with_earlier = [reason for (_, b), reason in joined.items() if b == number]
        with_later = [reason for (a, _), reason in joined.items() if a == number]
        reasons.append(min(with_earlier or with_later, key=STRENGTH.index))
    some = [items[number] for number in members]
    switches = sum(one.channel != other.channel for one, other in pairwise(some))
    repeats = sum(
        not item.ours and any(other.over < item.started <= other.over + repeat for other in some) for item in some
    )
    return Told(tuple(some), tuple(reasons), switches, repeats)


def by_steps(records: Iterable[dict[str, Any]]) -> dict[str, list[list[tuple[str, str]]]]:
    """Owner → the contacts (channel, id) of each journey, as the steps on ``journey.events`` that hold say."""
    newest: dict[str, dict[str, Any]] = {}
    for record in records:
        if record["revision"] > newest.get(record["event_id"], {"revision": 0})["revision"]:
            newest[record["event_id"]] = record
    found: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for record in newest.values():
        if record["holds"] and record["step"] in ("opened", "joined"):
            contacts = found.setdefault((record["customer"], record["journey_id"]), set())
            contacts.add((record["channel"], record["contact_id"]))
    made: dict[str, list[list[tuple[str, str]]]] = {}
    for (owner, _), contacts in found.items():
        made.setdefault(owner, []).append(sorted(contacts))
    return {owner: sorted(journeys) for owner, journeys in made.items()}


def twice(records: Iterable[dict[str, Any]]) -> list[str]:
    """Steps that were told twice with one revision."""
    seen: set[tuple[str, int]] = set()
    found = []
    for record in records:
        name = (record["event_id"], record["revision"])
        if name in seen:
            found.append(record["event_id"])
        seen.add(name)
    return found
