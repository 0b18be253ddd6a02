"""What a person says of an alert, as an event of the contract, checked against how the alert stands.

Checked before it is sent, since a dead letter reaches nobody who waits. What changes in between the agent refuses.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from schemas.events import check
from schemas.other_data import AlertCommandedData
from streams.alerts.matching import matcher
from streams.base.records import LIVE
from streams.base.times import DAY_MS, iso, to_ms
from streams.desk.board import Held
from streams.desk.errors import CannotAsk, Over
from streams.desk.silences import ENDED, SET, Silence

ACTIONS: tuple[str, ...] = get_args(AlertCommandedData.model_fields["action"].annotation)
WHILE_PENDING = frozenset({"comment", "assign", "close"})
"""What can be said of an alert before it has fired."""
LONGEST_MS = 30 * DAY_MS
"""A silence, or a snooze, from now on: the topic of silences keeps them for a day more."""
Event = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """What is to be done with an alert."""

    action: str
    until: str | None = None
    """Of a snooze."""
    to: str | None = None
    """Of assign."""
    note: str | None = None


@dataclass(frozen=True)
class Speaker:
    """Who says it, and where."""

    by: str
    source: str


def commanded(alert: Held, asked: Asked, who: Speaker, now: int) -> Event:
    """A command. Raises `CannotAsk`, `Over`."""
    if asked.action not in ACTIONS:
        raise CannotAsk(f"action: {asked.action!r} is none; there are {', '.join(ACTIONS)}")
    if alert.line != LIVE:
        raise Over(f"the alert is of the replay {alert.line}: it reaches nobody, and nothing is to be done with it")
    if alert.over:
        raise Over(f"the alert is over ({alert.state} at {alert.doc['resolved_at']}); nothing is to be done with it")
    if alert.state == "pending" and asked.action not in WHILE_PENDING:
        raise Over(f"the alert is pending: {asked.action} is for one that has fired")
    _complete(asked, now)
    data = {"alert_id": alert.episode_id, "action": asked.action, "by": who.by}
    data |= {name: value for name in ("until", "to", "note") if (value := getattr(asked, name)) is not None}
    return _event("alert.commanded", data, who, now)


def _complete(asked: Asked, now: int) -> None:
    """Is there what the action needs, and nothing else?"""
    if asked.action == "snooze":
        if asked.until is None:
            raise CannotAsk("until is missing: when is the snooze over?")
        _ends(asked.until, "until", now, now)
    elif asked.until is not None:
        raise CannotAsk(f"until is of a snooze, not of {asked.action}")
    if asked.action == "assign":
        if not asked.to or not asked.to.strip():
            raise CannotAsk("to is missing: to whom is it to be assigned?")
    elif asked.to is not None:
        raise CannotAsk(f"to is of assign, not of {asked.action}")
    if asked.action == "comment" and not (asked.note and asked.note.strip()):
        raise CannotAsk("note is missing: what is to be said?")


def silenced(data: Mapping[str, Any], who: Speaker, now: int) -> Event:
    """A silence: ``matchers``, ``ends``, ``reason``; ``starts`` and ``silence_id`` if need be. Raises `CannotAsk`."""
    given = {name: value for name, value in data.items() if value is not None}
    matchers: Sequence[str] = given.get("matchers") or ()
    if not matchers:
        raise CannotAsk("matchers are missing: which alerts are meant, such as queue=cards?")
    for text in matchers:
        try:
            matcher(text)
        except ValueError as error:
            raise CannotAsk(f"matchers: {error}") from None
    if given.get("ends") is None:
        raise CannotAsk("ends is missing: a silence has an end")
    begins = _time(given["starts"], "starts") if "starts" in given else now
    _ends(given["ends"], "ends", max(begins, now), now)
    if not str(given.get("reason", "")).strip():
        raise CannotAsk("reason is missing: say why, for who wonders about it")
    return _event(SET, {"silence_id": f"silence-{uuid.uuid4().hex[:12]}", **given, "by": who.by}, who, now)


def ended(silence: Silence, reason: str | None, who: Speaker, now: int) -> Event:
    """The end of a silence before its time. Raises `Over`."""
    if silence.state(now) == "over":
        since = silence.ends if silence.ended is None else silence.ended
        raise Over(f"the silence {silence.silence_id} is over since {iso(since)}")
    data = {"silence_id": silence.silence_id, "by": who.by} | ({"reason": reason} if reason else {})
    return _event(ENDED, data, who, now)


def _ends(text: str, field: str, begins: int, now: int) -> None:
    ends = _time(text, field)
    if ends <= now:
        raise CannotAsk(f"{field}: {text} is past; an end lies ahead")
    if ends <= begins:
        raise CannotAsk(f"{field}: {text} does not lie behind the start, {iso(begins)}")
    if ends > now + LONGEST_MS:
        raise CannotAsk(
            f"{field}: {text} is more than 30 days ahead; what is silent for longer is a matter of the rule"
        )


def _time(text: object, field: str) -> int:
    try:
        return to_ms(text if isinstance(text, str) else "")
    except ValueError:
        raise CannotAsk(f"{field}: {text!r} is no time; expected one such as 2026-03-02T09:15:00Z") from None


def _event(kind: str, data: Mapping[str, Any], who: Speaker, now: int) -> Event:
    event = {
        "specversion": "1.0", "id": f"word-{uuid.uuid4()}", "source": who.source, "type": kind, "time": iso(now),
        "data": dict(data),
    }  # fmt: skip
    if problem := check(event):
        raise CannotAsk(problem.message.removeprefix("data."))
    return event
