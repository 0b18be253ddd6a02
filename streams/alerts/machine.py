"""One alert's states: what a condition, a person, a silence and time do to it.

::

    (nothing) ── began ──→ pending ── fired ──→ firing ── acknowledged ──→ acknowledged
        └────────────── fired ────────────────────┘ └── unanswered, escalated ──→ escalated
    silenced and suppressed lie over the three on the right: below them it is what it is, and comes back as that
    any of them ──→ resolved (its condition is over, or a person closed it) or expired (it went on for too long)
    pending ──→ expired: it never fired

What is published of it never goes back: a revision is one step further, an episode that is over does not fire again.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec.structs import replace

from streams.alerts.episodes import ERASED, MOVED, WITHDRAWN
from streams.alerts.handling import EscalationStep, Handling
from streams.alerts.switching import RULE_CHANGED, RULE_REMOVED
from streams.base.alert_records import Condition
from streams.base.records import LIVE
from streams.base.times import DAY_MS

Base = Literal["pending", "firing", "acknowledged", "escalated", "resolved", "expired"]
PENDING, FIRING, ACKNOWLEDGED, ESCALATED = "pending", "firing", "acknowledged", "escalated"
SILENCED, SUPPRESSED, RESOLVED, EXPIRED = "silenced", "suppressed", "resolved", "expired"
ACTIVE, OVER = frozenset({FIRING, ACKNOWLEDGED, ESCALATED}), frozenset({RESOLVED, EXPIRED})
CLOSED, CLEARED, AMENDED = "closed", "cleared", "amended"

_COVERED = (SILENCED, SUPPRESSED)
STEPS: Mapping[str | None, frozenset[str]] = {
    None: frozenset({PENDING, FIRING, *_COVERED}),
    PENDING: frozenset({PENDING, FIRING, EXPIRED, *_COVERED}),
    FIRING: frozenset({FIRING, ACKNOWLEDGED, ESCALATED, *OVER, *_COVERED}),
    ACKNOWLEDGED: frozenset({ACKNOWLEDGED, ESCALATED, *OVER, *_COVERED}),
    ESCALATED: frozenset({ESCALATED, ACKNOWLEDGED, *OVER, *_COVERED}),
    SILENCED: frozenset({*ACTIVE, *OVER, *_COVERED}),
    SUPPRESSED: frozenset({*ACTIVE, *OVER, *_COVERED}),
    RESOLVED: frozenset(),
    EXPIRED: frozenset(),
}
"""From → to. What begins anew under the same fingerprint is another episode, and begins at None."""

AT_ONCE = frozenset({MOVED, WITHDRAWN, ERASED, RULE_CHANGED, RULE_REMOVED})
"""Reasons for which an alert is over without being kept."""
KEPT_MS = DAY_MS
"""How long one that is over is kept."""
PAST = 8
"""Episodes that are over, of which what still comes is known for late."""
SEVERITIES = ("info", "warning", "critical")


class Refused(Exception):
    """A person's word that cannot be obeyed; ``path``: the field that is to blame."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path = path


class Cover(NamedTuple):
    """What lies over an alert."""

    silence: str | None = None
    inhibitor: str | None = None
    """A fingerprint, or `CAP`."""


CAP = "cap"


class Standing(msgspec.Struct, frozen=True, omit_defaults=True):
    """How the alert of one fingerprint stands."""

    condition: Condition
    """As the episode began, with what came of it since."""
    base: str = PENDING
    """Its state but for what lies over it."""
    open: tuple[str, ...] = ()
    """Episodes of its conditions that hold."""
    severity: str = "warning"
    labels: dict[str, str] = {}
    because: str = "began"
    revision: int = 0
    stepped: int = 0
    """Stream time of its last step."""
    fired: int | None = None
    cleared: tuple[int, str] | None = None
    """No condition holds any more since then, for that reason; it is kept for a while."""
    resolved: int | None = None
    ended: int | None = None
    """Stream time at which it was over."""
    acknowledged_by: str | None = None
    acknowledged_at: int | None = None
    assigned_to: str | None = None
    level: int = 0
    silenced_by: str | None = None
    snoozed_until: int | None = None
    inhibited_by: str | None = None
    told: bool = False
    """Do people know of it?"""
    past: tuple[str, ...] = ()
    """Episodes that are over."""
    due: int | None = None
    """Stream time (ms) to be passed for `passed` to have something to say."""
    ruled: int = 0
    """Number of the applied rules by which it was judged last; 0 = those of a file."""

    @property
    def state(self) -> str:
        if self.base not in ACTIVE:
            return self.base
        return SILENCED if self.silenced_by is not None else SUPPRESSED if self.inhibited_by is not None else self.base

    @property
    def line(self) -> str:
        return self.condition.line

    @property
    def active(self) -> bool:
        return self.base in ACTIVE


