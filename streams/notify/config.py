"""notify.yaml: targets, routes, calendars; what each may say, and how it is read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from string import Template
from typing import Annotated, Any, cast

from pydantic import Field, Strict, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from streams.alerts.matching import Matcher, matcher
from streams.base.document import DocumentError
from streams.base.units import FROM_FILES, Count, Flag, RuleName, Severity, Span, Text, reads
from streams.hours.calendars import Calendar
from streams.hours.clock import BusinessClock
from streams.notify.errors import NotifyError
from streams.notify.formats.alertmanager import Alertmanager
from streams.notify.formats.email import Email
from streams.notify.formats.pagerduty import PagerDuty
from streams.notify.formats.slack import Slack
from streams.notify.formats.teams import Teams
from streams.notify.formats.webhook import Webhook
from streams.notify.message import NAMES, TEXT, TITLE, Words, unknown_names
from streams.notify.retrying import Pace
from streams.notify.routing import Path as Route_
from streams.notify.secrets import Secret, SecretMissing
from streams.rules.source import Source

FORMATS = ("webhook", "slack", "teams", "pagerduty", "email", "alertmanager")
ALONE = ("pagerduty", "alertmanager")
"""Formats that take every step by itself: they group by their own rules."""
DEFAULT_WAIT_MS = 30_000
HIDDEN = frozenset({"url", "secret", "token", "password", "routing_key"})
"""Fields whose value no message shows."""
Format = Webhook | Slack | Teams | PagerDuty | Email | Alertmanager
Mistake = tuple[tuple[str | int, ...], str]


def _matcher(value: object) -> Matcher:
    if isinstance(value, str):
        return matcher(value)
    raise ValueError("expected a matcher such as rule=high-tier-wait or tier=~gold|platinum")


def _template(value: object) -> str:
    if not isinstance(value, str) or len(value) > 4000:
        raise ValueError("expected a text of at most 4,000 characters")
    unknown = unknown_names(value)
    if unknown is None:
        raise ValueError("a `$` stands before a name ($rule, ${rule}), or twice for the sign itself")
    if unknown:
        raise ValueError(f"there is no ${unknown[0]}; there are {', '.join(f'${name}' for name in NAMES)}")
    return value


MatcherText = Annotated[Matcher, reads(_matcher, type="string", examples=["rule=high-tier-wait"])]
TemplateText = Annotated[str, reads(_template, type="string", maxLength=4000)]


@dataclass(frozen=True, slots=True)
class Target:
    """A place where people or programs hear of alerts: one format, and how it is sent."""

    webhook: Webhook | None = None
    slack: Slack | None = None
    teams: Teams | None = None
    pagerduty: PagerDuty | None = None
    email: Email | None = None
    alertmanager: Alertmanager | None = None
    title: TemplateText = TITLE
    text: TemplateText = TEXT
    timeout: Span = 10_000
    attempts: Count = 50
    first: Span = 1000
    most: Span = 120_000
    parallel: Annotated[int, Strict(), Field(ge=1, le=32)] = 4

    __pydantic_config__ = FROM_FILES

    def __post_init__(self) -> None:
        given = [name for name in FORMATS if getattr(self, name) is not None]
        if len(given) != 1:
            named = f", not {len(given)} ({', '.join(given)})" if given else ""
            raise ValueError(f"a target has one of {', '.join(FORMATS)}{named}")

    @property
    def kind(self) -> str:
        """The name of its format."""
        return next(name for name in FORMATS if getattr(self, name) is not None)

    @property
    def format(self) -> Format:
        """Its format's options."""
        return cast(Format, getattr(self, self.kind))

    @property
    def pace(self) -> Pace:
        """How it is tried again."""
        return Pace(self.attempts, self.first, self.most)

    @property
    def words(self) -> Words:
        """Its templates."""
        return Words(Template(self.title), Template(self.text))

    def secrets(self) -> Iterator[tuple[str, Secret]]:
        """Field of the format → where its secret is."""
        for each in fields(self.format):
            found = getattr(self.format, each.name)
            if isinstance(found, Secret):
                yield each.name, found


@dataclass(frozen=True, slots=True)
class Route:
    """Which alerts go to which targets, and how."""

    targets: Annotated[tuple[Text, ...], Field(min_length=1)]
    name: RuleName | None = None
    match: tuple[MatcherText, ...] = ()
    severity: frozenset[Severity] = frozenset()
    tiers: frozenset[Text] = frozenset()
    open: Text | None = None
    """Only while this calendar is open."""
    closed: Text | None = None
    """Only while this calendar is closed."""
    group_by: tuple[Text, ...] | None = None
    group_wait: Span | None = None
    digest: Span | None = None
    goes_on: Annotated[Flag, Field(alias="continue")] = False

    __pydantic_config__ = FROM_FILES

    def __post_init__(self) -> None:
        if self.digest is not None and (self.group_by is not None or self.group_wait is not None):
            raise ValueError("a digest is one message with all of its alerts: leave group_by and group_wait out")
        if self.digest is not None and self.name is None:
            raise ValueError("a route with a digest needs a name: its place in Kafka is kept by it")
        if self.digest is not None and not 60_000 <= self.digest <= 7 * 86_400_000:
            raise ValueError("a digest is told every 1m to 7d")
        if self.group_wait is not None and self.group_wait > 3_600_000:
            raise ValueError("group_wait is at most 1h; for longer spans there are digests")


