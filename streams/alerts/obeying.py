"""What a person's word does to one alert."""

from streams.alerts.handling import Handling
from streams.alerts.machine import (
    ACKNOWLEDGED,
    CLOSED,
    OVER,
    PENDING,
    Refused,
    Standing,
    Step,
    escalated,
    over_now,
    take_step,
)
from streams.base.alert_records import Command


def obey(known: Standing, command: Command, rule: Handling, now: int) -> Step:
    """A person's word. Raises `Refused`."""
    if known.base in OVER:
        raise Refused("data.alert_id", f"the alert is over ({known.state}, {known.because})")
    if known.base == PENDING and command.action not in ("comment", "assign", "close"):
        raise Refused("data.action", f"the alert is pending: {command.action} is for one that has fired")
    who = command.by, command.note
    if command.action == "acknowledge":
        by, at = command.by or "", command.time
        return take_step(known, now, "acknowledged", who, base=ACKNOWLEDGED, acknowledged_by=by, acknowledged_at=at)
    if command.action == "close":
        return over_now(known, now, command.time, CLOSED, who)
    if command.action == "escalate":
        step = rule.escalation[known.level] if known.level < len(rule.escalation) else None
        return escalated(known, step, now, "escalated", who)
    if command.action == "snooze":
        if command.until is None or command.until <= now:
            raise Refused("data.until", "a snooze needs an end that lies ahead")
        by = f"snooze:{command.by}" if command.by else "snooze"
        return take_step(known, now, "silenced", who, silenced_by=by, snoozed_until=command.until)
    if command.action == "assign":
        if not command.to:
            raise Refused("data.to", "to whom is it to be assigned?")
        return take_step(known, now, "assigned", who, assigned_to=command.to)
    if not command.note:
        raise Refused("data.note", "what is to be said?")
    return take_step(known, now, "commented", who)