class Step(NamedTuple):
    """One step, and how the alert stands after it."""

    standing: Standing
    before: str | None
    because: str
    at: int
    notify: bool
    by: str | None = None
    note: str | None = None


Steps = list[Step]
Covers = Callable[[Standing, int], Cover]
"""What lies over an alert that fires now: (as it will stand, stream time in ms)."""


Who = tuple[str | None, str | None]
"""Who did it, and what they said."""
NOBODY: Who = (None, None)


def take_step(known: Standing, at: int, because: str, who: Who = NOBODY, **changes: Any) -> Step:
    before = known.state if known.revision else None
    at = max(at, known.stepped)
    after = replace(known, because=because, revision=known.revision + 1, stepped=at, **changes)
    live = after.line == LIVE
    quiet = because == AMENDED or (because == RULE_CHANGED and after.severity == known.severity)
    heard = known.told if after.base in OVER else after.state in ACTIVE and not quiet
    notify = live and heard
    if notify and after.active:
        after = replace(after, told=True)
    return Step(after, before, because, at, notify, *who)


def take(known: Standing | None, condition: Condition, rule: Handling, now: int, covers: Covers) -> Steps | Standing:
    """The steps by which a condition is taken in; a standing without a step where nothing is to be told."""
    if known is not None and condition.episode in known.past:
        return known
    if known is None or not known.cleared or condition.since < known.cleared[0] + rule.keep_firing_ms:
        return _taken(known, condition, rule, now, covers)
    over = over_now(known, now, *known.cleared)  # it was kept for as long as it was to be before this one began
    after = _taken(over.standing, condition, rule, now, covers)
    return [over, *after] if isinstance(after, list) else [over]


def _taken(known: Standing | None, condition: Condition, rule: Handling, now: int, covers: Covers) -> Steps | Standing:
    going = known is not None and known.base not in OVER
    if condition.until is not None:
        if known is not None and condition.episode in known.open:
            return _over(known, condition, rule, now, covers)
        lasts = condition.until >= condition.since + rule.for_ms or going
        if condition.reason in AT_ONCE or not lasts:
            return []  # it is nothing, or was over before it could fire, and nobody has heard of it
        return _whole(known, condition, rule, covers)
    if known is None or not going:
        return _begin(known, condition, rule, now, covers)
    if condition.episode not in known.open:
        after = replace(known, open=(*known.open, condition.episode), cleared=None)
        return [take_step(after, now, "came_back")] if known.cleared else after
    return _amended(known, condition, now)


def _whole(known: Standing | None, condition: Condition, rule: Handling, covers: Covers) -> Steps | Standing:
    """One that is over when it is told: as if its beginning and its end were told one after the other."""
    until = condition.until or condition.since
    begun = _taken(known, replace(condition, until=None, reason=None), rule, until, covers)
    steps, standing = (begun, begun[-1].standing) if isinstance(begun, list) else ([], begun)
    after = _over(standing, condition, rule, until, covers)
    if isinstance(after, list):
        return [*steps, *after]
    return [*steps[:-1], steps[-1]._replace(standing=after)] if steps else after


def _begin(known: Standing | None, condition: Condition, rule: Handling, now: int, covers: Covers) -> Steps:
    fresh = Standing(
        condition,
        open=(condition.episode,),
        severity=condition.severity,
        labels=dict(rule.labels),
        past=known.past if known else (),
    )
    if rule.for_ms:  # it fires when time is told to have passed: that it is over may be told next, and by then it was
        return [take_step(fresh, now, "began")]
    return [_fire(fresh, condition.at, covers)]


def _held(condition: Condition, rule: Handling) -> int:
    """When it had held for as long as it has to: not before it was told."""
    return max(condition.at, condition.since + rule.for_ms)


def _fire(known: Standing, at: int, covers: Covers) -> Step:
    fired = replace(known, base=FIRING, fired=at)
    cover = covers(replace(fired, revision=0), at)  # it fires for the first time, whether it was pending or not
    because = "capped" if cover.inhibitor == CAP else "fired"
    return take_step(known, at, because, base=FIRING, fired=at, silenced_by=cover.silence, inhibited_by=cover.inhibitor)


def _amended(known: Standing, condition: Condition, now: int) -> Steps | Standing:
    """Something late has changed what is known of it. The first of several conditions speaks for all."""
    if condition.episode != known.condition.episode:
        return known
    same = replace(condition, at=known.condition.at, version=known.condition.version)
    if same == known.condition:
        return known if condition.version == known.condition.version else replace(known, condition=condition)
    severity = condition.severity if not known.level else known.severity
    return [take_step(known, now, AMENDED, condition=condition, severity=severity)]


