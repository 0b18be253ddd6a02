"""Wait alerts: a customer of a high tier still waits in a queue when the limit has passed.

An episode is one queue leg under one rule. It begins at its deadline, entered + limit, and fires when stream time passes that while the
leg is open, or when the leg is known to have lasted longer (strictly). It is over when the leg is.
"""

from collections.abc import Container, Iterator
from typing import NamedTuple

from streams.domain.alerts import WAIT, Episode, Subject, alert_id
from streams.domain.contact_state import Contact, Leg
from streams.domain.histories import History
from streams.domain.policy import NO_TIER, Rules, WaitRule
from streams.domain.profiles import Tiers, tier_at


class Watch(NamedTuple):
    """One history, whose it is, and what is known besides."""

    key: str
    history: History
    owner: str
    line: str
    tiers: Tiers


def episodes(watch: Watch, known: Container[str], now: int | None, rules: Rules) -> Iterator[Episode]:
    """The episodes of a history that must stand at stream time ``now``; ``known``: ids of alerts that were published."""
    touched = watch.history.touched
    for contact, leg, rule in _watched(watch, rules):
        due = leg.entered + rule.limit_ms
        until = now if leg.left is None else leg.left
        if until is None or until <= due:
            continue
        tier = _tier(contact, leg, watch)
        if tier not in rule.tiers:
            continue
        name = _id(rule, watch, leg)
        if leg.left is None and name not in known and touched is not None and until <= touched:
            continue  # the history may just be arriving: its next event may end the wait
        yield Episode(
            name,
            rule.name,
            WAIT,
            rule.severity,
            Subject(watch.key, contact.id, contact.channel, leg.queue, tier),
            rule.limit_ms,
            rule.limit_ms,
            due,
            leg.left,
            leg.outcome,
        )


def deadlines(watch: Watch, rules: Rules) -> Iterator[tuple[str, int]]:
    """(alert id, the stream time that must be passed) of the leg that waits, under each rule that watches it."""
    history = watch.history
    if history.lives[-1].waiting is None:
        return
    for contact, leg, rule in _watched(watch, rules):
        if leg.left is None and _tier(contact, leg, watch) in rule.tiers:
            due = leg.entered + rule.limit_ms
            yield _id(rule, watch, leg), due if history.touched is None else max(due, history.touched)


def _watched(watch: Watch, rules: Rules) -> Iterator[tuple[Contact, Leg, WaitRule]]:
    for rule in rules.wait:
        if watch.history.channel in rule.channels:
            for contact in watch.history.lives:
                for leg in contact.legs:
                    yield contact, leg, rule


def _tier(contact: Contact, leg: Leg, watch: Watch) -> str:
    """As of the end of the leg: later changes raise no alert for a wait that is over."""
    said = contact.tier if leg.left is None else leg.tier
    return said or tier_at(watch.tiers, leg.left) or NO_TIER


def _id(rule: WaitRule, watch: Watch, leg: Leg) -> str:
    return alert_id(rule.name, watch.line, watch.owner, watch.key, leg.id)
