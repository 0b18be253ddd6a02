"""Level (d): facts, sums, readings and queue states against a recount from the raw events."""

import re
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from tests.chaos.audit import percentiles
from tests.chaos.audit.contacts import NEVER_LEFT, Fact, World
from tests.chaos.audit.counted import (
    COUNTS,
    DETAILS,
    NOW,
    OF_DAYS,
    OF_DETAILS,
    Said,
    Sums,
    feedback,
    readings,
    sums,
)
from tests.chaos.audit.logs import Difference, Logs, Rec, home
from tests.chaos.audit.times import ms
from tests.chaos.stories import rfc3339

WINDOWS = ((60_000, 60_000), (300_000, 300_000), (900_000, 300_000), (3_600_000, 900_000))
"""(length, how often one ends) in ms; the shortest first."""
TOGETHER, ALL = (60_000, 300_000), "all"
"""Lengths of the windows that are of all tiers together, under this name."""
PANE, SLOT, DAY = 10_000, 300_000, 86_400_000
"""SLOT: windows that are not made of whole ones tell nothing of agents."""
STAYS, AGENTS = ("journey_opened", "journey_left"), "agent_time"

TOLD_TOGETHER = ("journey_solved", "journey_resolved", *STAYS, "quality", AGENTS)
"""Facts beside those of single contacts: of journeys and of the quality of contacts, which are held against what is
told of them, of open journeys and of agents' time."""
Dims = tuple[str, str, str, str]
"""(line, channel, queue, tier)."""


def net(logs: Logs) -> Counter[Fact]:
    """The facts on contact.measurements, those taken back taken out."""
    total: Counter[Fact] = Counter()
    for rec in logs.of("contact.measurements"):
        doc = rec.doc
        if doc["kind"] == "fact":
            known = {name: doc[name] for name in Fact._fields if name in doc}
            total[Fact(**{"line": "", **known})] += doc.get("sign", 1)
    return Counter({fact: count for fact, count in total.items() if count})


def check_facts(logs: Logs, world: World) -> Iterator[Difference]:
    """What is left of the facts is what the raw events say."""
    wanted, found = Counter(world.facts), net(logs)
    found = Counter({fact: n for fact, n in found.items() if n < 0 or fact.fact not in TOLD_TOGETHER})
    for fact in sorted({*wanted, *found}, key=lambda fact: fact.time):  # one that was taken back too often is below 0
        if wanted[fact] != found[fact]:
            what = f"{found[fact]} instead of {wanted[fact]} times: {fact}"
            yield Difference("facts", what, _about(fact, world))
    for rec in logs.of("contact.measurements"):
        doc = rec.doc
        if doc["kind"] == "fact" and rec.partition != home(_key(doc).encode(), logs.partitions[rec.topic]):
            yield Difference("facts", f"{rec.place} lies on another partition than its key's", (doc["id"],), rec)


def _key(doc: dict[str, Any]) -> str:
    return f"{doc['variant']}|{doc['about']}" if doc["fact"] == "judged" else f"{doc['channel']}|{doc['queue']}"


def _about(fact: Fact, world: World) -> tuple[str, ...]:
    name = re.split(r"[/:]", fact.id, maxsplit=1)[0]
    contact = world.contacts.get(name)
    return (name, *(contact.owners if contact else ()))[:1]