def _over(known: Standing, condition: Condition, rule: Handling, now: int, covers: Covers) -> Steps | Standing:
    until, reason = condition.until or now, condition.reason or CLEARED
    left = tuple(each for each in known.open if each != condition.episode)
    past = (*known.past, condition.episode)[-PAST:]
    after = replace(known, open=left, past=past)
    if left:
        return after
    steps: Steps = []
    if known.base == PENDING and reason not in AT_ONCE and until >= known.condition.since + rule.for_ms:
        steps.append(_fire(after, _held(known.condition, rule), covers))
        after = steps[-1].standing
    if after.base != PENDING and rule.keep_firing_ms and reason not in AT_ONCE:
        after = replace(after, cleared=(until, reason))
        if now < until + rule.keep_firing_ms:
            return [*steps[:-1], steps[-1]._replace(standing=after)] if steps else after
    return [*steps, over_now(after, now, until, reason)]


def over_now(known: Standing, now: int, until: int, reason: str, who: Who = NOBODY) -> Step:
    since = known.condition.since
    base = EXPIRED if known.base == PENDING or reason == EXPIRED else RESOLVED
    past = (*known.past, *(each for each in known.open if each not in known.past))[-PAST:]
    gone = {"silenced_by": None, "inhibited_by": None, "snoozed_until": None, "cleared": None}
    return take_step(
        known, now, reason, who, base=base, resolved=max(until, since), ended=now, open=(), past=past, **gone
    )


def passed(known: Standing, rule: Handling, now: int, covers: Covers) -> Steps | None:
    """The steps that are due; None: it is to be forgotten."""
    if known.ended is not None:
        return None if now >= known.ended + KEPT_MS else []
    steps: Steps = []
    while (step := _due(known, rule, now, covers)) is not None:
        steps.append(step)
        known = step.standing
        if known.ended is not None:
            break
    return steps


def _due(known: Standing, rule: Handling, now: int, covers: Covers) -> Step | None:
    if known.base == PENDING:
        held = now >= known.condition.since + rule.for_ms
        return _fire(known, _held(known.condition, rule), covers) if held else None
    if known.cleared and now >= known.cleared[0] + rule.keep_firing_ms:
        return over_now(known, now, *known.cleared)
    if rule.expires_ms is not None and now >= (known.fired or 0) + rule.expires_ms:
        return over_now(known, now, now, EXPIRED)
    if known.snoozed_until is not None and now >= known.snoozed_until:
        return uncover(replace(known, snoozed_until=None), now, covers)
    at = _unanswered_at(known, rule)
    if at is not None and now >= at:
        return escalated(known, rule.escalation[known.level], now, "unanswered")
    return None


def uncover(known: Standing, now: int, covers: Covers) -> Step:
    """A snooze is over; a silence may still cover it."""
    cover = covers(known, now)
    return take_step(known, now, "silence_over", silenced_by=cover.silence, snoozed_until=None)


def _unanswered_at(known: Standing, rule: Handling) -> int | None:
    """When nobody has answered for so long that the next step of escalation is due; what nobody hears waits."""
    if known.state not in (FIRING, ESCALATED) or known.level >= len(rule.escalation):
        return None
    return (known.fired or 0) + rule.escalation[known.level].after_ms


def escalated(known: Standing, step: EscalationStep | None, at: int, because: str, who: Who = NOBODY) -> Step:
    severity = step.severity if step else None
    if step is None:
        severity = SEVERITIES[min(SEVERITIES.index(known.severity) + 1, len(SEVERITIES) - 1)]
    labels = {**known.labels, **step.labels} if step else known.labels
    severity, level = severity or known.severity, known.level + 1
    return take_step(known, at, because, who, base=ESCALATED, level=level, severity=severity, labels=labels)


def due(known: Standing, rule: Handling) -> int | None:
    """Stream time to come (ms) at which `passed` has something to say; None = never."""
    if known.ended is not None:
        return known.ended + KEPT_MS
    if known.base == PENDING:
        return known.condition.since + rule.for_ms
    times: list[int | None] = [known.snoozed_until, _unanswered_at(known, rule)]
    if known.cleared:
        times.append(known.cleared[0] + rule.keep_firing_ms)
    if rule.expires_ms is not None:
        times.append((known.fired or 0) + rule.expires_ms)
    return min((each for each in times if each is not None), default=None)


def covered(known: Standing, cover: Cover, now: int) -> Step | None:
    """The step by which what lies over it changes; None = nothing changes that is to be told."""
    silence, inhibitor = cover
    if not known.active or (silence, inhibitor) == (known.silenced_by, known.inhibited_by):
        return None
    was, is_ = (known.silenced_by is None, known.inhibited_by is None), (silence is None, inhibitor is None)
    if was[0] != is_[0]:
        because = "silence_over" if is_[0] else "silenced"
    elif inhibitor is not None:
        because = "capped" if inhibitor == CAP else "inhibited"
    else:
        because = "cap_over" if known.inhibited_by == CAP else "inhibition_over"
    return take_step(known, now, because, silenced_by=silence, inhibited_by=inhibitor)
