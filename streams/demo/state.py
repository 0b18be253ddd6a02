"""What the board knows: a pure fold of the pipeline's output records of one line.

    state.apply("kpis", {"dimensions": {…}, "window": {…}, "readings": […], "line": "demo-7-…", …})

Nothing here reads a clock or a topic. Times are ms since the epoch; pairs are (channel, queue).
"""

import base64
import binascii
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from streams.base.channels import WITHOUT_ABANDONMENT
from streams.base.times import MINUTE_MS, to_ms
from streams.demo.scored import Scored, scored
from streams.metrics.kpis import detailed
from streams.metrics.occupancy import ANY_CHANNEL

OVER = ("resolved", "expired")
"""States of alerts that are over."""
TOPICS = ("kpis", "queue.state", "alert.events", "journeys", "contact.quality", "contacts.dead-letters")
DAY_MS = 80_000_000
"""Windows at least this long are days (a day has 23 to 25 hours)."""
JOURNEYS_KEPT = 200
REACHED, ABANDONS_COUNT = ("service_level", "reached_threshold"), ("service_level", "all_abandons_count")
SUMMED = (
    ("contacts_offered", "all"),
    ABANDONS_COUNT,
    ("abandonment", "of_offered"),
    ("speed_of_answer", "answered_legs"),
    ("handle_time", "all"),
    ("csat", "satisfied"),
    ("sentiment", "mean"),
)
"""The KPIs of the board: (kpi, variant)."""
HISTORY_STEP_MS = 10_000
HISTORY_KEPT = 30

Pair = tuple[str, str]


@dataclass(frozen=True)
class Share:
    """A figure as a fraction; its value is None where nothing was counted."""

    numerator: float
    denominator: float

    @property
    def value(self) -> float | None:
        """Numerator / denominator."""
        return self.numerator / self.denominator if self.denominator else None


NOTHING = Share(0, 0)


@dataclass
class QueueNow:
    """Who waits in a queue now; ``depths`` are the last changes: (ten seconds of event time since the epoch, depth)."""

    at: int = 0
    depth: int = 0
    oldest_entered: int | None = None
    depths: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=HISTORY_KEPT))

    def depth_at(self, step: int) -> int:
        """The depth in these ten seconds; 0 before the first change that is kept."""
        return next((depth for at, depth in reversed(self.depths) if at <= step), 0)

    def longest_wait_ms(self, now: int) -> int | None:
        """How long the first in the queue has waited by ``now``; None when nobody waits."""
        return max(now - self.oldest_entered, 0) if self.depth and self.oldest_entered is not None else None


Dimensions = tuple[str, str, str]
"""channel, queue, tier"""
Shares = dict[tuple[str, str], Share]
"""By (kpi, variant)."""


class Day(NamedTuple):
    """The newest reading of a day. Of a percentile the share is its value and of how many it is."""

    age: tuple[int, int]
    status: str
    shares: Shares
    histograms: dict[str, dict[str, int]]


class Stitched(NamedTuple):
    """A journey as it was last said: how many contacts it has, and which; of a long one the latest."""

    revision: int = 0
    contacts: int = 0
    names: tuple[str, ...] = ()


