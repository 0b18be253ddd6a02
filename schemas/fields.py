"""The kinds of value every model is made of: ids, names, labels, texts, times, numbers.

All are strict, as on the wire: a number is never taken from a string, nor a string from a number; ``true`` is no
number, nor are NaN and Infinity. Each pattern has a sentence in ``PATTERN_WORDS`` that says what is expected.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
    ValidatorFunctionWrapHandler,
)
from pydantic_core import CoreSchema, PydanticCustomError, PydanticKnownError, core_schema

from schemas.countries import COUNTRIES
from schemas.times import iso

MAX_ID = 200
MAX_ALERT_ID = 1000
MAX_LABEL = 200
MAX_SUBJECT = 100
MAX_IDENTIFIERS = 50
MAX_IDENTIFIER = 320
"""Characters: the longest e-mail address (64 + @ + 255)."""
MAX_TEXT = 100_000
MAX_VALUES, MAX_DEPTH, MAX_CHARACTERS = 1_000, 8, 65_536
"""Of a free-form object: values in it, objects and lists inside each other, characters of its names and texts."""
MAX_WHOLE = 2**53 - 1
"""The largest whole number that every JSON reader keeps exactly."""
MAX_DURATION_MS = 7 * 86_400_000
"""A week: what a person does in one go is never longer."""
MAX_TOTAL_MS = 366 * 86_400_000
"""A year: what is summed over a contact is never longer."""
FIRST_TIME = datetime(1970, 1, 1, tzinfo=UTC)
LAST_TIME = datetime(2100, 1, 1, tzinfo=UTC)
"""The edges of every time we are told, in UTC and inclusive: beyond them nothing is meant, and not every calendar,
time zone and format that a time passes through can write it."""

NO_CONTROL = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*$"
"""Without what changes how the rest of a line is read or shown: C0 but tab and line breaks, DEL, C1 (a terminal takes
U+009B for ESC [), the line separators, the bidi embeddings, overrides and isolates. Zero-width characters are
allowed: joiners belong to emoji and to Persian and Indic scripts, and look-alike ids can be made without any.
"""
LINE_NAME = r"^[a-z0-9][a-z0-9-]{0,99}$"
NOT_LINES = ("all", "live")
RFC3339_SHAPE = r"^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})?$"
"""With or without a zone: a missing zone gets its own message."""
RFC3339 = r"^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$"
UTC_MS = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$"
BASE64 = r"^[A-Za-z0-9+/]*={0,2}$"
SHA256 = r"^[0-9a-f]{64}$"
ZONE_NAME = r"^[A-Za-z][A-Za-z0-9_+\-]*(/[A-Za-z0-9_+\-]+)*$"
COUNTRY = r"^[A-Z]{2}$"

PATTERN_WORDS: Mapping[str, str] = {
    NO_CONTROL: "must not contain control characters",
    LINE_NAME: "must be 1 to 100 lower-case letters, digits or hyphens, not starting with a hyphen",
    RFC3339_SHAPE: "must be an RFC 3339 time such as 2026-03-02T09:15:00.000Z",
    UTC_MS: "must be a time in UTC with milliseconds such as 2026-03-02T09:15:00.000Z",
    BASE64: "must be base64",
    ZONE_NAME: "must be a time zone of the tz database, such as Europe/Rome",
    COUNTRY: "must be an ISO 3166-1 code of two capitals, such as IT",
    SHA256: "must be a SHA-256 in lower-case hexadecimal (64 characters)",
}


@dataclass(frozen=True)
class TimeText:
    """A time written as a string of the given shape that becomes an aware datetime; numbers are refused."""

    shape: str
    published: str
    """The pattern the exported schema shows."""
    bounded: bool = False
    """Must it lie from FIRST_TIME to LAST_TIME?"""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        first, last = (FIRST_TIME, LAST_TIME) if self.bounded else (None, None)
        return core_schema.chain_schema(
            [
                core_schema.str_schema(strict=True, pattern=self.shape),
                core_schema.datetime_schema(tz_constraint="aware", ge=first, le=last),
            ],
            serialization=core_schema.plain_serializer_function_ser_schema(utc_text, when_used="json"),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "format": "date-time", "pattern": self.published}


def utc_text(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds (rounded down) and ``Z``, the form of every time we publish."""
    return iso((moment - FIRST_TIME) // timedelta(milliseconds=1))


def line_name(text: str) -> str:
    """The name of a replay's line; a word by which commands ask for lines is none."""
    if text in NOT_LINES:
        raise PydanticCustomError("line_name", "must not be all or live: commands ask for lines by these words")
    return text


def bounded(found: dict[str, Any]) -> dict[str, Any]:
    """A free-form object within its limits."""
    return within(found, MAX_VALUES, MAX_DEPTH, MAX_CHARACTERS)


def within(found: dict[str, Any], most: int, deepest: int, longest: int) -> dict[str, Any]:
    """An object with at most so many values, so deep, of so many characters. What it takes to find out has the same
    limits."""
    waiting: list[tuple[Any, int]] = [(found, 1)]
    values = characters = 0
    while waiting:
        value, depth = waiting.pop()
        if isinstance(value, str):
            characters += len(value)
        elif isinstance(value, dict | list):
            values += len(value)
            if values > most:
                raise _too_much(f"{most} values")
            if depth > deepest:
                raise _too_much(f"{deepest} objects or lists inside each other")
            if isinstance(value, dict):
                characters += sum(map(len, value))
                value = value.values()
            waiting += [(below, depth + 1) for below in value]
        if characters > longest:
            raise _too_much(f"{longest} characters in its names and texts")
    return found


def few(value: Any) -> Any:
    """An object by name, its entries counted before any is looked at: a finding for each of 90,000 takes 0.2 s."""
    if isinstance(value, dict) and len(value) > MAX_VALUES:
        about = {"field_type": "Dictionary", "max_length": MAX_VALUES, "actual_length": len(value)}
        raise PydanticKnownError("too_long", about)
    return value


def in_parts(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """An object of any size, looked at until something is wrong: findings are made for one part of it at most."""
    if not isinstance(value, dict) or len(value) <= MAX_VALUES:
        return handler(value)
    entries = iter(value.items())
    found: dict[str, Any] = {}
    while part := dict(islice(entries, MAX_VALUES)):
        found |= handler(part)
    return found


def _too_much(limit: str) -> PydanticCustomError:
    return PydanticCustomError("object_too_large", "must have at most {limit}", {"limit": limit})


Id = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=MAX_ID, pattern=NO_CONTROL)]
"""Names one thing: never empty, at most 200 characters, none of those that `NO_CONTROL` leaves out."""
AlertId = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=MAX_ALERT_ID, pattern=NO_CONTROL)]
"""Names an alert, its customer included: at most 1,000 characters."""
NodeName = Annotated[
    str,
    StringConstraints(
        strict=True,
        min_length=5,
        max_length=MAX_IDENTIFIER + 10,
        pattern=r"^(customer|email|phone|social|account|device|cookie):[^\x00-\x1f\x7f]+$",
    ),
]
"""An identifier of any kind, or a customer, in one text: <kind>:<value>."""
Name = Id
"""Names a queue, tier or skill group: the same limits as an id."""
Label = Annotated[str, StringConstraints(strict=True, max_length=MAX_LABEL, pattern=NO_CONTROL)]
"""A word or two that describes; may be empty."""
Text = Annotated[str, StringConstraints(strict=True, max_length=MAX_TEXT)]
"""What people wrote or said, at most 100,000 characters, any characters."""
Subject = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=MAX_SUBJECT, pattern=NO_CONTROL)]
"""What a contact is about, as a word that others share; not what a person typed, but masked like a text all the same.
"""
Words = Annotated[str, StringConstraints(strict=True, max_length=MAX_LABEL, pattern=NO_CONTROL), "typed by a person"]
"""A label that a person types, such as an agent's verdict: it is masked like a text."""
String = Annotated[str, StringConstraints(strict=True)]
Object = Annotated[dict[str, Any], AfterValidator(bounded)]
"""Free-form, by name: at most 1,000 values, 8 deep, 65,536 characters."""
LineName = Annotated[
    str,
    StringConstraints(strict=True, pattern=LINE_NAME),
    AfterValidator(line_name),
    Field(json_schema_extra={"not": {"enum": list(NOT_LINES)}}),
]
"""Names a replay; not one of the words by which commands ask for lines."""
Line = Annotated[str, StringConstraints(strict=True, max_length=100)]
"""``""`` for live, else a replay id."""

