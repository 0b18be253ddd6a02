"""Numbers, durations and true or false, as call logs spell them.

A spelling that has two meanings is refused, not guessed: ``1.234`` is a number with three decimals in one country and
one thousand in the next. ``decimal`` says which sign separates the decimals; ``None`` takes what has one meaning only.
"""

import re
from collections.abc import Collection
from decimal import Decimal

UNITS_MS = {"seconds": 1000, "milliseconds": 1}
"""Kinds of columns that hold durations → ms that a number without a unit counts."""
HOUR_S, DAY_S = 3600, 86_400
_LONGEST = 40
"""Characters of a number or a duration."""
_SIGN = re.compile(r"([-+−]?) ?(.*)", re.DOTALL)
_BLANKS = " \u2009'’"
"""What some write between groups of three digits; it has no other meaning there."""

_UNITS_S: dict[str, Decimal] = {
    unit: Decimal(worth)
    for worth, names in {
        "86400": "d day days tag tage tagen jour jours día días dia dias giorno giorni dag dagen dni",
        "3600": "h hr hrs hour hours std stunde stunden heure heures hora horas ora ore uur uren godz timmar",
        "60": "m mi mn min mins minute minutes minuten minuto minutos minuti minuut minuter",
        "1": "s sec secs second seconds sek sekunde sekunden seconde secondes seg segs segundo segundos secondo secondi"
        " seconden sekunder",
        "0.001": "ms msec msecs msek millis millisecond milliseconds millisekunden milisegundos",
    }.items()
    for unit in names.split()
}
_OF_A_CLOCK = re.compile(r"(?P<clock>[0-9:.,]+) ?(?P<unit>[^\W\d_]+)\.?")
_ISO = re.compile(
    r"P(?:(?P<w>[0-9]+)W)?(?:(?P<d>[0-9]+)D)?"
    r"(?:T(?:(?P<h>[0-9]+)H)?(?:(?P<m>[0-9]+)M)?(?:(?P<s>[0-9]+(?:[.,][0-9]+)?)S)?)?",
    re.IGNORECASE,
)
_CLOCK = re.compile(
    r"(?:(?:(?P<d>[0-9]+)(?:\.| ?d(?:ays?)?,? ))?(?P<h>[0-9]+):)?"
    r"(?P<m>[0-9]+):(?P<s>[0-9]{2})(?:[.,](?P<f>[0-9]{1,9}))?",
    re.IGNORECASE,
)
_PRIMES = re.compile(r"(?:([0-9]+)['’′] ?)?([0-9]{1,2}(?:[.,][0-9]+)?)(?:[\"”″]|''|’’|′′)")  # noqa: RUF001 - minutes and seconds
_AMOUNT = re.compile(r"(?P<number>[0-9.,]*[0-9]) ?(?P<unit>[^\W\d_]+)\.?(?:,? ?(?:(?:and|und) )?)?", re.IGNORECASE)


def number(text: str, decimal: str | None = None) -> int | float:
    """A number; whole ones are ints. Raises ValueError."""
    value = _number(text, decimal)
    return int(value) if value == value.to_integral_value() else float(value)


def duration(text: str, unit_ms: int, decimal: str | None = None) -> int:
    """A duration in ms, which may be negative; ``unit_ms`` is what a number without a unit counts.

    ``205``, ``12,5``, ``205 s``, ``3m25s``, ``1 h 5 min``, ``205000 ms``, ``3:25`` (minutes and seconds), ``00:03:25``,
    ``1 day, 0:03:25``, ``PT3M25S`` (ISO 8601). Raises ValueError.
    """
    sign, body = _signed(text)
    if primes := _PRIMES.fullmatch(body):
        body = f"{primes[1] or 0}m{primes[2]}s"
    found = _iso(body)
    if found is None:
        found = _clock(body)
    if found is None:
        found = _amounts(body, decimal)
    if found is None:
        found = _plain(body, text, decimal, "duration") * unit_ms / 1000
    return sign * round(found * 1000)


def truth(text: str, true: Collection[str], false: Collection[str]) -> bool:
    """Whether the text is one of ``true``; both hold casefolded texts. Raises ValueError."""
    folded = text.casefold()
    if folded in true:
        return True
    if folded in false:
        return False
    raise ValueError(f"{text!r} is neither true ({', '.join(true)}) nor false ({', '.join(false)})")


def _signed(text: str) -> tuple[int, str]:
    text = text.replace("\u00a0", " ").replace("\u202f", " ")
    if len(text) > _LONGEST:
        raise ValueError(f"{text[:_LONGEST]!r}… is too long for a number")
    parts = _SIGN.fullmatch(text)
    sign, body = parts.groups() if parts else ("", text)
    return -1 if sign in ("-", "−") else 1, body


