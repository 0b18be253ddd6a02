"""What a rule may say, as types: durations, names, shares. A rule is a dataclass whose fields are of these; the folds
read its fields, and `streams.rules` fills it from YAML.

Durations are written ``120s`` in a file and are int milliseconds in a rule; sentiment is −1 to 1 in a file and int
thousandths in a rule. Every type raises ``ValueError`` for what it does not take, as pydantic wants it.
"""

import re
from collections.abc import Callable
from typing import Annotated, Any, Literal, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, GetPydanticSchema, Strict, WithJsonSchema
from pydantic_core import PydanticKnownError

from schemas.data import Channel
from streams.base.times import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, UNITS, CalendarUnit

_UNITS = {"ms": 1, "s": SECOND_MS, "m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS}
_DURATION = re.compile(r"(\d{1,9})(ms|s|m|h|d)")

DURATION, SPAN = r"^[0-9]{1,9}(ms|s|m|h|d)$", r"^0*[1-9][0-9]{0,8}(ms|s|m|h|d)$"
"""Patterns of a duration, and of one that is longer than 0."""
NOTHING: dict[str, Any] = {"not": {}}
"""The JSON Schema that no value fits."""
FROM_FILES = ConfigDict(extra="forbid", arbitrary_types_allowed=True)
"""``__pydantic_config__`` of every rule: a key that is not a field is a mistake."""


def milliseconds(value: object) -> int:
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("expected a duration: a whole number and ms, s, m, h or d, such as 120s")
    return int(found[1]) * _UNITS[found[2]]


def as_written(ms: int) -> str:
    """A duration (ms) as files have it: ``90s``, ``2h``; hours are the largest."""
    return next(f"{ms // _UNITS[unit]}{unit}" for unit in ("h", "m", "s", "ms") if ms % _UNITS[unit] == 0)


def _positive(value: int) -> int:
    if value <= 0:
        raise ValueError("the duration must be longer than 0")
    return value


def _span_or_unit(value: object) -> object:
    if value in UNITS:
        return value
    try:
        return _positive(milliseconds(value))
    except ValueError as error:
        raise ValueError(f"{error}; or day, week or month of the calendar") from None


def _thousandths(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PydanticKnownError("float_type")
    if not value >= -1:
        raise PydanticKnownError("greater_than_equal", {"ge": -1})
    if not value <= 1:
        raise PydanticKnownError("less_than_equal", {"le": 1})
    return round(value * 1000)


def _zone(value: object) -> ZoneInfo:
    try:
        return ZoneInfo(cast(str, value))
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise ValueError("expected a time zone of the tz database, such as Europe/Berlin") from None


def _unknown(value: object) -> object:
    raise PydanticKnownError("extra_forbidden")


def reads(check: Callable[[Any], Any], **schema: Any) -> BeforeValidator:
    """Of a value that a file has otherwise than the rule; ``schema``: how a file has it, as JSON Schema says it."""
    return BeforeValidator(check, json_schema_input_type=Annotated[Any, WithJsonSchema(schema)])


Duration = Annotated[int, reads(milliseconds, type="string", pattern=DURATION)]
"""``120s`` → milliseconds."""
Span = Annotated[int, reads(milliseconds, type="string", pattern=SPAN), AfterValidator(_positive)]
"""A duration longer than 0."""
SpanOrUnit = Annotated[int | CalendarUnit, reads(_span_or_unit, type="string", pattern=f"{SPAN}|^(day|week|month)$")]
"""A duration longer than 0, or ``day``, ``week`` or ``month`` of the calendar."""
Milli = Annotated[int, reads(_thousandths, type="number", minimum=-1, maximum=1)]
"""Sentiment in thousandths."""
Zone = Annotated[ZoneInfo, reads(_zone, type="string", examples=["Europe/Berlin"])]
Flag = Annotated[bool, Strict()]
CURRENCY, NAME, LANGUAGE = r"^[A-Z]{3}$", r"^[a-z0-9][a-z0-9-]{0,39}$", r"^[a-z]{2,3}$"
LABEL, LINK = r"^[a-z_][a-z0-9_.-]{0,39}$", r"^https://[^\s/]+(/\S*)?$"
"""Patterns; `streams.rules` says what they mean."""
Text = Annotated[str, Strict(), Field(min_length=1, max_length=200)]
RuleName = Annotated[str, Strict(), Field(pattern=NAME)]
TierName = Text
ChannelName = Annotated[str, GetPydanticSchema(lambda _, handler: handler(Channel))]
"""One of the contract's channels; a plain str for who reads it."""
Count = Annotated[int, Strict(), Field(ge=1, le=1_000_000_000)]
Percent = Annotated[float, Strict(), Field(ge=0, le=100)]
Weight = Annotated[float, Strict(), Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Strict(), Field(gt=0, allow_inf_nan=False)]
Severity = Literal["info", "warning", "critical"]
NotInFiles = reads(_unknown, **NOTHING)
"""Of a field that another file decides: the file of this rule does not know it."""
