"""Call-backs that customers asked for: kept, when a human spoke with the customer in time.

That is in the same contact, or in a call of ours to the customer: no connector says that a call is one that was
promised. In time: within `WITHIN_MS`, or until `LATE_MS` after the moment that was asked for.
"""

from collections.abc import Collection, Sequence

import msgspec
from msgspec.structs import replace

from streams.base.channels import SPOKEN
from streams.base.records import Fact
from streams.base.times import DAY_MS, HOUR_MS
from streams.customers.answers import is_of
from streams.customers.facts import told_anew
from streams.customers.touchpoints import HUMAN, Touchpoint

WITHIN_MS, LATE_MS = DAY_MS, HOUR_MS
Name = tuple[str, str]
"""Channel and id of a contact."""


class Callback(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """That of one contact."""

    at: int
    channel: str
    contact: str
    queue: str
    tier: str
    kept_by: Name | None = None
    """The contact in which a human spoke with the customer."""
    group: str = ""
    gone: bool = False
    """The contact has gone to somebody else since this was told; ``lost``: the one that kept it has."""
    lost: bool = False
    kind: str | None = None
    team: str | None = None


Callbacks = tuple[Callback, ...]
"""In order of time."""


def known(before: Callbacks, points: Sequence[Touchpoint]) -> Callbacks:
    """Those of contacts as they are, and of contacts that are no longer kept."""
    found = [each for each in before if not each.gone]
    names = {(point.channel, point.contact) for point in points}
    for point in points:
        was = next((each for each in found if is_of(each, point)), None) if found else None
        if was is not None:
            found = [each for each in found if not is_of(each, point)]
        if point.callback is not None:
            at, _, queue, _ = point.callback
            kept_by = _kept_by(point, points) or _kept_before(was, names)
            place = at, point.channel, point.contact, queue, point.tier
            found.append(Callback(*place, kept_by, point.group, kind=point.kind, team=point.team))
    known = [replace(each, kept_by=None, lost=False) if each.lost else each for each in found]
    return tuple(sorted(known, key=lambda each: (each.at, each.channel, each.contact)))


def _kept_by(asked: Touchpoint, points: Sequence[Touchpoint]) -> Name | None:
    assert asked.callback is not None
    at, due, _, spoke = asked.callback
    until = at + WITHIN_MS if due is None else due + LATE_MS
    if spoke is not None and spoke <= until:
        return asked.channel, asked.contact
    for point in points:
        ours = point.ours and point.channel in SPOKEN and HUMAN in point.served
        if ours and at <= point.started <= until:
            return point.channel, point.contact
    return None


def _kept_before(was: Callback | None, names: Collection[Name]) -> Name | None:
    """By a contact that is no longer kept."""
    return None if was is None or was.lost or was.kept_by in names else was.kept_by


def difference(before: Callbacks, after: Callbacks, line: str) -> tuple[Fact, ...]:
    """What to tell when they change."""
    if before == after:
        return ()
    return told_anew([_fact(each, line) for each in before], [_fact(each, line) for each in after])


def _fact(one: Callback, line: str) -> Fact:
    outcome = None if one.kept_by is None else "kept"
    return Fact(
        "callback_requested",
        one.contact,
        one.at,
        one.channel,
        one.queue,
        one.tier,
        line,
        outcome=outcome,
        service_type=one.kind,
        agent_group=one.team,
    )


def without(callbacks: Callbacks, names: Collection[Name], group: str | None = None) -> Callbacks:
    """With a note of what contacts that go to somebody else were for them; ``names``: theirs, ``group``: of those that
    are no longer kept."""
    return tuple([_noted(each, names, group) for each in callbacks]) if callbacks else callbacks


def _noted(one: Callback, names: Collection[Name], group: str | None) -> Callback:
    goes = (one.channel, one.contact) in names or (group is not None and one.group == group)
    return replace(one, gone=one.gone or goes, lost=one.lost or one.kept_by in names)
