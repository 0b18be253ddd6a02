"""The mapping: how the rows of a tabular call log become contact events.

A mapping is one YAML file with six concepts, in the order in which they are applied to a row:

``columns``    which columns are read, of what kind, and which texts stand for "absent"
``leave_out``  which rows are no contacts, by reason
``contact``    what all events of the row carry: contact id, channel, queue, customer, tier; are rows joined?
``times``      moments, each the first of its alternatives that the row has
``events``     what is published, at which of those moments, on which condition
``file``       delimiter, quote, encoding and decimal sign (line ends of any kind are accepted)

Nothing in it is executed. ``docs/replay.md`` is the reference for authors of mappings.
"""

from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)

from schemas.data import Channel
from streams.replay.formats import Format
from streams.replay.values import duration

Kind = Literal["text", "date", "time", "datetime", "seconds", "milliseconds", "number", "boolean"]
Scalar = str | bool | int | float

_DEFAULT_FORMATS: dict[str, str] = {"date": "%Y-%m-%d", "time": "%H:%M:%S", "datetime": "%Y-%m-%d %H:%M:%S"}
_TRUE, _FALSE = ("true", "t", "yes", "y", "on", "1"), ("false", "f", "no", "n", "off", "0")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class FileFormat(_Part):
    """How the text of the file is cut into fields."""

    delimiter: str = Field(default=",", min_length=1, max_length=1, pattern=r"[^\r\n]")
    quote: str | None = Field(default=None, min_length=1, max_length=1, pattern=r"[^\r\n]")
    """The quoting character; None = quotes are ordinary characters. A doubled one stands for itself."""
    escape: str | None = Field(default=None, min_length=1, max_length=1, pattern=r"[^\r\n]")
    """The character that takes the meaning from the next one; None = there is none."""
    encoding: str = "utf-8"
    decimal: Literal[".", ","] | None = None
    """What separates decimals in numbers and durations; None = what has one meaning only is read."""

    @model_validator(mode="after")
    def _apart(self) -> Self:
        given = [sign for sign in (self.delimiter, self.quote, self.escape) if sign is not None]
        if len(set(given)) < len(given):
            raise ValueError("delimiter, quote and escape must be three different characters")
        return self

    @field_validator("encoding")
    @classmethod
    def _known(cls, encoding: str) -> str:
        try:
            "".encode(encoding)
        except LookupError:
            raise ValueError(f"no encoding is called {encoding!r}; try utf-8 or latin-1") from None
        return encoding


def _kind_alone(value: Any) -> Any:
    return {"kind": value} if isinstance(value, str) else value


