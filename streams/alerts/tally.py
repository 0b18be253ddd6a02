"""What rules would have come to: alerts out of their steps, and figures of each rule."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from statistics import median
from typing import Any, NamedTuple

from streams.alerts.machine import OVER, SUPPRESSED
from streams.base.times import HOUR_MS, to_ms

SHARE = 0.25
"""Of its subjects, that a rule may fire for at most unless it says more."""
FEW = 20
"""Of fewer subjects a share says nothing."""


class Alerted(NamedTuple):
    """One alert; times in ms."""

    rule: str
    about: str
    """The kind of subject."""
    subject: tuple[tuple[str, str], ...]
    """Attributes that name it, such as the customer and the contact; service types and tiers do not."""
    since: int
    """When the condition began to hold."""
    fired: int
    """Later than that by what ``for`` says, and where a late event showed it."""
    until: int | None = None
    """None: it goes on."""
    because: str = ""
    """Why it is over."""
    came_back: int = 0
    """How often it was over and held again soon enough to be the same."""
    suppressed: bool = False
    """Another alert spoke for it at some time, or its rule had told its share of the minute."""

    @property
    def name(self) -> str:
        """Of its subject, for people."""
        return " ".join(word for _, word in self.subject) or self.about

    def ms(self, end: int) -> int:
        """How long it lasted, up to ``end``."""
        return max(0, (end if self.until is None else self.until) - self.fired)


_NAMED = {
    "contact": ("customer", "contact_id", "channel", "queue"),
    "customer": ("customer",),
    "journey": ("journey_id",),
    "queue": ("channel", "queue"),
    "kpi": ("kpi", "channel", "queue", "tier", "agent_group"),
    "connector": ("source", "channel"),
}
"""By which attributes a subject of each kind is named."""


def alerts(steps: Iterable[Mapping[str, Any]]) -> list[Alerted]:
    """Those that fired, by time. ``steps``: records of ``alert.events`` in order."""
    found: dict[str, Alerted] = {}
    for step in steps:
        alert = step["alert"]
        if alert["fired_at"] is None:
            continue
        name = alert["episode_id"]
        known = found.get(name) or _begun(alert)
        if step["because"] == "came_back":
            known = known._replace(came_back=known.came_back + 1)
        if alert["state"] == SUPPRESSED:
            known = known._replace(suppressed=True)
        if alert["state"] in OVER:
            known = known._replace(until=to_ms(alert["resolved_at"]), because=alert["because"])
        found[name] = known
    return sorted(found.values(), key=lambda each: (each.fired, each.rule, each.subject))


def _begun(alert: Mapping[str, Any]) -> Alerted:
    subject = alert["subject"]
    names = _NAMED.get(subject["type"], ())
    named = tuple((name, subject[name]) for name in names if subject.get(name))
    return Alerted(alert["rule"], subject["type"], named, to_ms(alert["since"]), to_ms(alert["fired_at"]))


class Tally(NamedTuple):
    """Of one rule; times in ms."""

    rule: str
    about: str
    alerts: int = 0
    subjects: int = 0
    """For how many it fired."""
    of: int | None = None
    """Of how many there were; None: nobody counted."""
    median_ms: int = 0
    longest_ms: int = 0
    total_ms: int = 0
    worst: tuple[int, int] | None = None
    """The hour in which most fired, by its start, and how many."""
    open: int = 0
    came_back: int = 0
    suppressed: int = 0
    withdrawn: int = 0
    """What a late event took back."""

    @property
    def share(self) -> float | None:
        """Of its subjects, for which it fired; None: it is not known."""
        return min(1.0, self.subjects / self.of) if self.of else None


def tally(rule: str, about: str, found: Iterable[Alerted], of: int | None, end: int) -> Tally:
    """``found``: alerts of any rules; ``of``: how many subjects there were; ``end``: up to when open ones count, ms."""
    mine = [each for each in found if each.rule == rule]
    if not mine:
        return Tally(rule, about, of=of)
    times = [each.ms(end) for each in mine]
    hours = Counter(each.fired - each.fired % HOUR_MS for each in mine)
    worst = max(hours.items(), key=lambda each: (each[1], -each[0]))
    return Tally(
        rule,
        about,
        len(mine),
        len({each.subject for each in mine}),
        of,
        round(median(times)),
        max(times),
        sum(times),
        worst,
        sum(each.until is None for each in mine),
        sum(each.came_back for each in mine),
        sum(each.suppressed for each in mine),
        sum(each.because == "withdrawn" for each in mine),
    )


def is_for_everybody(tally: Tally, most: float) -> bool:
    """Does it fire for more than a share of its subjects?"""
    return tally.share is not None and tally.share > most and (tally.of or 0) >= FEW


class Change(NamedTuple):
    """Alerts that only one of two sets of rules raises, and those that both raise, from or to another moment."""

    only_new: tuple[Alerted, ...]
    only_old: tuple[Alerted, ...]
    moved: tuple[tuple[Alerted, Alerted], ...]
    """As it was, and as it would be."""


def change(old: Iterable[Alerted], new: Iterable[Alerted]) -> Change:
    """An alert is the same where rule and subject are, and both hold at some moment."""
    before, after = defaultdict[_Key, list[Alerted]](list), list[Alerted]()
    for each in old:
        before[each.rule, each.subject].append(each)
    moved = list[tuple[Alerted, Alerted]]()
    for each in new:
        others = before[each.rule, each.subject]
        same = next((other for other in others if _overlap(other, each)), None)
        if same is None:
            after.append(each)
            continue
        others.remove(same)
        if (same.since, same.until) != (each.since, each.until):
            moved.append((same, each))
    left = sorted((each for others in before.values() for each in others), key=lambda each: each.fired)
    return Change(tuple(after), tuple(left), tuple(moved))


_Key = tuple[str, tuple[tuple[str, str], ...]]


def _overlap(one: Alerted, other: Alerted) -> bool:
    return (one.until is None or other.since <= one.until) and (other.until is None or one.since <= other.until)


def differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Name and ``new``, ``gone`` or ``changed`` of each rule that is not the same; both by name."""
    for name in sorted({*old, *new}):
        if name not in old:
            yield name, "new"
        elif name not in new:
            yield name, "gone"
        elif old[name] != new[name]:
            yield name, "changed"
