"""Wait alerts: a customer of a high tier still waits in a queue when the limit has passed.

An episode is one queue leg under one rule: it must stand when the leg lasted longer than the limit (strictly) and the customer was of one
of the rule's tiers at some moment after that. It begins at the first such moment, as a rule the deadline, entered + limit. It fires when
stream time has passed that and the leg is open, or when the leg is known to have ended later. It is over when the leg is, whatever the
tier does.
"""

from collections.abc import Container, Iterator
from typing import NamedTuple

from streams.domain.alerts import WAIT, Episode, Subject, alert_id
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


def episodes(watch: Watch, known: Container[str], now: int | None, rules: Rules) -> Iterator[Episode]:
    """The episodes that must stand at stream time ``now``; ``known``: ids of alerts that were published."""
    touched = watch.history.touched
    for contact, leg, rule in _watched(watch, rules):
        due = leg.entered + rule.limit_ms
        until = now if leg.left is None else leg.left
        if until is None or until <= due:
            continue
        since = _high_since(contact, leg, rule, watch.tiers)
        if since is None or since > until:
            continue
        name = _id(rule, watch, leg)
        if leg.left is None and name not in known and touched is not None and until <= touched:
            continue  # the history may just be arriving: its next event may end the wait
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
            leg.left,
            leg.outcome,
        )


def deadlines(watch: Watch, rules: Rules) -> Iterator[tuple[str, int]]:
    """(alert id, the stream time that must be passed) of the leg that waits, under each rule that watches it."""
    history = watch.history
    if history.lives[-1].waiting is None:
        return
    for contact, leg, rule in _watched(watch, rules):
        since = _high_since(contact, leg, rule, watch.tiers) if leg.left is None else None
        if since is not None:
            due = max(leg.entered + rule.limit_ms, since - 1)
            yield _id(rule, watch, leg), due if history.touched is None else max(due, history.touched)


def _watched(watch: Watch, rules: Rules) -> Iterator[tuple[Contact, Leg, WaitRule]]:
    for rule in rules.wait:
        if watch.history.channel in rule.channels:
            for contact in watch.history.lives:
                for leg in contact.legs:
                    yield contact, leg, rule


def _high_since(contact: Contact, leg: Leg, rule: WaitRule, tiers: Tiers) -> int | None:
    """The first moment from the deadline on, before the end of the leg, at which the customer was of one of the rule's tiers."""
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
    """The tier at a moment of the leg: what the events had said by then, else the profile, else what the events first say later, up to
    the end of the leg.
    """
    if len(contact.said) == 1 and contact.said[0][0] <= at:
        return contact.tier
    said = next((tier for time, tier in reversed(contact.said) if time <= at), None)
    if said is None:
        said = tier_at(tiers, at)
    if said is None and contact.said and (leg.left is None or contact.said[0][0] <= leg.left):
        said = contact.said[0][1]
    return said


def _id(rule: WaitRule, watch: Watch, leg: Leg) -> str:
    return alert_id(rule.name, watch.line, watch.owner, watch.key, leg.id)