def _one_alone(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class Column(_Part):
    """One column that the mapping reads. The empty text is always absent, and so is a negative duration."""

    kind: Kind = "text"
    format: Annotated[list[str], BeforeValidator(_one_alone)] = []
    """Of dates and times; of several the one that fits is taken."""
    absent: list[str] = []
    is_true: list[str] = []
    is_false: list[str] = []

    @model_validator(mode="after")
    def _readable(self) -> Self:
        if (self.is_true or self.is_false) and self.kind != "boolean":
            raise ValueError(f"a column of kind {self.kind} takes no is_true and is_false")
        if both := set(self.true) & set(self.false):
            raise ValueError(f"{min(both)!r} cannot be both true and false")
        if not self.format:
            return self
        if self.kind not in _DEFAULT_FORMATS:
            raise ValueError(f"a column of kind {self.kind} takes no format")
        for form in map(Format, self.format):
            if self.kind != "time" and not form.has_date:
                raise ValueError(f"the format {form.text!r} does not give year, month and day")
            if self.kind != "date" and not form.has_time:
                raise ValueError(f"the format {form.text!r} does not give hour and minute")
            if self.kind != "datetime" and form.is_zoned:
                raise ValueError(f"the format {form.text!r}: only a column of kind datetime has a zone in its text")
        return self

    @property
    def formats(self) -> list[str]:
        """Of dates and times: the formats that are tried."""
        return self.format or [_DEFAULT_FORMATS[self.kind]]

    @property
    def is_zoned(self) -> bool:
        """Of a datetime: does each of its texts say its zone?"""
        return all(Format(text).is_zoned for text in self.formats)

    @property
    def true(self) -> tuple[str, ...]:
        """Casefolded texts that mean true."""
        return tuple(text.casefold() for text in self.is_true) or _TRUE

    @property
    def false(self) -> tuple[str, ...]:
        """Casefolded texts that mean false."""
        return tuple(text.casefold() for text in self.is_false) or _FALSE


class Lookup(_Part):
    """A value by the text of a column; absent where the text is not listed."""

    column: str
    values: dict[str, Scalar] = Field(min_length=1)


def _value_form(value: Any) -> str:
    return "lookup" if isinstance(value, dict | Lookup) else "constant"


Value = Annotated[
    Annotated[Lookup, Tag("lookup")] | Annotated[Scalar, Tag("constant")],
    Discriminator(_value_form),
]
"""A template such as ``"{date}-{line}"`` (absent as soon as one of its columns is), a lookup, or a constant.

A template that is one column, ``"{score}"``, has the value of its kind: a number, true or false, a duration as whole
milliseconds, a datetime as a time of the contract. Every other one is text.
"""


class Contact(_Part):
    """What every event of the row carries."""

    id: str = Field(min_length=1)
    channel: Channel
    queue: Value | None = None
    customer_id: Value | None = None
    tier: Value | None = None
    identifiers: dict[str, Value] = {}
    """Identifiers by kind (phone, email, …); absent ones are not sent."""
    join: bool = False
    """Are rows with one id the legs of one contact? Else they are kept apart."""


class Condition(_Part):
    """What one column must be for the condition to hold."""

    is_: list[str] | None = Field(default=None, alias="is", min_length=1)
    not_: list[str] | None = Field(default=None, alias="not", min_length=1)
    present: bool | None = None

    @model_validator(mode="after")
    def _one_test(self) -> Self:
        if sum(test is not None for test in (self.is_, self.not_, self.present)) != 1:
            raise ValueError("give exactly one of is, not, present")
        return self


def _texts_alone(value: Any) -> Any:
    if isinstance(value, str):
        return {"is": [value]}
    return {"is": value} if isinstance(value, list) else value


When = dict[str, Annotated[Condition, BeforeValidator(_texts_alone)]]
"""Column → condition; all must hold."""


class Moment(_Part):
    """The first of its alternatives that the row has.

    An alternative is a moment defined above, a column of kind time or datetime, or one of these ``+`` a duration. A
    time of day needs a day: ``date`` names the column that gives it, ``near`` the moment to which it is closest (so
    that a call which crosses midnight goes on the next day). ``near`` also says which of two occurrences is meant when
    a clock is set back.
    """

    first: list[str] = Field(min_length=1)
    date: str | None = None
    near: str | None = None


class EventRule(_Part):
    """One event of the row: emitted at the moment ``at`` when the condition holds."""

    type: str = Field(pattern=r"^[a-z]+\.[a-z_]+$")
    at: str
    when: When = {}
    row: Literal["first", "last", "not first", "not last", "every"] | None = None
    """Of joined rows, those that have this event; by default ``contact.initiated`` is of the first, ``contact.ended``
    of the last, and all others are of every row."""
    data: dict[str, Value] = {}


def _ms(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return value
    found = duration(str(value), 1000, ".")
    if found < 0:
        raise ValueError("must not be negative")
    return found


class Mapping(_Part):
    """A whole mapping. ``digest`` identifies its content (hex SHA-256 of the YAML text)."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=40)
    source: str = Field(min_length=1)
    time_zone: str
    skew: Annotated[int, BeforeValidator(_ms)] = 0
    """How far the clocks behind the columns of a row may disagree, ms; in the file any duration, bare ones in s."""
    file: FileFormat = FileFormat()
    columns: dict[str, Annotated[Column, BeforeValidator(_kind_alone)]] = Field(min_length=1)
    contact: Contact
    leave_out: dict[str, When] = {}
    times: dict[str, Moment] = Field(min_length=1)
    events: list[EventRule] = Field(min_length=1)
    digest: str = ""

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"no time zone is called {name!r}; use a name such as Europe/Berlin") from None
        return name
