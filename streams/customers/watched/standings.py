"""The episodes that rules find, with their names: which of them must stand at a moment, and when to look again."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from typing import NamedTuple

from streams.alerts.episodes import CONTACT, CUSTOMER, MOVED, WITHDRAWN, Alert, Alerts, Episode, Subject, alert_id
from streams.alerts.switching import RULE_CHANGED, RULE_REMOVED

NEVER_HELD = -(2**62)


class Standing(NamedTuple):
    """An episode that has begun, as far as is known now."""

    rule: str
    severity: str
    what: str
    about: str
    subject: Subject
    anchor: str
    since: int
    until: int | None
    reason: str | None
    value: int | float | None
    limit: int | float | None
    clear: int | float | None
    unit: str
    evidence: tuple[str, ...]
    held: int = NEVER_HELD
    """The stream time to pass before it is told: an event still to come may show that it is none, or whose it is."""


class Looked(NamedTuple):
    """What a look at a subject gave."""

    standings: tuple[Standing, ...] = ()
    due: int | None = None
    """The stream time to pass for that to change without an event."""


NOTHING = Looked()
Whose = tuple[str, str]
"""Line and owner."""


def names_of(each: Standing, whose: Whose) -> Iterator[str]:
    """The ids of an episode, one after the other: of a contact's that was moved or withdrawn, and holds after all,
    the next one counts, as of any that was over by other rules. That of a customer is named by its contact where a
    message of it began it."""
    alone = each.about == CUSTOMER and each.subject.message is None
    parts = (each.rule, *whose, "" if alone else each.subject.key, each.anchor)
    yield alert_id(*parts)
    for number in count(2):
        yield alert_id(*parts, str(number))


def named(standings: Iterable[Standing], alerts: Alerts, whose: Whose) -> dict[str, Standing]:
    """Each by the name of the alert that stands, or would be the next one. One that goes by another name since a late
    event moved its beginning keeps the name by which it was told.
    """
    found: dict[str, Standing] = {}
    new = list[tuple[str, Standing]]()
    for each in standings:
        names = names_of(each, whose)
        name = first = next(names)
        again = _MAY_COME_BACK if each.about == CONTACT else OF_RULES
        while name in alerts and alerts[name].reason in again:
            name = next(names)
        if name in alerts or name != first:
            found[name] = each
        else:
            new.append((name, each))
    for name, each in new:
        found[_amended(each, alerts, found) or name] = each
    return found


def _amended(each: Standing, alerts: Alerts, found: Mapping[str, Standing]) -> str | None:
    """The alert of the same rule and subject that was told of an episode at that time, and that is no other one."""
    for name, alert in alerts.items():
        if alert.rule != each.rule or name in found or alert.about != each.about or alert.reason in _MAY_COME_BACK:
            continue
        if each.about == CONTACT and alert.subject.key != each.subject.key:
            continue
        begins_in = alert.resolved is None or each.since < alert.resolved
        if begins_in and (each.until is None or alert.since < each.until):
            return name
    return None


def episodes(found: Mapping[str, Standing], alerts: Alerts, now: int) -> Iterator[Episode]:
    """Those that must stand: told before, or to be told now."""
    for name, each in found.items():
        if name not in alerts and now <= each.held:
            continue
        yield Episode(
            name, each.rule, each.what, each.severity, each.subject, each.value, each.limit, each.since,
            each.until, each.reason, each.about, each.unit, each.clear, each.evidence,
        )  # fmt: skip


def dues(found: Mapping[str, Standing], alerts: Alerts) -> Iterator[int]:
    """The stream times to pass for those to be told that are not, and for those to be over that are."""
    for name, each in found.items():
        known = alerts.get(name)
        if known is None:
            yield max(each.held, each.since - 1)
        elif known.firing and each.until is not None:
            yield each.until - 1


def is_over(alert: Alert) -> bool:
    """It fires no more."""
    return alert.resolved is not None


OF_RULES = frozenset({RULE_CHANGED, RULE_REMOVED})
_MAY_COME_BACK = frozenset({MOVED, WITHDRAWN, *OF_RULES})
