"""Wait alerts: a customer of a high tier still waits in a queue when the limit has passed.

An episode is one queue leg under one rule: it must stand when the leg lasted longer than the limit (strictly) and the
customer was of one of the rule's tiers at some moment after that. It begins at the first such moment, as a rule the
deadline, entered + limit. It fires when stream time has passed that and the leg was open then, whether its end is known
by now or not. It is over when the leg is, whatever the tier does, and is resolved when stream time has got there: up to
then an event still to come may show another end.
"""

from collections.abc import Iterator
from typing import NamedTuple

from streams.domain.alerts import WAIT, Alerts, Episode, Subject, alert_id
from streams.domain.contact_state import Contact, Leg
from streams.domain.histories import History
from streams.domain.policy import Rules, WaitRule
from streams.domain.profiles import Tiers, tier_at


class Watch(NamedTuple):
    """One history, whose it is, and what is known besides."""

    key: str
    history: History
    owner: str
    line: str
    tiers: Tiers


def episodes(watch: Watch, known: Alerts, now: int | None, rules: Rules) -> Iterator[Episode]:
    """The episodes that must stand at stream time ``now``; ``known``: the alerts that were published."""
    touched = watch.history.touched
    for contact, leg, rule in watched(watch.history, rules):
        due = leg.entered + rule.limit_ms
        passed = now is not None and now > due
        if (leg.left is not None and leg.left <= due) or not (passed or known):
            continue
        since = _high_since(contact, leg, rule, watch.tiers)
        if since is None:
            continue
        name = name_of(rule, watch, leg)
        published = name in known
        over = leg.left is not None and now is not None and now >= leg.left
        if not published and not (passed and now is not None and now >= _certain(contact, watch.tiers, since)):
            continue
        if not published and touched is not None and now is not None and now <= touched:
            continue  # the history may just be arriving: its next event may end the wait, or take it to somebody else
        tier = _tier(contact, leg, watch.tiers, since)
        yield Episode(
            name,
            rule.name,
            WAIT,
            rule.severity,
            Subject(watch.key, contact.id, contact.channel, leg.queue, tier or ""),
            rule.limit_ms,
            rule.limit_ms,
            since,
            leg.left if over else None,
            leg.outcome if over else None,
        )


def deadlines(watch: Watch, alerts: Alerts, rules: Rules) -> Iterator[int]:
    """The stream times that must be passed for a leg's alert to fire, or to be resolved by an end that was ahead of
    stream time."""
    touched = watch.history.touched
    for contact, leg, rule in watched(watch.history, rules):
        due = leg.entered + rule.limit_ms
        if leg.left is not None and leg.left <= due:
            continue
        since = _high_since(contact, leg, rule, watch.tiers)
        if since is None:
            continue
        alert = alerts.get(name_of(rule, watch, leg))
        if alert is None:
            due = max(due, _certain(contact, watch.tiers, since) - 1)
            yield due if touched is None else max(due, touched)
        elif alert.firing and leg.left is not None:
            yield leg.left - 1


def watched(history: History, rules: Rules) -> Iterator[tuple[Contact, Leg, WaitRule]]:
    """The legs of a history, each with every rule for its channel."""
    for rule in rules.wait:
        if history.channel in rule.channels:
            for contact in history.lives:
                for leg in contact.legs:
                    yield contact, leg, rule


def _high_since(contact: Contact, leg: Leg, rule: WaitRule, tiers: Tiers) -> int | None:
    """The first moment from the deadline on, before the end of the leg, at which the customer was of one of the rule's
    tiers."""
    due = leg.entered + rule.limit_ms
    if _tier(contact, leg, tiers, due) in rule.tiers:
        return due
    changes = [time for time, _ in contact.said] + [time for time, _, _ in tiers]
    return next(
        (
            time
            for time in sorted(changes)
            if due < time and (leg.left is None or time < leg.left) and _tier(contact, leg, tiers, time) in rule.tiers
        ),
        None,
    )


def _tier(contact: Contact, leg: Leg, tiers: Tiers, at: int) -> str | None:
    """The tier at a moment of the leg: what the events had said by then, else the profile, else what the events first
    say later, up to the end of the leg.
    """
    known = _tier_then(contact, tiers, at)
    if known is None and contact.said and (leg.left is None or contact.said[0][0] <= leg.left):
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


def name_of(rule: WaitRule, watch: Watch, leg: Leg) -> str:
    """The id of the leg's alert under the rule."""
    return alert_id(rule.name, watch.line, watch.owner, watch.key, leg.id)
