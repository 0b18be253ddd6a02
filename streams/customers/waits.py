"""Wait alerts: a customer of a high tier still waits in a queue when the limit has passed.

An episode is one queue leg under one rule: it must stand when the leg lasted longer than the limit (strictly) and the
customer was of one of the rule's tiers at some moment after that. It begins at the first such moment, as a rule the
deadline, entered + limit. It fires when stream time has passed that and the leg was open then, whether its end is known
by now or not. It is over when the leg is, whatever the tier does, and is resolved when stream time has got there: up to
then an event still to come may show another end.

It is the wait of somebody: whose contact it is must be known before the leg is over, else it stands for nobody. One
that went to another customer with its contact and came back, or was withdrawn and holds after all, is another episode.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, takewhile
from typing import Annotated, NamedTuple

from pydantic import Field

from streams.alerts.episodes import (
    MOVED,
    WAITING,
    WITHDRAWN,
    Alert,
    Alerts,
    Episode,
    Gone,
    Subject,
    alert_id,
    forget,
    forgotten_at,
    reconcile,
)
from streams.base.channels import LIVE_CHANNELS
from streams.base.times import SECOND_MS
from streams.base.units import FROM_FILES, ChannelName, Duration, RuleName, Severity, TierName
from streams.contacts.contact import FLOW_OUT, Contact, Leg
from streams.contacts.histories import History
from streams.customers.follow import After, Change, Ease, Follower, Leaving, Out, View, alert_out, over_out
from streams.customers.tiers import Tiers, tier_at

UNIT = "ms"
"""Of their values and limits."""


@dataclass(frozen=True, slots=True)
class WaitRule:
    """``wait`` of alerts.yaml: fires when a queue leg of a tier and channel waits strictly longer than the limit."""

    name: RuleName
    tiers: Annotated[frozenset[TierName], Field(min_length=1)] = frozenset()
    """None named: every tier that is high."""
    limit_ms: Annotated[Duration, Field(alias="limit")] = 120 * SECOND_MS
    severity: Severity = "critical"
    channels: Annotated[frozenset[ChannelName], Field(min_length=1)] = LIVE_CHANNELS

    __pydantic_config__ = FROM_FILES


Rules = Sequence[WaitRule]


class Waits(Follower[Alerts]):
    """State: the wait alerts that were published, by id."""

    name = "waits"
    empty: Alerts = {}  # noqa: RUF012 - frozen by agreement, as every state

    def __init__(self, rules: Rules, lateness_ms: int) -> None:
        self.rules, self.lateness_ms = rules, lateness_ms

    def changed(self, state: Alerts, change: Change, view: View) -> After[Alerts] | None:
        if change.key is None:
            return self._all(state, change.gone, view)
        after = change.after
        if after is None or not (state or any(contact.legs for contact in after.lives)):
            return None
        known, alerts = self._looked(state, change.key, after, change.gone, view)
        return After(known, alert_out(alerts, UNIT, view)) if alerts else None

    def left(self, state: Alerts, leaving: Leaving, view: View) -> After[Alerts] | None:
        if not state:
            return None
        key, since = leaving.key, leaving.left.since
        old = [each.id for each in state.values() if each.subject.key == key and each.since >= since]
        known, alerts = reconcile(state, old, (), view.now, leaving.gone)
        return After(known, alert_out(alerts, UNIT, view))

    def passed(self, state: Alerts, view: View) -> After[Alerts]:
        gone = Gone(WITHDRAWN, view.now or 0)
        after = self._all(state, gone, view)
        known, alerts = reconcile(after.state, [each.id for each in self._lost(after.state, view)], (), view.now, gone)
        return After(self.tidied(known, view), after.out + alert_out(alerts, UNIT, view))

    def tidied(self, state: Alerts, view: View) -> Alerts:
        if not state or view.now is None:
            return state
        return forget(state, lambda alert: alert.subject.key in view.histories, view.now, self.lateness_ms)

    def due(self, state: Alerts, view: View) -> int | None:
        times: list[int] = []
        for key, history in view.histories.items():
            for contact in history.lives:
                if contact.legs:
                    times += deadlines(_watch(key, history, view), state, self.rules)
                    break
        if state:
            times += [
                forgotten_at(alert, self.lateness_ms)
                for alert in state.values()
                if not alert.firing and alert.subject.key not in view.histories
            ]
            times += [alert.since for alert in self._lost(state, view)]
        return min(times, default=None)

    def eased(self, state: Alerts, ease: Ease, view: View) -> Alerts:
        wanted = self._named(state, view)
        return {name: alert for name, alert in state.items() if alert.firing or name in wanted}

    def erased(self, state: Alerts, gone: Gone, view: View) -> Iterable[Out]:
        return over_out(state.values(), gone, UNIT, view)

    def _named(self, state: Alerts, view: View) -> set[str]:
        """The alerts of legs that are still kept."""
        return {
            name
            for key, history in view.histories.items()
            for _, leg, rule in watched(history, self.rules)
            for name in known_names(rule, _watch(key, history, view), leg, state)
        }

    def _lost(self, state: Alerts, view: View) -> list[Alert]:
        """Those that fire and whose leg is no longer kept, because its contact came to rest, or has too many, before
        the end that the leg was given (of a contact without an end: its timeout). Nothing else would resolve them."""
        firing = [alert for alert in state.values() if alert.firing]
        if not firing:
            return firing
        named = self._named(state, view)
        return [alert for alert in firing if alert.id not in named]

    def _all(self, state: Alerts, gone: Gone, view: View) -> After[Alerts]:
        published: list[Alert] = []
        for key, history in view.histories.items():
            state, alerts = self._looked(state, key, history, gone, view)
            published += alerts
        return After(state, alert_out(published, UNIT, view))

    def _looked(
        self, state: Alerts, key: str, history: History, gone: Gone, view: View
    ) -> tuple[Alerts, Sequence[Alert]]:
        """After a look at one history."""
        old = [each.id for each in state.values() if each.subject.key == key]
        wanted = list(episodes(_watch(key, history, view), state, view.now, self.rules))
        return reconcile(state, old, wanted, view.now, gone) if old or wanted else (state, ())


class Watch(NamedTuple):
    """One history, whose it is, and what is known besides."""

    key: str
    history: History
    owner: str
    line: str
    tiers: Tiers


def _watch(key: str, history: History, view: View) -> Watch:
    return Watch(key, history, view.owner, view.line, view.tiers)


def episodes(watch: Watch, known: Alerts, now: int | None, rules: Rules) -> Iterator[Episode]:
    """The episodes that must stand at stream time ``now``; ``known``: the alerts that were published."""
    touched = watch.history.touched
    for contact, leg, rule in watched(watch.history, rules):
        due = leg.entered + rule.limit_ms
        passed = now is not None and now > due
        left, outcome = _end(leg)
        if (left is not None and left <= due) or not (passed or known):
            continue
        since = _since(contact, leg, rule, watch.tiers)
        if since is None:
            continue
        name = _current(rule, watch, leg, known)
        published = name in known
        over = left is not None and now is not None and now >= left
        if not published and not (passed and now is not None and now >= _certain(contact, watch.tiers, since)):
            continue
        if not published and touched is not None and now is not None and now <= touched:
            continue  # the history may just be arriving: its next event may end the wait, or take it to somebody else
        tier = _tier(contact, leg, watch.tiers, since)
        yield Episode(
            id=name,
            rule=rule.name,
            kind=WAITING,
            severity=rule.severity,
            subject=Subject(watch.key, contact.id, contact.channel, leg.queue, tier or ""),
            value=rule.limit_ms,
            limit=rule.limit_ms,
            since=since,
            resolved=left if over else None,
            reason=outcome if over else None,
        )


def _end(leg: Leg) -> tuple[int | None, str | None]:
    """When the leg is over, and how; one that was taken for over once alarms nobody any more."""
    return (leg.left, leg.outcome) if leg.idle is None else (leg.idle, FLOW_OUT)


def deadlines(watch: Watch, alerts: Alerts, rules: Rules) -> Iterator[int]:
    """The stream times that must be passed for a leg's alert to fire, or to be resolved by an end that was ahead of
    stream time."""
    touched = watch.history.touched
    for contact, leg, rule in watched(watch.history, rules):
        due = leg.entered + rule.limit_ms
        left, _ = _end(leg)
        if left is not None and left <= due:
            continue
        since = _since(contact, leg, rule, watch.tiers)
        if since is None:
            continue
        alert = alerts.get(_current(rule, watch, leg, alerts))
        if alert is None:
            due = max(due, _certain(contact, watch.tiers, since) - 1)
            yield due if touched is None else max(due, touched)
        elif alert.firing and left is not None:
            yield left - 1


def watched(history: History, rules: Rules) -> Iterator[tuple[Contact, Leg, WaitRule]]:
    """The legs of a history, each with every rule for its channel."""
    for rule in rules:
        if history.channel in rule.channels:
            for contact in history.lives:
                for leg in contact.legs:
                    if not leg.told:
                        yield contact, leg, rule


def _since(contact: Contact, leg: Leg, rule: WaitRule, tiers: Tiers) -> int | None:
    """When the episode begins: with the tier, and not before it is known whose wait it is."""
    since = _high_since(contact, leg, rule, tiers)
    if since is None or contact.known is None or contact.known <= since:
        return since
    left, _ = _end(leg)
    return contact.known if left is None or contact.known < left else None


def _high_since(contact: Contact, leg: Leg, rule: WaitRule, tiers: Tiers) -> int | None:
    """The first moment from the deadline on, before the end of the leg, at which the customer was of one of the rule's
    tiers."""
    due, (left, _) = leg.entered + rule.limit_ms, _end(leg)
    if _tier(contact, leg, tiers, due) in rule.tiers:
        return due
    changes = [time for time, _ in contact.said] + [time for time, _, _ in tiers]
    return next(
        (
            time
            for time in sorted(changes)
            if due < time and (left is None or time < left) and _tier(contact, leg, tiers, time) in rule.tiers
        ),
        None,
    )


def _tier(contact: Contact, leg: Leg, tiers: Tiers, at: int) -> str | None:
    """The tier at a moment of the leg: what the events had said by then, else the profile, else what the events first
    say later, up to the end of the leg.
    """
    known = _tier_then(contact, tiers, at)
    left, _ = _end(leg)
    if known is None and contact.said and (left is None or contact.said[0][0] <= left):
        known = contact.said[0][1]
    return known


def _tier_then(contact: Contact, tiers: Tiers, at: int) -> str | None:
    if len(contact.said) == 1 and contact.said[0][0] <= at:
        return contact.tier
    said = next((tier for time, tier in reversed(contact.said) if time <= at), None)
    return tier_at(tiers, at) if said is None else said


def _certain(contact: Contact, tiers: Tiers, at: int) -> int:
    """The stream time at which the tier at a moment of the leg is certain: what events say first, later than that
    moment, an event still to come may have said otherwise before.
    """
    later = _tier_then(contact, tiers, at) is None and contact.said
    return max(at, contact.said[0][0]) if later else at


def names_of(rule: WaitRule, watch: Watch, leg: Leg) -> Iterator[str]:
    """The ids of the leg's alerts under the rule, one after the other."""
    yield alert_id(rule.name, watch.line, watch.owner, watch.key, leg.id)
    for number in count(2):
        yield alert_id(rule.name, watch.line, watch.owner, watch.key, leg.id, str(number))


def known_names(rule: WaitRule, watch: Watch, leg: Leg, known: Alerts) -> Iterator[str]:
    """Those of the leg's alerts that are known."""
    return takewhile(known.__contains__, names_of(rule, watch, leg))


def _current(rule: WaitRule, watch: Watch, leg: Leg, known: Alerts) -> str:
    """The id of the alert that stands, or would be the next one."""
    return next(
        name for name in names_of(rule, watch, leg) if name not in known or known[name].reason not in _MAY_COME_BACK
    )


_MAY_COME_BACK = frozenset({MOVED, WITHDRAWN})