Time = Annotated[datetime, TimeText(RFC3339_SHAPE, RFC3339, bounded=True)]
"""RFC 3339 with a zone, from 1970 to 2100 in UTC."""
UtcTime = Annotated[datetime, TimeText(UTC_MS, UTC_MS)]
"""RFC 3339 in UTC with milliseconds and ``Z``: what we publish."""


def zone_name(text: str) -> str:
    """The name of a time zone that there is."""
    if not _is_zone(text):
        raise PydanticCustomError("time_zone", "must be a time zone of the tz database, such as Europe/Rome")
    return text


@lru_cache(1024)
def _is_zone(text: str) -> bool:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def country(text: str) -> str:
    """The code of a country that there is."""
    if text not in COUNTRIES:
        raise PydanticCustomError("country", "must be a country of ISO 3166-1, such as IT")
    return text


def named(found: dict[str, Any]) -> dict[str, Any]:
    """An object by name, none of which is blank."""
    if any(not name.strip() for name in found):
        raise PydanticCustomError("blank_name", "must not have a blank name")
    return found


TimeZone = Annotated[
    str, StringConstraints(strict=True, min_length=1, max_length=64, pattern=ZONE_NAME), AfterValidator(zone_name)
]
"""Of the tz database."""
Country = Annotated[str, StringConstraints(strict=True, pattern=COUNTRY), AfterValidator(country)]
"""Of ISO 3166-1."""
Whole = Annotated[int, Field(strict=True, ge=0, le=MAX_WHOLE)]
Duration = Annotated[int, Field(strict=True, ge=0, le=MAX_DURATION_MS)]
"""Milliseconds of something a person did, at most 7 days."""
Total = Annotated[int, Field(strict=True, ge=0, le=MAX_TOTAL_MS)]
"""Milliseconds of something summed over a contact, at most 366 days."""
Integer = Annotated[int, Field(strict=True, ge=-MAX_WHOLE, le=MAX_WHOLE)]
Revision = Annotated[int, Field(strict=True, ge=1, le=MAX_WHOLE)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Sentiment = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=-1, le=1)]
"""-1 (angry) … 1 (delighted)."""
Bool = Annotated[bool, Field(strict=True)]
Names = Annotated[list[Name], Field(fail_fast=True)]


class Model(BaseModel):
    """Base of every model: unknown fields are let in and ignored; a docstring below a field is its description."""

    model_config = ConfigDict(
        extra="allow",
        use_attribute_docstrings=True,
        validate_by_name=True,
        validate_by_alias=True,
        defer_build=True,  # each program uses a few of them, and pays for those alone
    )