class BoardState:
    """Everything the pipeline said about one line so far.

    ``opened``: from when on `so_far` counts, ms since the epoch; days count whole.
    """

    def __init__(self, line: str, opened: int = 0) -> None:
        self.line, self._opened = line, opened
        self.watermark = 0
        self.records = 0
        self.alerts: dict[str, dict[str, Any]] = {}
        self.journeys: dict[str, dict[str, Any]] = {}
        self.queues: dict[Pair, QueueNow] = {}
        self.dead_letters: Counter[str] = Counter()
        self._minutes: dict[Dimensions, dict[int, tuple[int, Shares]]] = {}
        self._so_far: dict[Dimensions, Shares] = {}
        self._days: dict[tuple[Dimensions, int], Day] = {}
        self.quality: dict[str, Scored] = {}
        """By the key of its record."""
        self._people: dict[str, dict[str, Stitched]] = {}
        self._whose: dict[str, str] = {}
        """Journey → owner."""
        self._letters: set[tuple[str, int, int]] = set()

    def apply(self, topic: str, value: dict[str, Any]) -> bool:
        """Take one record of one output topic (name without prefix); False when it is none of this line."""
        if topic == "contacts.dead-letters":
            return self._dead_letter(value)
        if value.get("line", "") != self.line:
            return False
        if topic == "kpis":
            self._reading(value)
        elif topic == "queue.state":
            self._queue(value)
        elif topic == "alert.events":
            self._newest(self.alerts, value["alert"]["episode_id"], value["alert"])
        elif topic == "contact.quality":
            self.quality[value["quality_id"]] = scored(value)
        elif topic == "journeys":
            self._newest(self.journeys, value["journey_id"], value)
            self._person(value)
            while len(self.journeys) > JOURNEYS_KEPT:
                del self.journeys[next(iter(self.journeys))]
        else:
            return False
        self.records += 1
        return True

    def remove(self, topic: str, key: str) -> bool:
        """A record of an output topic has no value: what was said under its key is gone. False when it is none of this
        line.
        """
        if topic == "contact.quality" and self.quality.pop(key.removeprefix(f"{self.line}/"), None) is not None:
            self.records += 1
            return True
        owner = self._whose.pop(key, None) if topic == "journeys" else None
        if owner is None:
            return False
        self.journeys.pop(key, None)
        del self._people[owner][key]
        self.records += 1
        return True

    # -- what the board and the summary ask

    def pairs(self) -> list[Pair]:
        """Every channel and queue there are figures of contacts of."""
        days = (dimensions for dimensions, _ in self._days)
        found = {dimensions[:2] for dimensions in (*self._so_far, *days)} | set(self.queues)
        return sorted(pair for pair in found if pair[0] != ANY_CHANNEL)

    def so_far(self, kpi: str, variant: str, pair: Pair | None = None) -> Share:
        """A KPI since the line began, up to its last reading, over all tiers; without a pair over the whole centre."""
        return _add(shares.get((kpi, variant)) for of, shares in self._so_far.items() if pair in (None, of[:2]))

    def waiting_long(self, pair: Pair | None = None) -> int:
        """Legs that waited for the threshold or longer at the newest reading: what the two service levels differ in."""
        newest = max((max(minutes) for minutes in self._minutes.values()), default=0)
        long = 0.0
        for of, minutes in self._minutes.items():
            if newest in minutes and pair in (None, of[:2]):
                shares = minutes[newest][1]
                long += shares.get(REACHED, NOTHING).denominator - shares.get(ABANDONS_COUNT, NOTHING).denominator
        return int(long)

    def of_days(self, kpi: str, variant: str, pair: Pair | None = None) -> Share:
        """The same from the readings of the day, which come once an hour and when the line ends."""
        return _add(self.each_day(kpi, variant, pair))

    def each_day(self, kpi: str, variant: str, pair: Pair | None = None) -> list[Share]:
        """Its readings of days, one of each day, channel, queue and tier that has one."""
        days = [day for (of, _), day in self._days.items() if pair in (None, of[:2])]
        return [day.shares[kpi, variant] for day in days if (kpi, variant) in day.shares]

    def histogram(self, name: str, pair: Pair) -> Counter[int]:
        """Of all days together."""
        found: Counter[int] = Counter()
        for (of, _), day in self._days.items():
            if of[:2] == pair:
                found.update({int(step): n for step, n in day.histograms.get(name, {}).items()})
        return found

    def each_minute(self, pair: Pair) -> Iterator[tuple[int, Shares]]:
        """The ends of the minutes since `opened` in which something happened, and their readings."""
        for of, minutes in self._minutes.items():
            if of[:2] == pair:
                yield from ((end, shares) for end, (_, shares) in minutes.items() if shares)

    def final(self) -> bool:
        """Whether every day of the line is closed."""
        return bool(self._days) and all(day.status != "provisional" for day in self._days.values())

    def open_alerts(self) -> list[dict[str, Any]]:
        """Those that still fire, the oldest first."""
        return sorted((alert for alert in self.alerts.values() if alert["state"] not in OVER), key=_since)

    def resolved_alerts(self) -> list[dict[str, Any]]:
        """The others, the newest first."""
        over = (alert for alert in self.alerts.values() if alert["state"] in OVER)
        return sorted(over, key=lambda alert: milliseconds(alert.get("resolved_at")) or 0, reverse=True)

    def newest_journeys(self) -> Iterator[dict[str, Any]]:
        """Those that changed last first."""
        return reversed(self.journeys.values())

    def contacts_alerted(self, kind: str) -> set[str]:
        """The contacts for which an alert of this kind ever fired, rightly."""
        of_kind = (alert for alert in self.alerts.values() if alert["kind"] == kind and alert["because"] != "withdrawn")
        return {alert["subject"]["contact_id"] for alert in of_kind}

    def contacts_of(self) -> Counter[str]:
        """How many contacts each owner has, over all journeys."""
        sums = {owner: sum(each.contacts for each in found.values()) for owner, found in self._people.items()}
        return +Counter(sums)

    def owners_of(self) -> dict[str, set[str]]:
        """Contact → whose journeys have it; contacts that left the list of a long journey are not there."""
        owners: dict[str, set[str]] = defaultdict(set)
        for owner, found in self._people.items():
            for each in found.values():
                for name in each.names:
                    owners[name].add(owner)
        return owners

    # -- one fold a topic

    def _person(self, journey: dict[str, Any]) -> None:
        owner = self._whose[journey["journey_id"]] = journey.get("customer", "")
        found = self._people.setdefault(owner, {})
        revision = journey.get("revision", 0)
        if revision >= found.get(journey["journey_id"], Stitched()).revision:
            names = tuple(each.get("contact_id", "") for each in journey.get("contacts", ()))
            found[journey["journey_id"]] = Stitched(revision, journey.get("counts", {}).get("contacts", 0), names)

    def _reading(self, value: dict[str, Any]) -> None:
        self.watermark = max(self.watermark, milliseconds(value.get("watermark")) or 0)
        if "by" in value:  # a group counts the same once more
            return
        window, of = value["window"], value["dimensions"]
        start, end = milliseconds(window["start"]) or 0, milliseconds(window["end"]) or 0
        dimensions = (of["channel"], of["queue"], of["tier"])
        shares = {(each["kpi"], each["variant"]): _share(each) for each in value["readings"]}
        for kpi, above, below in detailed(value.get("sums", {}), can_abandon=of["channel"] not in WITHOUT_ABANDONMENT):
            shares[kpi.name, kpi.variant] = Share(above, below)
        if window["length_ms"] == MINUTE_MS and end > self._opened:
            self._minute(dimensions, end, value["revision"], shares)
        elif DAY_MS <= window["length_ms"] < 3 * DAY_MS:
            age = (end, value["revision"])
            if (dimensions, start) not in self._days or self._days[dimensions, start].age <= age:
                self._days[dimensions, start] = Day(age, value["status"], shares, value.get("histograms", {}))

    def _minute(self, dimensions: Dimensions, end: int, revision: int, shares: Shares) -> None:
        """Minutes end every half minute, and one that reads like the one before it does not come: those that end whole
        minutes before the newest add up to all of the time."""
        minutes = self._minutes.setdefault(dimensions, {})
        if end in minutes and minutes[end][0] > revision:
            return
        minutes[end] = (revision, shares)
        ends = sorted(minutes)
        phase, after = ends[-1] % MINUTE_MS, [*ends[1:], ends[-1] + 1]
        whole = [minutes[at][1] for at, until in zip(ends, after, strict=True) if at + (phase - at) % MINUTE_MS < until]
        self._so_far[dimensions] = {name: _add(each.get(name) for each in whole) for name in SUMMED}

    def _queue(self, value: dict[str, Any]) -> None:
        now = self.queues.setdefault((value["channel"], value["queue"]), QueueNow())
        at = milliseconds(value["at"]) or 0
        self.watermark = max(self.watermark, at)
        if at < now.at:
            return
        now.at, now.depth, now.oldest_entered = at, value["depth"], milliseconds(value.get("oldest_entered"))
        step = at // HISTORY_STEP_MS
        if now.depths and now.depths[-1][0] == step:
            now.depths.pop()
        now.depths.append((step, now.depth))

    def _newest(self, known: dict[str, dict[str, Any]], key: str, value: dict[str, Any]) -> None:
        """Keep the newest revision; what changed last is last in the dict."""
        if key not in known or known[key].get("revision", 0) <= value.get("revision", 0):
            known.pop(key, None)
            known[key] = value

    def _dead_letter(self, value: dict[str, Any]) -> bool:
        """Dead letters have no line (what cannot be read has none): ours are those whose key begins with it."""
        place = (value.get("topic", ""), value.get("partition", -1), value.get("offset", -1))
        if not _text(value.get("key")).startswith(self.line + ".") or place in self._letters:
            return False
        self._letters.add(place)
        self.dead_letters[value["reason"]] += value.get("count") or 1
        self.records += 1
        return True


def milliseconds(value: object) -> int | None:
    """A time on an output topic, as ms since the epoch: a number, or RFC 3339."""
    if isinstance(value, str):
        return to_ms(value)
    return value if isinstance(value, int) else None


def _share(reading: dict[str, Any]) -> Share:
    above = reading["numerator"]
    return Share((reading.get("value") if above is None else above) or 0, reading["denominator"])


def _since(alert: dict[str, Any]) -> int:
    return milliseconds(alert.get("since")) or milliseconds(alert.get("fired_at")) or 0


def _add(shares: Iterable[Share | None]) -> Share:
    numerator = denominator = 0.0
    for share in shares:
        if share is not None:
            numerator += share.numerator
            denominator += share.denominator
    return Share(numerator, denominator)


def _text(key: str | None) -> str:
    try:
        return base64.b64decode(key or "").decode(errors="replace")
    except (binascii.Error, ValueError):
        return ""