@dataclass(frozen=True, slots=True)
class NotifyFile:
    """notify.yaml."""

    targets: Annotated[dict[RuleName, Target], Field(min_length=1)]
    routes: Annotated[tuple[Route, ...], Field(min_length=1)]
    calendars: dict[RuleName, Calendar] = field(default_factory=dict)

    __pydantic_config__ = FROM_FILES

    def paths(self) -> tuple[Route_, ...]:
        """The routes, ready to judge alerts."""
        clocks = {name: BusinessClock(each.time_zone, each.day) for name, each in self.calendars.items()}
        return tuple(_path(number, each, clocks) for number, each in enumerate(self.routes))

    def digests(self) -> Iterator[tuple[str, Route]]:
        """Target and route of each digest."""
        for route in self.routes:
            if route.digest is not None:
                for target in dict.fromkeys(route.targets):
                    yield target, route

    def mistakes(self) -> Iterator[Mistake]:
        """What no part of the file can tell by itself."""
        for name, calendar in self.calendars.items():
            for path, what in calendar.mistakes():
                yield ("calendars", name, *path), what
        named: dict[str, int] = {}
        for number, route in enumerate(self.routes):
            here = ("routes", number)
            if route.name is not None and named.setdefault(route.name, number) != number:
                yield (*here, "name"), f"another route is called {route.name!r}"
            yield from (((*here, *path), what) for path, what in self._of_route(route))
        used = {target for route in self.routes for target in route.targets}
        for name in self.targets:
            if name not in used:
                yield ("targets", name), "no route leads here; name it in the targets of a route, or take it out"

    def _of_route(self, route: Route) -> Iterator[Mistake]:
        for place, target in enumerate(route.targets):
            known = self.targets.get(target)
            if known is None:
                yield ("targets", place), f"{target!r} is not one of the targets ({', '.join(sorted(self.targets))})"
            elif known.kind in ALONE and (route.group_by is not None or route.group_wait or route.digest):
                what = "takes every step by itself and groups by its own rules: give it a route without group or digest"
                yield ("targets", place), f"{target!r} ({known.kind}) {what}"
        for when in ("open", "closed"):
            calendar = getattr(route, when)
            if calendar is not None and calendar not in self.calendars:
                there = ", ".join(sorted(self.calendars)) or "none"
                yield (when,), f"{calendar!r} is not one of the calendars ({there})"


def _path(number: int, route: Route, clocks: Mapping[str, BusinessClock]) -> Route_:
    grouped = route.group_by is not None or route.group_wait is not None
    return Route_(
        name=route.name or f"{number}",
        targets=route.targets,
        match=route.match,
        severities=frozenset[str](route.severity),
        tiers=route.tiers,
        open=clocks[route.open] if route.open else None,
        closed=clocks[route.closed] if route.closed else None,
        group_by=(route.group_by or ()) if grouped else None,
        wait_ms=(route.group_wait or DEFAULT_WAIT_MS) if grouped else 0,
        digest_ms=route.digest or 0,
        goes_on=route.goes_on,
    )


class _Hidden:
    """A validation's errors; of secrets and addresses without what was given."""

    def __init__(self, error: ValidationError) -> None:
        self._error = error

    def errors(self) -> list[ErrorDetails]:
        return [
            {**each, "input": {}} if HIDDEN & {str(step) for step in each["loc"]} else each
            for each in self._error.errors()
        ]


def load(file: Path, *, secrets: bool = True) -> NotifyFile:
    """Raises `NotifyError` with a line for each mistake: file, line, name, what is wrong and what is allowed.
    ``secrets``: have them read, too."""
    source = Source(file)
    try:
        found: NotifyFile = TypeAdapter[Any](NotifyFile).validate_python(source.values())
    except DocumentError as error:
        raise NotifyError(f"{file}:{error.line}: {error.message}") from None
    except ValidationError as error:
        hidden = cast(ValidationError, _Hidden(error))
        raise NotifyError("\n".join(source.mistakes(hidden, NotifyFile))) from None
    mistakes = [source.at(path, what) for path, what in found.mistakes()]
    if secrets:
        mistakes += [source.at(path, what) for path, what in _unread(found)]
    if mistakes:
        raise NotifyError("\n".join(mistakes))
    return found


def _unread(found: NotifyFile) -> Iterator[Mistake]:
    for name, target in found.targets.items():
        for each, secret in target.secrets():
            try:
                secret.read()
            except SecretMissing as error:
                yield ("targets", name, target.kind, each), str(error)
