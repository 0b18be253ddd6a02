"""Conditions that rules watch: episodes with a stable name, each told once when it begins and once when it is over.

What must stand (``Episode``) is computed from the state as a whole; ``reconcile`` compares it with what was published.
So a late event, a change of owner or a change of tier needs no rule of its own: an episode that must no longer stand is
resolved as *withdrawn*, one that went to another customer with its contact as *moved*; the other customer's episode has
a name of its own, since the owner is part of it. An episode that was resolved never fires again.
"""

from collections.abc import Callable, Collection, Iterable
from hashlib import blake2b
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from streams.alerts.switching import RULE_CHANGED, RULE_REMOVED
from streams.base.alert_records import Condition, ConditionSubject
from streams.base.times import DAY_MS

CONTACT, CUSTOMER, JOURNEY = "contact", "customer", "journey"
"""What an alert at the owner's key may be about."""
MOVED, WITHDRAWN, ERASED = "moved", "withdrawn", "erased"
"""Reasons for which an alert of any kind may be over."""


class Subject(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What an alert is about; ``key``: of the history that holds the contact."""

    key: str
    contact: str
    channel: str
    queue: str | None
    tier: str
    message: str | None = None
    """That began it, where one did."""
    kind: str | None = None
    """The service type, where it is known."""


class Episode(NamedTuple):
    """One that must stand: over when ``resolved`` is not None. ``value`` in the rule's unit."""

    id: str
    rule: str
    kind: str
    severity: str
    subject: Subject
    value: float | None
    limit: float | None
    since: int
    resolved: int | None = None
    reason: str | None = None
    about: str = CONTACT
    """What it is about: a contact, a customer, a journey."""
    unit: str = "ms"
    clear: float | None = None
    evidence: tuple[str, ...] = ()


class Alert(msgspec.Struct, frozen=True, omit_defaults=True):
    """One that was published."""

    id: str
    rule: str
    kind: str
    severity: str
    subject: Subject
    value: int | float | None
    """A whole number stays one in its row: the row has the same size before and after a restart. None: a word."""
    limit: int | float | None
    since: int
    fired: int
    resolved: int | None = None
    reason: str | None = None
    about: str = CONTACT
    unit: str = "ms"
    clear: int | float | None = None
    evidence: tuple[str, ...] = ()

    @property
    def firing(self) -> bool:
        return self.resolved is None


Alerts = dict[str, Alert]
Records = tuple[Alert, ...]


class Gone(NamedTuple):
    """Why and when (event time) alerts that need not stand any more are over."""

    reason: str
    at: int
    changed: Collection[str] = ()
    """Rules of which one that fires becomes what it is by its rule as it is now."""


def alert_id(rule: str, line: str, owner: str, *parts: str) -> str:
    """``<rule>.<digest>@<owner>``. The digest covers all of it."""
    text = "\x1f".join((rule, line, owner, *parts))
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=10).hexdigest()
    return f"{rule}.{digest}@{owner}"


def reconcile(
    alerts: Alerts,
    old: Iterable[str],
    wanted: Iterable[Episode],
    now: int | None,
    gone: Gone,
) -> tuple[Alerts, list[Alert]]:
    """The alerts after a new look at some of them: (all of them, the changed ones in the order to publish).

    ``old``: ids of the known alerts that were looked at; each that is not wanted any more and still fires is resolved
    as ``gone``.
    """
    found = {episode.id: episode for episode in wanted}
    changed = [
        replace(alert, resolved=max(gone.at, alert.since), reason=gone.reason)
        for alert in (alerts[name] for name in old)
        if alert.id not in found and alert.firing
    ]
    for episode in found.values():
        known = alerts.get(episode.id)
        if known is None:
            known = _fired(episode, now)
            changed.append(known)
        elif known.firing and known.rule in gone.changed and (anew := _by_its_rule(known, episode)) != known:
            known = anew
            changed.append(known)
        if known.firing and episode.resolved is not None:
            changed.append(replace(known, resolved=episode.resolved, reason=episode.reason))
    return (alerts | {alert.id: alert for alert in changed} if changed else alerts), changed


def _fired(episode: Episode, now: int | None) -> Alert:
    """Raised at stream time, or by the event that proves it when that is ahead of stream time."""
    proven = episode.since if episode.resolved is None else episode.resolved
    fired = now if now is not None and now >= episode.since else proven
    return Alert(
        id=episode.id,
        rule=episode.rule,
        kind=episode.kind,
        severity=episode.severity,
        subject=episode.subject,
        value=episode.value,
        limit=episode.limit,
        since=episode.since,
        fired=fired,
        about=episode.about,
        unit=episode.unit,
        clear=episode.clear,
        evidence=episode.evidence,
    )


def _by_its_rule(known: Alert, episode: Episode) -> Alert:
    return replace(
        known,
        kind=episode.kind,
        severity=episode.severity,
        subject=episode.subject,
        value=episode.value,
        limit=episode.limit,
        since=episode.since,
        unit=episode.unit,
        clear=episode.clear,
        evidence=episode.evidence,
    )


def condition(alert: Alert, owner: str, line: str, version: str = "") -> Condition:
    """What is published of it: that its condition holds, then that it is over. ``version``: of the rules."""
    subject, about = alert.subject, alert.about
    return Condition(
        episode=alert.id,
        fingerprint=alert_id(alert.rule, line, owner, *(() if about == CUSTOMER else (subject.key,))),
        rule=alert.rule,
        what=alert.kind,
        severity=alert.severity,
        subject=ConditionSubject(
            about,
            owner,
            subject.contact or None,
            subject.key if about == JOURNEY else None,
            subject.channel or None,
            subject.queue,
            subject.tier or None,
            subject.kind,
        ),
        since=alert.since,
        at=alert.fired,
        value=alert.value,
        limit=alert.limit,
        clear=alert.clear,
        unit=alert.unit,
        until=alert.resolved,
        reason=alert.reason,
        evidence=alert.evidence,
        line=line,
        version=version,
    )


def forget(alerts: Alerts, needed: Callable[[Alert], bool], now: int, lateness_ms: int) -> Alerts:
    """Without the resolved ones that are old and that nothing kept could call up again."""
    kept = {
        name: alert
        for name, alert in alerts.items()
        if alert.firing or now <= forgotten_at(alert, lateness_ms) or needed(alert)
    }
    return kept if len(kept) < len(alerts) else alerts


def forgotten_at(alert: Alert, lateness_ms: int) -> int:
    """A resolved alert that nothing could call up again is forgotten when stream time passes this.

    What ended with its rule may be called up when the rule comes back: whoever handles alerts knows its name for a day.
    """
    over = max(alert.since, alert.resolved or alert.since)
    return over + 2 * lateness_ms + (DAY_MS if alert.reason in (RULE_CHANGED, RULE_REMOVED) else 0)