class Lane:
    """The facts of one channel, queue and tier of a line, by time."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.stays: list[tuple[int, int]] = []
        self.open: list[tuple[int, int, int]] = []
        """Stays of journeys: since, until, and when each began."""
        self.ancient: list[int] = []
        """Times of facts so late that windows may or may not hold them."""

    def sort(self) -> None:
        self.facts.sort(key=lambda fact: fact.time)
        self.times = [fact.time for fact in self.facts]

    def between(self, start: int, end: int) -> list[Fact]:
        return self.facts[bisect_left(self.times, start) : bisect_left(self.times, end)]

    def waiting(self, at: int) -> list[int]:
        return [entered for entered, left in self.stays if entered <= at < left]

    def ages(self, at: int) -> list[int]:
        """Of the journeys that are open."""
        return sorted(at - began for since, until, began in self.open if since <= at < until)

    def read(self, dims: Dims, start: int, end: int) -> Said:
        """What a record of the window must say: only what has something to say, and of a window without facts nothing,
        but of a day who had reached the threshold at its end."""
        facts, length = self.between(start, end), end - start
        if length % SLOT:
            facts = [fact for fact in facts if fact.fact != AGENTS]
        if not facts and length <= WINDOWS[-1][0]:
            return {}
        waits = [fact.time - (fact.entered or 0) for fact in facts if fact.fact == "leg_closed"]
        total = sums(facts)
        total.update(_followed(facts, start))
        found = readings(total, dims[1], self.waiting(end), end, max(waits, default=None))
        found["backlog", "open"] = (len(self.ages(end)) if length == DAY else 0, 1)
        left_out = (NOW if length > WINDOWS[0][0] else set()) | (
            DETAILS | OF_DAYS if length <= WINDOWS[-1][0] else set()
        )
        return {
            name: pair
            for name, pair in found.items()
            if pair not in ((0, 0), (0, 1) if name in COUNTS else None) and name not in left_out
        }

    def windows(self, sealed: int, ended: bool, all_tiers: bool) -> Iterator[tuple[int, int]]:
        """(start, end) of every window that must have been said: those that hold facts, and the first ones that hold
        none any more."""
        for length, every in WINDOWS:
            if (length in TOGETHER) != all_tiers:
                continue
            ends = {
                end for time in self.times for end in range(_next(time + 1, every), time + length + every + 1, every)
            }
            ends = {end for end in ends if end <= sealed or ended}
            yield from ((end - length, end) for end in ends)


def _next(at: int, every: int) -> int:
    return -(-at // every) * every


def told_together(logs: Logs) -> list[Fact]:
    """Those, taken back ones taken out."""
    return [fact for fact in net(logs).elements() if fact.fact in TOLD_TOGETHER]


def lanes(world: World, together: Iterable[Fact] = ()) -> dict[Dims, Lane]:
    """All facts by where they count."""
    found: dict[Dims, Lane] = defaultdict(Lane)
    others, gone = [*together], dict[tuple[Any, ...], int]()
    for fact in others:
        if fact.fact == STAYS[1]:
            gone[fact.line, fact.channel, fact.queue, fact.tier, fact.entered, fact.value, fact.id] = fact.time
    for fact in others:
        lane = found[fact.line, fact.channel, fact.queue, fact.tier]
        if fact.fact == STAYS[0]:
            until = gone.pop(
                (fact.line, fact.channel, fact.queue, fact.tier, fact.time, fact.value, fact.id), NEVER_LEFT
            )
            lane.open.append((fact.time, until, fact.value or 0))
        elif fact.fact not in STAYS:
            lane.facts.append(fact)
    assert not gone, f"these left, and never were there: {gone}"
    for contact in world.contacts.values():
        ancient = contact.ancient
        left = {fact.id: fact.time for fact in contact.facts if fact.fact == "leg_closed"}
        for fact in contact.facts:
            if fact.fact == "judged":
                continue
            lane = found[fact.line, fact.channel, fact.queue, fact.tier]
            lane.facts.append(fact)
            if ancient:
                lane.ancient.append(fact.time)
            if fact.fact == "leg_opened":
                lane.stays.append((fact.time, left.get(fact.id, NEVER_LEFT)))
    for lane in found.values():
        lane.sort()
    return found


def together(found: dict[Dims, Lane]) -> dict[Dims, Lane]:
    """All tiers of a queue as one lane."""
    merged: dict[Dims, Lane] = defaultdict(Lane)
    for (line, channel, queue, _), lane in found.items():
        one = merged[line, channel, queue, ALL]
        one.facts += lane.facts
        one.stays += lane.stays
        one.ancient += lane.ancient
    for one in merged.values():
        one.sort()
    return dict(merged)


def check_readings(
    logs: Logs, lines: dict[tuple[int, str], dict[str, Any]], found: dict[Dims, Lane]
) -> Iterator[Difference]:
    """The newest record of every window against the recount; ``lines``: (partition, line) → how far `measure` came."""
    found = found | together(found)
    newest: dict[str, Rec] = {}
    for rec in logs.of("kpis"):
        key = (rec.key or b"").decode()
        expected = newest[key].doc["revision"] + 1 if key in newest else None
        if expected is not None and rec.doc["revision"] != expected:
            yield Difference("readings", f"{key}: revision {rec.doc['revision']} follows {expected - 1}", (key,), rec)
        newest[key] = rec
    published: dict[tuple[Dims, int], dict[int, Rec]] = defaultdict(dict)
    for key, rec in newest.items():
        dims, start, end = _window(rec)
        published[dims, end - start][start] = rec
        lane = found.get(dims, EMPTY_LANE)
        day = end - start > WINDOWS[-1][0]
        if rec.doc["status"] == "provisional" or (not day and any(start <= time < end for time in lane.ancient)):
            continue
        yield from percentiles.check(
            key, rec, lane.between(start, end), day, lane.ages(end) if end - start == DAY else []
        )
        parts = {} if day else {name: n for name, n in sums(lane.between(start, end)).items() if name in OF_DETAILS}
        if rec.doc["sums"] != parts:
            yield Difference("readings", f"{key}: sums are {rec.doc['sums']}, not {parts}", (key,), rec)
        said, wanted = _said(rec), lane.read(dims, start, end)
        if said != wanted:
            name = min(name for name in said.keys() | wanted.keys() if said.get(name) != wanted.get(name))
            what = f"{key}: {' '.join(name)} is {said.get(name)}, not {wanted.get(name)}"
            yield Difference("readings", what, (key,), rec)
    starts = {where: sorted(records) for where, records in published.items()}
    for dims, lane in found.items():
        line, channel, queue, tier = dims
        state = lines.get((home(f"{channel}|{queue}".encode(), logs.partitions["contact.measurements"]), line), {})
        for start, end in lane.windows(state.get("sealed", 0), state.get("ended", False), tier == ALL):
            where = dims, end - start
            if start in published[where]:
                continue  # it was looked at above
            # A window without a record reads like the last one before it that has one, for as long as that may be.
            at = starts.get(where, [])[: bisect_right(starts.get(where, []), start)][-1:]
            said = _said(published[where][at[0]]) if at and at[0] > start - (end - start) else {}
            ancient = any(start - (end - start) <= time < end for time in lane.ancient)
            if not ancient and said != lane.read(dims, start, end):
                yield Difference(
                    "readings", f"{dims} has no record for {rfc3339(start)} to {rfc3339(end)}", (rfc3339(start),)
                )


def _said(rec: Rec) -> Said:
    return {
        (each["kpi"], each["variant"]): (each["numerator"], each["denominator"])
        for each in rec.doc["readings"]
        if each["numerator"] is not None and each["kpi"] != "wait_forecast"
    }


def _followed(facts: list[Fact], start: int) -> Sums:
    """Answers of the window that another one in it follows, and by how much more promoters than detractors."""
    some = [fact for fact in facts if fact.fact == "nps_superseded" and (fact.entered or 0) >= start]
    less = [feedback(fact._replace(variant="nps")) for fact in some]
    total: Sums = Counter(followed=len(some))
    total["less"] = sum(one["nps_promoters"] - one["nps_detractors"] for one in less)
    return total


EMPTY_LANE = Lane()
EMPTY_LANE.sort()


def _window(rec: Rec) -> tuple[Dims, int, int]:
    doc = rec.doc
    dims = doc["line"], *(doc["dimensions"][name] for name in ("channel", "queue", "tier"))
    start = ms(doc["window"]["start"])
    return dims, start, start + doc["window"]["length_ms"]


def check_queues(
    logs: Logs, lines: dict[tuple[int, str], dict[str, Any]], found: dict[Dims, Lane]
) -> Iterator[Difference]:
    """The newest state of every queue says who waits."""
    newest = {(rec.doc["line"], rec.doc["channel"], rec.doc["queue"]): rec for rec in logs.of("queue.state")}
    for queue in newest.keys() | {dims[:3] for dims in found}:
        state = lines.get(
            (home(f"{queue[1]}|{queue[2]}".encode(), logs.partitions["contact.measurements"]), queue[0]), {}
        )
        who = {
            dims[3]: entered
            for dims, lane in found.items()
            if dims[:3] == queue and (entered := lane.waiting(state.get("sealed", 0)))
        }
        waiting = {tier: len(entered) for tier, entered in who.items()}, sorted(chain.from_iterable(who.values()))[:50]
        rec = newest.get(queue)
        said = (rec.doc["by_tier"], [ms(each["entered"]) for each in rec.doc["waiting"]]) if rec else ({}, [])
        if said != waiting:
            yield Difference(
                "queues", f"{'|'.join(queue)}: {said} wait, not {waiting}", (f"{queue[1]}|{queue[2]}",), rec
            )
