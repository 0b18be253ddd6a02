"""A plain recount of who was silent and of what we say of our own accord, from what happened, as docs/initiative.md has
it. It shares no code with the product; all times are ms since the epoch.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from streams.customers.outreach_rules import OutreachRule, OutreachRules

DAY = 86_400_000
FLOORS, FLOOR, FACTOR, LEAST_GAPS, LATEST = {"platinum": 21 * DAY, "gold": 30 * DAY}, 60 * DAY, 3.0, 4, 16
"""As shipped in tracking.yaml."""
VERDICTS = {
    "bad": ("bad-survey", "angry", "abandoned", "unsolved", "unanswered"), "unknown": ("nothing-said",),
    "good": ("solved", "content", "self-served", "answered"),
}  # fmt: skip


@dataclass
class Word:
    """What a profile event said; None = nothing."""

    time: int
    consent: dict[str, bool]
    zone: str | None = None
    tier: str | None = None


@dataclass
class Call:
    """What calls for an outreach."""

    after: str
    name: str
    said: int
    time: int
    over: int | None = None
    verdict: str | None = None


@dataclass
class Facts:
    """All that happened to one customer."""

    acts: list[tuple[int, str]] = field(default_factory=list)
    """(when, what the contact said in the end)."""
    begun: list[int] = field(default_factory=list)
    """The first act of each contact."""
    words: list[Word] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)

    def tier_at(self, at: int) -> str:
        told = sorted((each.time, each.tier) for each in self.words if each.tier)
        return next((tier for time, tier in reversed(told) if time <= at), "none")


def silences(facts: Facts, end: int) -> dict[int, dict[str, Any]]:
    """Silences by the time of the act before them, as of ``end``."""
    acts = sorted(facts.acts)
    days = sorted({at // DAY for at in facts.begun})
    found = {}
    for number, (since, reason) in enumerate(acts):
        following = acts[number + 1][0] if number + 1 < len(acts) else None
        usual = _usual([day for day in days if day <= since // DAY])
        moments = sorted({since, *(each.time for each in facts.words if each.tier and each.time > since)})
        for begun, until in zip(moments, [*moments[1:], 10**16], strict=True):
            tier = facts.tier_at(begun)
            limit = max(FLOORS.get(tier, FLOOR), round(FACTOR * (usual or 0)))
            at = max(since + limit, begun)
            if at < until:
                if at < end and (following is None or at < following):
                    over = following if following is not None and following < end else None
                    found[since] = {
                        "at": at, "limit": limit, "usual": usual, "tier": tier, "reason": reason,
                        "status": "ended" if over else "quiet", "ended": over,
                    }  # fmt: skip
                break
    return found


def _usual(days: list[int]) -> int | None:
    gaps = sorted(later - day for day, later in pairwise(days[-LATEST:]))
    if len(gaps) < LEAST_GAPS:
        return None
    half = len(gaps) // 2
    return int((gaps[half] if len(gaps) % 2 else (gaps[half - 1] + gaps[half]) / 2) * DAY)


def fallen_silent(found: dict[int, dict[str, Any]], acts: Sequence[tuple[int, str]]) -> list[Call]:
    """What silences call for."""
    calls = []
    for since, each in found.items():
        verdict = next(name for name, reasons in VERDICTS.items() if each["reason"] in reasons)
        over = min((at for at, _ in acts if at > each["at"]), default=None)
        calls.append(Call("quiet", f"quiet@{since}", each["at"], each["at"], over, verdict))
    return calls


@dataclass
class _Open:
    """An outreach that is not decided."""

    rule: OutreachRule
    place: int
    call: Call
    due: int
    at: int


class Outreaches:
    """Decides one after the other: ``found`` is (rule, trigger) → what was said last."""

    def __init__(self, facts: Facts, rules: OutreachRules) -> None:
        self.facts, self.rules = facts, rules
        self.words = sorted(facts.words, key=lambda each: each.time)
        self.sent: list[int] = []
        self.runs: tuple[int, int] | None = None
        self.found: dict[tuple[str, str], dict[str, Any]] = {}
        self.open = [
            _Open(rule, place, call, call.time + rule.delay_ms, call.time + rule.delay_ms)
            for place, rule in enumerate(rules.rules)
            for call in facts.calls
            if call.after == rule.after and (not rule.silence or call.verdict in rule.silence)
        ]

    def until(self, end: int) -> dict[tuple[str, str], dict[str, Any]]:
        while self.open:
            at, first = min(
                ((self._moment(each), each) for each in self.open),
                key=lambda each: (each[0], each[1].at, each[1].place, each[1].call.name),
            )
            if at >= end:
                break
            self.open.remove(first)
            self._decide(first, at)
        return self.found

    def _decide(self, each: _Open, at: int) -> None:
        name = (each.rule.name, each.call.name)
        revision = self.found.get(name, {"revision": 0})["revision"] + 1
        why = self._why(each, at)
        if why == "not for them":
            if revision == 1:
                return
            why = "over"
        if why == "quiet-hours":
            each.at = self._morning(at) or at
            self.open.append(each)
        if why is None:
            self.sent.append(at)
            self.runs = (at, at + each.rule.campaign) if each.rule.campaign else self.runs
        self.found[name] = {"status": "held" if why else "send", "reason": why, "decided": at, "revision": revision}

    def _why(self, each: _Open, at: int) -> str | None:
        rule, over = each.rule, each.call.over
        if over is not None and over <= at and not (rule.tiers and self.facts.tier_at(at) not in rule.tiers):
            return "over"
        if rule.tiers and self.facts.tier_at(at) not in rule.tiers:
            return "not for them"
        if self._refused(rule, each.call.said, at) is not None or not self._allowed(rule, at):
            return "no-consent"
        morning = self._morning(at)
        if max(at, morning or 0) > each.due + rule.valid_ms:
            return "expired"
        if morning:
            return "quiet-hours"
        if self.runs and at < self.runs[1] and not any(self.runs[0] < act <= at for act, _ in self.facts.acts):
            return "campaign"
        full = any(sum(at - cap.within < one for one in self.sent) >= cap.most for cap in self.rules.caps)
        return "cap" if full else None

    def _moment(self, each: _Open) -> int:
        over, said = each.call.over, each.call.said
        at = min(each.at, each.at if over is None else max(over, said))
        refused = self._refused(each.rule, said, at)
        return at if refused is None else refused

    def _refused(self, rule: OutreachRule, said: int, at: int) -> int | None:
        names = (f"{rule.purpose}:{rule.channel}", rule.purpose, rule.channel)
        for each in self.words:
            if said <= each.time <= at and any(each.consent.get(name) is False for name in names):
                here, purpose, channel = (self._consent(name, each.time) for name in names)
                if here is False or channel is False or (here is None and purpose is False):
                    return each.time
        return None

    def _allowed(self, rule: OutreachRule, at: int) -> bool:
        here, purpose, channel = (
            self._consent(name, at) for name in (f"{rule.purpose}:{rule.channel}", rule.purpose, rule.channel)
        )
        if channel is False:
            return False
        if here is not None:
            return here
        return purpose is True if rule.basis == "consent" else purpose is not False

    def _consent(self, name: str, at: int) -> bool | None:
        return next((one.consent[name] for one in reversed(self.words) if one.time <= at and name in one.consent), None)

    def _morning(self, at: int) -> int | None:
        """The end of quiet hours that go over midnight and end at a full hour."""
        hours = self.rules.quiet_hours
        if hours is None:
            return None
        zone = next((one.zone for one in reversed(self.words) if one.time <= at and one.zone), None)
        place = ZoneInfo(zone) if zone else self.rules.time_zone
        local = datetime.fromtimestamp(at / 1000, place)
        if hours.end // 60 <= local.hour < hours.begin // 60:
            return None
        day = local.date() + timedelta(days=int(local.hour >= hours.begin // 60))
        return round(datetime(day.year, day.month, day.day, hours.end // 60, tzinfo=place).timestamp()) * 1000
