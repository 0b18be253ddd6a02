"""What calls for a word of ours and is not decided, and what was decided of it: once for each rule and trigger, however
often, by whom and in which order it is told.

An order is named by its id, and the earliest word of it counts. A promise is named by its id, and the latest word
holds: made, put off (another due), kept, made again. So of one promise there may be several pending, one for each due,
of which all but the last are put off: nothing is told of these.
"""

from collections.abc import Collection, Iterable, Sequence
from hashlib import blake2b

import msgspec
from msgspec.structs import replace

from streams.base.records import CustomerEvent
from streams.base.times import DAY_MS

MAX_DECIDED = 48
DECIDED_MS = 30 * DAY_MS
"""How long a decision is remembered, of stream time; at most the latest `MAX_DECIDED` are."""
FOREVER = 2**62
Kept = tuple[tuple[int, str], ...]
"""(when, promise)."""
Names = tuple[str, ...]
"""How one trigger may be called: rows of before have the source in front of orders and promises."""


class Pending(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One that is not decided; times in ms."""

    rule: str
    name: str
    """Of the trigger: the event, the order, the promise, the silence."""
    said: int
    """When that was said first."""
    time: int
    """When that was which calls for it: of a promise when it is due."""
    due: int
    """When it is decided first."""
    at: int
    """When it is decided next."""
    key: str = ""
    """Of the history that holds the trigger."""
    about: str | None = None
    revision: int = 0
    over: int | None = None
    """When what called for it was over."""
    again: int = 0
    """When the same was said last, of a promise."""
    off: int | None = None
    """When the promise was put off to another time."""


class Decided(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One that was decided; times in ms."""

    trigger: int
    """Of its rule and name."""
    time: int
    said: int
    """When it was said last."""
    at: int
    revision: int
    over: bool = False
    """It was over: a promise may be made again."""


Past = tuple[Decided, ...]


def names_of(record: CustomerEvent) -> Names:
    """Of an order or a promise: its id, which is unique for the customer; and as rows of before call it."""
    return record.about, f"{record.source}|{record.about}"


def last_said(each: Pending) -> int:
    """When it was said last."""
    return max(each.said, each.again)


def ended(each: Pending) -> int:
    """When it was over or put off."""
    return min((at for at in (each.over, each.off) if at is not None), default=FOREVER)


def is_put_off(each: Pending, at: int) -> bool:
    """Is another time what was said of it, and not that it is over, by then?"""
    return each.off is not None and each.off <= at and (each.over is None or each.off <= each.over)


def trigger_of(rule: str, name: str) -> int:
    """Which rule and trigger, in a number."""
    return int.from_bytes(blake2b(f"{rule}\n{name}".encode("utf-8", "surrogatepass"), digest_size=6).digest())


def told_before(past: Past, each: Pending) -> int:
    """The revision of what was told under its name."""
    trigger = trigger_of(each.rule, each.name)
    return next((one.revision for one in past if (one.trigger, one.time) == (trigger, each.time)), 0)


def with_decided(past: Past, each: Pending, at: int, revision: int) -> Past:
    """With one that was told with a revision (0: nothing was told), and without those that are too old."""
    over = ended(each) <= at
    one = Decided(trigger_of(each.rule, each.name), each.time, last_said(each), at, revision, over)
    others = (
        other for other in past if (other.trigger, other.time) != (one.trigger, one.time) and other.at > at - DECIDED_MS
    )
    return (*others, one)[-MAX_DECIDED:]


def once(pending: Iterable[Pending], past: Past, new: Pending, names: Names) -> tuple[list[Pending], Pending | None]:
    """What is pending beside a word of an order, of a contact or of a silence, and that word if it counts: the earliest
    one does, as long as nothing was told.
    """
    pending = list(pending)
    ours = _of(pending, new, names)
    if _decided(past, new, names) or any(each.revision or each.time <= new.time for each in ours):
        return pending, None
    return [each for each in pending if each not in ours], new


def promised(
    pending: Iterable[Pending], past: Past, new: Pending, names: Names, kept: Kept
) -> tuple[list[Pending], Past, Pending | None]:
    """The same of a word that a promise was made: all others of that promise, as they stand now. A word that was
    decided counts against those of before.
    """
    pending = list(pending)
    others = _of(pending, new, names)
    rest = [each for each in pending if each not in others]
    same = next((each for each in others if each.time == new.time and not _kept_between(each, new, names, kept)), None)
    decided = _decided(past, new, names)
    if same is not None:
        others.remove(same)
        said, again = min(same.said, new.said), max(last_said(same), new.said)
        sooner = new.due < same.due and not same.revision
        due, at = (new.due, min(same.at, new.at)) if sooner else (same.due, same.at)
        one: Pending | None = replace(same, said=said, again=again, due=due, at=at)
    else:
        one = new if _counts(new, decided) else None
        past = tuple(
            replace(each, said=max(each.said, new.said)) if each in decided and each.time == new.time else each
            for each in past
        )
    spans = [_span(each) for each in (*others, one or new)] + [(each.said, each.said, each.time) for each in decided]
    after = [_standing(each, spans, names, kept) for each in others]
    return rest + after, past, None if one is None else _standing(one, spans, names, kept)


def over_at(pending: Iterable[Pending], names: Names, rules: Collection[str], at: int) -> tuple[Pending, ...]:
    """Of some rules, what was said before that is over."""
    return tuple(
        replace(each, over=at if each.over is None else min(at, each.over))
        if each.name in names and each.rule in rules and (at >= last_said(each) or not at)
        else each
        for each in pending
    )


def _of(pending: Iterable[Pending], new: Pending, names: Names) -> list[Pending]:
    return [each for each in pending if each.rule == new.rule and each.name in names]


def _decided(past: Past, new: Pending, names: Names) -> Past:
    triggers = {trigger_of(new.rule, name) for name in names} if past else ()
    return tuple(each for each in past if each.trigger in triggers)


def _kept_between(each: Pending, new: Pending, names: Names, kept: Kept) -> bool:
    """Was it kept after the one word and before the other?"""
    first, second = (last_said(each), new.said) if new.said > each.said else (new.said, each.said)
    return any(first <= at < second for at, name in kept if name in names)


def _counts(new: Pending, decided: Past) -> bool:
    """Is it a word of which nothing was decided, nor of a later one?"""
    for each in decided:
        if each.time == new.time and not (each.over and new.said > each.at):
            return False
        if each.time != new.time and (each.said, each.time) > (new.said, new.time):
            return False
    return True


Span = tuple[int, int, int]
"""Said first, said last, due."""


def _span(each: Pending) -> Span:
    return each.said, last_said(each), each.time


def _standing(each: Pending, spans: Sequence[Span], names: Names, kept: Kept) -> Pending:
    """When it was put off and kept, by all that is known of the promise."""
    last = last_said(each)
    later = [
        first if (first, due) > (last, each.time) else again
        for first, again, due in spans
        if due != each.time and (again, due) > (last, each.time)
    ]
    over = [at for at, name in kept if name in names and at >= last]
    known = [each.over] if each.over is not None and each.over >= last else []
    return replace(each, off=min(later, default=None), over=min(over + known, default=None))
