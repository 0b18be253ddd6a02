"""Which queues and tiers count under their own names: those that the rules list, and of others the first thousand.

What is beyond counts as ``other``, so that a connector that puts ids where a name belongs cannot make a window for each
contact. It is decided where the figures are made, by each task of `measure` for the facts it reads, and kept in its
table ``names``: so it follows from the log, survives restarts, and a fact that is taken back finds the place where it
was counted. Each task has its share of the names, since queues are spread over the tasks by key. No two tasks may
publish one window: where the key ``channel|other`` lives the queue is called ``other``, elsewhere
``other-<partition>``.

A name is forgotten with the last day in which it was used. As long as a fact is kept that was counted as other, no new
name is taken up in place of a forgotten one: that fact may be taken back.

Keys of ``names``: a lane's dimensions; ``line ␟ queue|tier ␟ name``; ``line ␟ queues|tiers|lanes|groups`` for how many
there are.
"""

import re
import sys
from collections.abc import Container, MutableMapping
from typing import Literal, NamedTuple
from zlib import crc32

import msgspec
from msgspec.structs import replace

from streams.base.records import NO_QUEUE, NO_TIER, SEP, Fact
from streams.base.times import DAY_MS
from streams.metrics.groups import ALL, dimensions_of, is_group, key_of, value_of
from streams.metrics.queues import OTHER
from streams.metrics.rules import KpiPolicy
from streams.metrics.tables import of_line


class Name(msgspec.Struct, frozen=True, omit_defaults=True):
    """A queue, tier or lane that counts under its name; or how many of them there are."""

    used: int
    """The last day (UTC, since the epoch) of a fact of it; of a count: of a fact that became other."""
    count: int = 0


Names = MutableMapping[str, Name]
_RESERVED = re.compile(rf"{OTHER}(-\d+)?")


class Place(NamedTuple):
    """Where a fact counts: the fact with the names it counts under, what is to be kept of that, and what of it became
    other ("queue", "tier", "lane")."""

    fact: Fact
    kept: dict[str, Name]
    other: tuple[str, ...] = ()


def is_known(names: Names, fact: Fact, group: str = "") -> bool:
    """Whether the fact counts under its own names, with nothing to note: of nearly all facts."""
    known = None if fact.tier == ALL and not group else names.get(dimensions_of(fact, group))
    return known is not None and known.used >= fact.time // DAY_MS


def place(names: Names, days: Container[str], fact: Fact, policy: KpiPolicy, group: str = "") -> Place:
    """Where a fact counts; ``names`` is not changed. ``days``: keys of the days that are kept."""
    if is_known(names, fact, group):
        return Place(fact, {})
    return _in_group(names, fact, group, policy) if group else _look(names, days, fact, policy)


def _in_group(names: Names, fact: Fact, group: str, policy: KpiPolicy) -> Place:
    """Of groups the lanes alone are limited, all together and apart from those by channel, queue and tier: what is
    beyond counts as other in all but the channel."""
    kept = dict[str, Name]()
    mine = [each for each in group.split("+") if each != "channel"]
    if not any(_RESERVED.fullmatch(value_of(fact, each)) for each in mine):
        most = policy.vocabulary.max_series if mine else sys.maxsize
        if _admitted(names, kept, dimensions_of(fact, group), (fact, "group"), most):
            return Place(fact, kept)
    task, tasks = policy.share
    other = replace(fact, **dict.fromkeys(mine, OTHER))
    if crc32(key_of(other, group).encode()) % tasks != task:
        other = replace(fact, **dict.fromkeys(mine, f"{OTHER}-{task}"))
    return Place(other, kept, ("lane",))


