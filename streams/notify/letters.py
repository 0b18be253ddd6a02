"""Dead letters of deliveries: written, listed, and sent again by command."""

import base64
from collections.abc import Iterable, Sequence

from pydantic import ValidationError

from schemas.alerts import AlertEvent
from schemas.fields import utc_text
from schemas.notify import NotifyDeadLetter
from streams.alerts.matching import Matcher, fit
from streams.base.times import iso
from streams.notify.message import id_of
from streams.notify.routing import attributes
from streams.notify.window import Parcel, Place

TOPIC = "notify.dead-letters"
PAYLOAD = 65_536


def of_parcel(target: str, parcel: Parcel, reason: str, why: str, now: int) -> NotifyDeadLetter:
    """The letter of a parcel that is given up (``now``: ms)."""
    delivery = parcel.id or id_of(parcel.events)
    return _letter(
        id=f"{target}/{delivery}", target=target, delivery=delivery, reason=reason, message=why,
        attempts=parcel.attempts, round=parcel.round, at=iso(now), kind=parcel.kind, left_out=parcel.left_out,
        events=[each.model_dump(mode="json") for each in parcel.events],
    )  # fmt: skip


def of_record(target: str, place: Place, value: bytes, why: str, now: int) -> NotifyDeadLetter:
    """The letter of a record that is no alert event."""
    delivery = f"{place.topic}-{place.partition}-{place.offset}"
    return _letter(
        id=f"{target}/{delivery}", target=target, delivery=delivery, reason="unreadable", message=why[:2000],
        attempts=0, round=0, at=iso(now), kind="step", left_out=0, events=[],
        payload=base64.b64encode(value[:PAYLOAD]).decode(),
    )  # fmt: skip


def _letter(**known: object) -> NotifyDeadLetter:
    return NotifyDeadLetter.model_validate({"status": "dead", "by": None, "payload": None, **known})


def encoded(letter: NotifyDeadLetter) -> tuple[bytes, bytes]:
    """Key and value of its record."""
    return letter.id.encode(), letter.model_dump_json().encode()


def decoded(value: bytes | None) -> NotifyDeadLetter | None:
    """``None`` where it is none."""
    try:
        return None if value is None else NotifyDeadLetter.model_validate_json(value)
    except ValidationError:
        return None


def parcel_of(letter: NotifyDeadLetter, place: Place, written: int) -> Parcel:
    """What goes out again, under the key of the first time."""
    return Parcel(
        letter.kind, list(letter.events), [place], written, written, letter.delivery, letter.round + 1,
        left_out=letter.left_out,
    )  # fmt: skip


def latest(letters: Iterable[NotifyDeadLetter]) -> dict[str, NotifyDeadLetter]:
    """Id → how the letter stands: the order of the log."""
    return {each.id: each for each in letters}


def chosen(
    letters: Iterable[NotifyDeadLetter], targets: Sequence[str] = (), where: Sequence[Matcher] = ()
) -> list[NotifyDeadLetter]:
    """Those that are dead and can be sent again, of some targets, with a step that fits."""
    return [
        each
        for each in letters
        if each.status == "dead"
        and each.events
        and (not targets or each.target in targets)
        and (not where or any(fit(where, attributes(event.alert)) for event in each.events))
    ]


def again(letter: NotifyDeadLetter, by: str, now: int) -> NotifyDeadLetter:
    """That it is to be sent once more."""
    return NotifyDeadLetter.model_validate(
        {**letter.model_dump(mode="json"), "status": "again", "by": by, "at": iso(now)}
    )


def row(letter: NotifyDeadLetter) -> tuple[str, ...]:
    """For people: when, target, what, why, how often."""
    what = letter.delivery if letter.kind == "step" else f"{letter.kind} of {len(letter.events)}"
    tried = f"{letter.attempts} attempts, round {letter.round + 1}"
    return utc_text(letter.at), letter.target, what, letter.reason, letter.message, tried


def event_of(value: bytes) -> AlertEvent:
    """Raises ``ValidationError``."""
    return AlertEvent.model_validate_json(value)