def _number(text: str, decimal: str | None) -> Decimal:
    sign, body = _signed(text)
    return sign * _plain(body, text, decimal, "number")


def _plain(body: str, text: str, decimal: str | None, what: str) -> Decimal:
    """``body`` is ``text`` without its sign."""
    readings = {value for mark in (decimal or ".,") if (value := _by_mark(body, mark)) is not None}
    if not readings:
        raise ValueError(f"{text!r} is no {what}")
    if len(readings) > 1:
        both = " and ".join(map(str, sorted(readings)))
        raise ValueError(f"{text!r} can be read as {both}; say which sign separates decimals: file: {{decimal: …}}")
    return readings.pop()


def _by_mark(body: str, mark: str) -> Decimal | None:
    """The number when ``mark`` separates the decimals and the other one, or a blank, groups of three digits."""
    whole, found, decimals = body.partition(mark)
    if found and not (decimals.isascii() and decimals.isdigit()):
        return None
    group = "." if mark == "," else ","
    for sign in (group, *_BLANKS):
        first, *others = whole.split(sign)
        if others and re.fullmatch("[1-9][0-9]{0,2}", first) and all(re.fullmatch("[0-9]{3}", o) for o in others):
            whole = first + "".join(others)
            break
    if not re.fullmatch("[0-9]*", whole) or not (whole or decimals):
        return None
    return Decimal(f"{whole}.{decimals}" if decimals else whole)


def _iso(body: str) -> Decimal | None:
    if body[:1] not in ("P", "p"):
        return None
    found = _ISO.fullmatch(body)
    if found is None or body[-1] in "PpTt":
        raise ValueError(f"{body!r} is no duration of ISO 8601 in weeks, days, hours, minutes and seconds")
    weeks, days, hours, minutes = (int(found[name] or 0) for name in "wdhm")
    seconds = Decimal((found["s"] or "0").replace(",", "."))
    return Decimal((weeks * 7 + days) * DAY_S + hours * HOUR_S + minutes * 60) + seconds


def _clock(body: str) -> Decimal | None:
    """``h:mm:ss`` or ``m:ss``, with days in front of hours; what follows the seconds is a fraction."""
    if ":" not in body:
        return None
    named = _OF_A_CLOCK.fullmatch(body)
    if named is not None:
        return _named_clock(body, named["clock"], named["unit"].casefold())
    found = _CLOCK.fullmatch(body)
    if found is None:
        raise ValueError(f"{body!r} is no duration such as 0:03:25, 3:25 or 3:25.5")
    days, hours, minutes, seconds = (int(found[name] or 0) for name in "dhms")
    two_digits = found["h"] is None or len(found["m"]) == 2
    if seconds > 59 or (found["h"] is not None and (minutes > 59 or not two_digits)) or (found["d"] and hours > 23):
        raise ValueError(f"{body!r} is no duration such as 0:03:25, 3:25 or 3:25.5")
    whole = days * DAY_S + hours * HOUR_S + minutes * 60 + seconds
    return Decimal(whole) + Decimal(f"0.{found['f'] or '0'}")


def _named_clock(body: str, clock: str, unit: str) -> Decimal | None:
    """``3:25 min`` and ``0:03:25 h``: the unit is that of what stands first. ``1:30 h`` are hours and minutes."""
    first = {1: Decimal(60), 2: Decimal(HOUR_S)}.get(clock.count(":"))
    worth = _UNITS_S.get(unit)
    if worth == first:
        return _clock(clock)
    if worth == HOUR_S and re.fullmatch("[0-9]+:[0-5][0-9]", clock):
        return _clock(f"{clock}:00")
    raise ValueError(f"{body!r} is no duration such as 3:25 min, 0:03:25 h or 1:30 h")


def _amounts(body: str, decimal: str | None) -> Decimal | None:
    """Numbers with units, from the largest unit to the smallest."""
    if not any(character.isalpha() for character in body):
        return None
    total, at, last = Decimal(0), 0, None
    while at < len(body):
        found = _AMOUNT.match(body, at)
        unit = _UNITS_S.get(found["unit"].casefold()) if found else None
        if found is None or unit is None or (last is not None and unit >= last):
            raise ValueError(f"{body!r} is no duration such as 205 s, 3m25s or 205000 ms")
        total += _plain(found["number"], body, decimal, "duration") * unit
        at, last = found.end(), unit
    return total