def _look(names: Names, days: Container[str], fact: Fact, policy: KpiPolicy) -> Place:
    kept, today, dims = dict[str, Name](), fact.time // DAY_MS, dimensions_of(fact)
    if fact.tier != ALL and f"{dims}{SEP}{policy.day(fact.time, dims)[0]}" in days:
        # It was counted by the version before, or its day (of the policy's zone) began before midnight UTC.
        _take(names, kept, dims, _counter(fact, "lane"), today)
        for key in (_key(fact, "queue"), _key(fact, "tier")):
            known = names.get(key)
            if known is not None and known.used < today:
                kept[key] = Name(today)
        return Place(fact, kept)
    other: list[str] = []
    if fact.queue != NO_QUEUE and fact.queue not in policy.queues:
        reserved = _RESERVED.fullmatch(fact.queue) is not None
        key = _key(fact, "queue")
        if reserved or not _admitted(names, kept, key, (fact, "queue"), policy.vocabulary.max_queues):
            other.append("queue")
    if not _tier_counts(names, kept, fact, policy):
        other.append("tier")
    listed = fact.queue in policy.queues and fact.tier in policy.tiers
    if "queue" in other:
        fact = replace(fact, queue=_other_queue(fact.channel, policy))
    if "tier" in other:
        fact = replace(fact, tier=OTHER)
    if fact.tier != OTHER:
        most = sys.maxsize if listed else policy.vocabulary.max_series
        if not _admitted(names, kept, dimensions_of(fact), (fact, "lane"), most):
            other.append("lane")
            fact = replace(fact, tier=OTHER)
    return Place(fact, kept, tuple(other))


def _tier_counts(names: Names, kept: dict[str, Name], fact: Fact, policy: KpiPolicy) -> bool:
    """Whether the tier counts under its own name."""
    if fact.tier in (NO_TIER, OTHER) or fact.tier in policy.tiers - {ALL}:
        return True
    most = policy.vocabulary.max_tiers
    return fact.tier != ALL and _admitted(names, kept, _key(fact, "tier"), (fact, "tier"), most)


def _other_queue(channel: str, policy: KpiPolicy) -> str:
    task, tasks = policy.share
    return OTHER if crc32(f"{channel}|{OTHER}".encode()) % tasks == task else f"{OTHER}-{task}"


def _key(fact: Fact, kind: Literal["queue", "tier"]) -> str:
    return f"{fact.line}{SEP}{kind}{SEP}{fact.queue if kind == 'queue' else fact.tier}"


def _counter(fact: Fact, kind: str) -> str:
    return f"{fact.line}{SEP}{kind}s"


def _admitted(names: Names, kept: dict[str, Name], key: str, what: tuple[Fact, str], most: int) -> bool:
    """Whether the name counts for itself; ``kept`` gets what is to be noted."""
    fact, kind = what
    today, counter = fact.time // DAY_MS, _counter(fact, kind)
    known, total = names.get(key), names.get(counter) or Name(NEVER_USED)
    if known is None and (total.count >= most or (total.used > NEVER_USED and most < sys.maxsize)):
        if today > total.used:
            kept[counter] = Name(today, total.count)
        return False
    _take(names, kept, key, counter, today)
    return True


def _take(names: Names, kept: dict[str, Name], key: str, counter: str, today: int) -> None:
    known = names.get(key)
    if known is None:
        total = names.get(counter) or Name(NEVER_USED)
        kept[counter] = Name(total.used, total.count + 1)
    if known is None or known.used < today:
        kept[key] = Name(today)


NEVER_USED = -(1 << 40)
"""Before every day: nothing became other that is still kept."""


def forget(names: Names, line: str) -> None:
    """Forget all names of a line."""
    for key in of_line(names, line):
        del names[key]


def forget_old(names: Names, line: str, sealed: int, kept_ms: int) -> None:
    """Forget the names of a line that were used last on days that can no longer change; call it once a day."""
    before = (sealed - kept_ms) // DAY_MS - 2  # days of any time zone are over by then
    gone = {"queue": 0, "tier": 0, "lane": 0, "group": 0}
    for key in of_line(names, line):
        parts = key.split(SEP)
        if names[key].used >= before:
            continue
        if len(parts) == 2:
            names[key] = Name(NEVER_USED, names[key].count)
        else:
            gone[parts[1] if len(parts) < 4 else "group" if is_group(key) else "lane"] += 1
            del names[key]
    for kind, count in gone.items():
        if count:
            key = f"{line}{SEP}{kind}s"
            total = names.get(key) or Name(NEVER_USED)  # it may have been set aside
            names[key] = Name(total.used, max(0, total.count - count))
