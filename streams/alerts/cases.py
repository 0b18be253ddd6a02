"""Cases beside the rules: what happens, and which steps alerts take then; what ``alerts.cases.yaml`` says, as values.

Moments are durations since the case begins. An event is written short: what is no key of `Happening` is a field of its
data. It is held against the contract here; what comes of it is found out by `streams.inspect.cases`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Annotated, Any, get_args

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from schemas.alerts import Alert, AlertSubject
from schemas.events import check
from schemas.routing import route
from streams.alerts.reading import Problem, meant
from streams.base.times import iso, to_ms
from streams.base.units import FROM_FILES, Count, Duration, Flag, RuleName, Span, Text, milliseconds

BEGINS = "2026-03-02T09:00:00Z"
"""When a case begins that does not say it: a Monday."""
SOURCE = "/cases"
AFTER_MS = 60_000
"""A case that does not say ``until`` goes on for so long after the last that is written down."""
MOST_EVENTS = 20_000
EARLY_MS, LATE_MS = 5_000, 15_000
"""A step comes when stream time gets there, which is told every few seconds: it is on time within these bounds."""
WITHIN_MS = 1000
"""A moment or a duration is as it was said if it is so little more."""
_LATER = re.compile(r"\+(\d{1,9}(?:ms|s|m|h|d))")
_NUMBER = "{n}"


@dataclass(frozen=True, slots=True)
class Happening:
    """One event, or several alike: ``{n}`` in a text is 1, 2, … then."""

    at: Duration
    type: Text
    source: Text = SOURCE
    times: Annotated[Count, Field(le=MOST_EVENTS)] = 1
    every: Span = 1000
    """So long after each other."""
    alert: RuleName | None = None
    """Of a command: for the alert that this rule told last; its ``alert_id`` is filled in."""
    refused: Flag = False
    """It is meant: the contract refuses it."""
    data: dict[str, Any] = field(default_factory=dict)

    __pydantic_config__ = FROM_FILES

    @property
    def last(self) -> int:
        """When the last of them happens."""
        return self.at + (self.times - 1) * self.every

    def events(self, begins: int, number: int) -> Iterator[tuple[int, dict[str, Any]]]:
        """(when, ms; as the contract has it) of each; ``number``: its place among those of the case."""
        for n in range(1, self.times + 1):
            at = begins + self.at + (n - 1) * self.every
            yield (
                at,
                {
                    "specversion": "1.0",
                    "id": f"event-{number}-{n}",
                    "source": self.source,
                    "type": self.type,
                    "time": iso(at),
                    "data": _filled(self.data, begins, str(n)),
                },
            )


def _filled(value: Any, begins: int, number: str) -> Any:
    """``{n}`` and moments (``+15m``) in a value."""
    if isinstance(value, dict):
        return {key: _filled(each, begins, number) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, begins, number) for each in value]
    if not isinstance(value, str):
        return iso(round(value.timestamp() * 1000)) if isinstance(value, datetime) else value
    if found := _LATER.fullmatch(value):
        return iso(begins + milliseconds(found[1]))
    return value.replace(_NUMBER, number)


_OF_STEP = ("before", "because", "by", "note", "notify")
_OF_SUBJECT = tuple(AlertSubject.model_fields)
_LEFT_OUT = ("subject", "line", "event_ids", "fingerprint", "episode_id", "rule_version", "revision")
_OF_ALERT = tuple(name for name in Alert.model_fields if name not in (*_OF_STEP, *_LEFT_OUT))
_TIMES = ("since", "fired_at", "resolved_at", "acknowledged_at")
_WORDS = {name: get_args(Alert.model_fields[name].annotation) for name in ("state", "severity")}
SAYS = (*_OF_ALERT, *_OF_STEP, *_OF_SUBJECT)
"""What a step may be held against, besides ``at``."""


@dataclass(frozen=True, slots=True)
class Expected:
    """One step of an alert. ``says``: of the step, the alert or its subject, by their names on alert.events."""

    at: Duration
    within: Duration = LATE_MS
    """How much later stream time may be, or earlier by as much as `EARLY_MS`."""
    says: dict[str, Any] = field(default_factory=dict)

    __pydantic_config__ = FROM_FILES

    def differences(self, came: Mapping[str, Any], begins: int) -> list[str]:
        """Where a step of alert.events is otherwise."""
        late = to_ms(came["at"]) - begins - self.at
        found = [] if -EARLY_MS <= late <= self.within else ["at"]
        for name, wanted in self.says.items():
            alert = came["alert"]
            where = came if name in _OF_STEP else alert["subject"] if name in _OF_SUBJECT else alert
            if not _same(where[name], wanted, alert["unit"], begins if name in _TIMES else None):
                found.append(name)
        return found


def _same(came: Any, wanted: Any, unit: str, begins: int | None) -> bool:
    """``begins``: of a moment."""
    if came is None or wanted is None or isinstance(came, bool):
        return bool(came == wanted)
    if begins is not None:
        return 0 <= to_ms(came) - begins - milliseconds(wanted) < WITHIN_MS
    if unit == "ms" and isinstance(came, int | float) and isinstance(wanted, str):
        return bool(0 <= came - milliseconds(wanted) < WITHIN_MS)
    if isinstance(came, int | float) and isinstance(wanted, int | float):
        return abs(came - wanted) < 0.0005
    return bool(came == wanted)


def _short(of: type[Any], rest: str) -> Any:
    """A mapping whose keys that are no fields go into the field ``rest``."""
    own = [each.name for each in fields(of)]

    def read(given: object) -> object:
        if not isinstance(given, dict):
            return given
        more = {key: value for key, value in given.items() if key not in own}
        said = given.get(rest, {})
        kept = {key: value for key, value in given.items() if key in own}
        return kept | {rest: said | more} if isinstance(said, dict) else kept

    return BeforeValidator(read)


def _known(step: Expected) -> Expected:
    for name, value in step.says.items():
        if name not in SAYS:
            raise ValueError(f"a step says no {name!r}; it says {', '.join(sorted(SAYS))}{meant(name, SAYS)}")
        if name in _TIMES and value is not None:
            milliseconds(value)
        if name in _WORDS and value not in _WORDS[name]:
            words = _WORDS[name]
            raise ValueError(f"{name} is one of {', '.join(words)}, not {value!r}{meant(value, words)}")
    return step


_ANY = {"type": "object", "required": ["at"]}


@dataclass(frozen=True, slots=True)
class Case:
    """What happens, and what comes of it: every step of the rules in question, and no other."""

    name: Text
    events: Annotated[
        tuple[
            Annotated[Happening, _short(Happening, "data"), WithJsonSchema(_ANY | {"required": ["at", "type"]})],
            ...,
        ],
        Field(min_length=1),
    ]
    transitions: tuple[
        Annotated[Expected, _short(Expected, "says"), AfterValidator(_known), WithJsonSchema(_ANY)], ...
    ] = ()
    rules: tuple[RuleName, ...] = ()
    """Those in force, be they enabled or not; left out: all that are enabled."""
    begins: Annotated[str | datetime, WithJsonSchema({"type": "string", "format": "date-time"})] = BEGINS
    until: Span | None = None

    __pydantic_config__ = FROM_FILES

    @property
    def start(self) -> int:
        """ms. Raises ``ValueError``."""
        return to_ms(self.begins if isinstance(self.begins, str) else self.begins.isoformat())

    @property
    def end(self) -> int:
        """Stream time at which it is over, ms."""
        last = max((each.last for each in self.events), default=0)
        told = max((each.at for each in self.transitions), default=0)
        return self.start + (self.until or max(last, told) + AFTER_MS)

    def happens(self) -> list[tuple[int, Happening, dict[str, Any]]]:
        """Every event, in their order."""
        found = [
            (at, each, event)
            for number, each in enumerate(self.events, 1)
            for at, event in each.events(self.start, number)
        ]
        return sorted(found, key=lambda one: one[0])


@dataclass(frozen=True, slots=True)
class CasesFile:
    """``alerts.cases.yaml``."""

    cases: Annotated[tuple[Case, ...], Field(min_length=1)]

    __pydantic_config__ = FROM_FILES


def mistakes(file: CasesFile, rules: Mapping[str, Any]) -> Iterator[Problem]:
    """What cases may not say beside the rules (by their names), and events that the contract does not take."""
    names = [case.name for case in file.cases]
    for number, case in enumerate(file.cases):
        here = ("cases", number)
        if names.index(case.name) != number:
            yield Problem((*here, "name"), f"another case is called {case.name!r}")
        for place, name in enumerate(case.rules):
            if name not in rules:
                yield Problem((*here, "rules", place), f"there is no rule {name!r}{meant(name, rules)}")
        try:
            start = case.start
        except ValueError:
            yield Problem((*here, "begins"), f"expected a date-time such as {BEGINS}, not {case.begins!r}")
            continue
        if sum(each.times for each in case.events) > MOST_EVENTS:
            yield Problem((*here, "events"), f"a case has at most {MOST_EVENTS} events")
            continue
        for place, each in enumerate(case.events):
            if what := _refused(each, start, place):
                yield Problem((*here, "events", place), what)


def _near(path: str, data: Mapping[str, Any]) -> str:
    """What is missing may be there under a name that is nearly its own."""
    name = path.rpartition(".")[2]
    found = "" if name in data else meant(name, data)
    return f" ({found.removeprefix('; did you mean ').removesuffix('?')} is no field of it)" if found else ""


def _refused(happening: Happening, start: int, number: int) -> str | None:
    _, event = next(happening.events(start, number))
    if happening.alert is not None:
        event["data"].setdefault("alert_id", "of-the-rule")
    problem = check(event)
    if problem is not None:
        return None if happening.refused else problem.message + _near(problem.path or "", happening.data)
    try:
        route(event)
    except ValueError as error:
        return str(error)
    return None
