"""Episodes of subjects of which only the last hours are known: queues, KPIs, connectors.

What was published of them is kept, as long as something late may change it, and held against what is found anew. Of
what is told as over nothing changes any more; where it holds all the same, that is another episode, from then on.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from streams.alerts.episodes import WITHDRAWN, alert_id
from streams.alerts.switching import RULE_CHANGED, RULE_REMOVED
from streams.alerts.watching import Found
from streams.base.alert_records import Condition, ConditionSubject

RECOVERED, QUIET = "recovered", "quiet"
"""Why one is over: its value is back; it has none any more."""


class Stood(msgspec.Struct, frozen=True, omit_defaults=True):
    """One episode as it was published last."""

    rule: str
    severity: str
    what: str
    since: int
    anchor: str
    at: int
    """Stream time at which it was found."""
    value: float | str | None = None
    limit: float | None = None
    clear: float | None = None
    unit: str = "count"
    until: int | None = None
    reason: str | None = None
    evidence: tuple[str, ...] = ()

    @property
    def open(self) -> bool:
        return self.until is None


class Span(NamedTuple):
    """What is looked at: stream time was there, and is here now."""

    since: int
    """Moments before it stay as they were judged."""
    now: int
    before: int
    """How far it had come when it was looked at last."""
    step: int
    """At multiples of it one looks, if nothing is late (ms)."""
    kept: int
    """What was over by then is not amended any more."""

    def at(self, moment: int) -> int:
        """When what begins or ends then is found: in steps, wherever batches are cut; now, where it comes late."""
        found = -(-moment // self.step) * self.step
        return found if self.before < found <= self.now else self.now


Why = Callable[[Found], str]


def going(known: Iterable[Stood], since: int) -> dict[str, Found]:
    """By rule, the episodes that go on at a moment, for `watch`."""
    return {
        each.rule: Found(
            each.rule, each.severity, each.what, each.since, None, each.anchor, each.value, each.limit, each.clear,
            each.unit, each.evidence,
        )
        for each in known
        if each.since < since and (each.until is None or each.until > since)
    }  # fmt: skip


def looked_at(found: Iterable[Found], begun: Mapping[str, Found], since: int) -> list[Found]:
    """Without what was over before the first moment that is looked at. ``begun``: what went on then; when rules have
    changed, it is not known to `watch`, and what holds from that moment on has begun when it had begun before."""
    some = [each for each in found if each.until is None or each.until > since or each.rule in begun]
    return [
        each._replace(since=known.since) if (known := begun.get(each.rule)) and each.since <= since else each
        for each in some
    ]


def settled(
    known: Sequence[Stood],
    found: Iterable[Found],
    span: Span,
    gone: Callable[[Stood], str],
    why: Why = lambda found: RECOVERED,
    over: Collection[str] = (),
) -> tuple[tuple[Stood, ...], list[Stood]]:
    """(What is kept, what is to be published), after a new look. ``found``: of the moments from ``span.since`` on;
    ``gone``: why one that is not found any more is over; ``why``: why one that is found is; ``over``: rules that were
    gone meanwhile. Episodes are named by when they began, as it was told first."""
    as_told, known = known, _removed(known, over, span.now)
    left = list(known)
    names = {(each.rule, each.anchor, each.since) for each in known}
    found = [
        each if (each.rule, each.anchor, each.since) in names else each._replace(anchor=str(each.since))
        for each in found
    ]
    kept: list[Stood] = []
    changed = [each for each, one in zip(known, as_told, strict=True) if each is not one]
    for each, before in _pairs(left, found):
        for one in _after(before, each, known, span, None if each.until is None else why(each)):
            kept.append(one)
            if one is not before:
                changed.append(one)
    for before in left:
        if not before.open:
            kept.append(before)
            continue
        ended = replace(before, until=max(before.since, span.now), reason=gone(before))
        kept.append(ended)
        changed.append(ended)
    kept = [each for each in kept if each.until is None or each.until > span.kept]
    return tuple(sorted(kept, key=_order)), sorted(changed, key=_order)


def _removed(known: Sequence[Stood], rules: Collection[str], now: int) -> tuple[Stood, ...]:
    """``known``, before `settled`: over is what goes on by rules that were gone meanwhile. Where it holds by one that
    has come back, that is another episode."""
    return tuple(
        replace(each, until=max(each.since, now), reason=RULE_REMOVED) if each.open and each.rule in rules else each
        for each in known
    )


def gone_by(rules: Collection[str], same: bool) -> Callable[[Stood], str]:
    """For `settled`: ``rules``: the names of all; ``same``: are they those by which was looked before?"""

    def reason(stood: Stood) -> str:
        return RULE_REMOVED if stood.rule not in rules else WITHDRAWN if same else RULE_CHANGED

    return reason


def _pairs(left: list[Stood], found: Iterable[Found]) -> list[tuple[Found, Stood | None]]:
    """What is found with what was published of it, which is taken out of ``left``: with its anchor, else what goes on
    at the same time. What is open goes first, so that what comes late amends, and fires nothing anew."""
    some = sorted(found, key=lambda each: (each.until is not None, each.since))
    pairs = dict[int, Stood]()
    for fits in (_is_named, _overlaps):
        for number, each in enumerate(some):
            if number not in pairs:
                before = min(
                    (one for one in left if one.rule == each.rule and fits(one, each)),
                    key=lambda one: (not one.open, one.since),
                    default=None,
                )
                if before is not None:
                    left.remove(before)
                    pairs[number] = before
    return [(each, pairs.get(number)) for number, each in enumerate(some)]


def _is_named(stood: Stood, found: Found) -> bool:
    return stood.anchor == found.anchor


def _overlaps(stood: Stood, found: Found) -> bool:
    begins, goes_on = found.until is None or stood.since < found.until, stood.until is None or found.since < stood.until
    return begins and goes_on


def _order(stood: Stood) -> tuple[int, str, str]:
    return stood.since, stood.rule, stood.anchor


def _after(before: Stood | None, found: Found, known: Sequence[Stood], span: Span, over: str | None) -> list[Stood]:
    if before is None:
        anchor = _free(found.anchor, found.rule, known)
        return [_stood(found, anchor, found.since, span.at(found.since), over)]
    if not before.open:
        if found.until is not None or before.until is None:
            return [before]
        anchor = _free(found.anchor, found.rule, known)  # it was told as over, and holds
        return [before, _stood(found, anchor, before.until, span.now, over)]
    after = _stood(found, before.anchor, found.since, before.at, over)
    return [before if after == before else after]


def _stood(found: Found, anchor: str, since: int, at: int, reason: str | None) -> Stood:
    return Stood(
        found.rule, found.severity, found.what, since, anchor, at, found.value, found.limit, found.clear, found.unit,
        found.until, reason, found.evidence,
    )  # fmt: skip


def _free(anchor: str, rule: str, known: Sequence[Stood]) -> str:
    taken = {each.anchor for each in known if each.rule == rule}
    number, name = 2, anchor
    while name in taken:
        name, number = f"{anchor}#{number}", number + 1
    return name


@dataclass(frozen=True, slots=True)
class Told:
    """Of one subject: how its conditions are told."""

    subject: ConditionSubject
    name: str
    """Of the subject; stands in the names of its alerts."""
    line: str
    version: str = ""
    """Of the rules."""

    def condition(self, stood: Stood, span: Span) -> Condition:
        """The record of one."""
        return Condition(
            episode=alert_id(stood.rule, self.line, self.name, stood.anchor),
            fingerprint=alert_id(stood.rule, self.line, self.name),
            rule=stood.rule,
            what=stood.what,
            severity=stood.severity,
            subject=self.subject,
            since=stood.since,
            at=stood.at if stood.until is None else span.at(stood.until),
            value=stood.value if not isinstance(stood.value, str) else None,
            limit=stood.limit,
            clear=stood.clear,
            unit=stood.unit,
            until=stood.until,
            reason=stood.reason,
            evidence=stood.evidence,
            line=self.line,
            version=self.version,
        )
