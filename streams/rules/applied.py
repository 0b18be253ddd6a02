"""Alert rules that are applied while workers run, held against the other rules as those of a file are."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from hashlib import blake2b
from typing import Any, NamedTuple

import orjson
from pydantic import TypeAdapter, ValidationError

from schemas.events import check
from streams.alerts.reading import Problem
from streams.alerts.rules import AlertsFile
from streams.base.times import iso, to_ms
from streams.customers.rules import AlertReader
from streams.rules import alerts, files
from streams.rules.files import Files
from streams.rules.source import say

FILE = "alerts.yaml"
_READ = TypeAdapter(AlertsFile)


class AppliedReader(AlertReader):
    """Beside ``beside``; ``policies``: the names of those there are."""

    def __init__(self, beside: Files, policies: Collection[str]) -> None:
        high = frozenset(name for name, tier in beside.tiers.tiers.items() if tier.high)
        super().__init__(beside.hours, high)
        self.beside, self.policies = beside, policies

    def problem(self, given: Mapping[str, Any]) -> Problem | None:
        try:
            read = _READ.validate_python(given)
        except ValidationError as error:
            first = error.errors()[0]
            return Problem(tuple(step for step in first["loc"] if step != "[key]"), say(first, ()))
        every = replace(self.beside, alerts=read)
        found = alerts.mistakes(every, given, self.policies)
        own = (Problem(path, what) for name, path, what in files.mistakes(every) if name == "alerts")
        return next(found, None) or next(own, None)


class Applied(NamedTuple):
    """What was applied; ``time`` in ms."""

    number: int
    version: str
    rules: Mapping[str, Any]
    by: str
    reason: str
    time: int

    @property
    def words(self) -> str:
        return f"version {self.version}, number {self.number}, applied by {self.by}"


class InForce:
    """What was applied last, as workers take it: what they refuse is passed by, and what is in force already."""

    def __init__(self, reader: AlertReader) -> None:
        self._reader = reader
        self.last: Applied | None = None
        """None = nothing was: workers go by the files that they were started with."""

    def take(self, value: bytes | None) -> None:
        """A record of ``alert.rules``."""
        try:
            event = orjson.loads(value or b"")
        except orjson.JSONDecodeError:
            return
        if check(event) is not None or event["type"] != "alert.rules.applied" or event.get("replayid"):
            return
        data, known = event["data"], self.last
        one = Applied(data["number"], data["version"], data["rules"], data["by"], data["reason"], to_ms(event["time"]))
        if known is not None and (one.version == known.version or one.number <= known.number):
            return
        if self._reader.problem(one.rules) is None:
            self.last = one


class Wanted(NamedTuple):
    """Rules that somebody wants to apply; ``time`` in ms."""

    version: str
    rules: Mapping[str, Any]
    by: str
    reason: str
    time: int


def event_of(wanted: Wanted, number: int) -> dict[str, Any]:
    """As an event of the contract; ``number``: greater than that of what was applied before."""
    mark = blake2b(f"{wanted.by}\x1f{wanted.time}".encode(), digest_size=4).hexdigest()
    return {
        "specversion": "1.0",
        "id": f"rules-{number}-{wanted.version}-{mark}",
        "source": "/contact-streams/rules",
        "type": "alert.rules.applied",
        "time": iso(wanted.time),
        "data": {
            "file": FILE,
            "number": number,
            "version": wanted.version,
            "rules": dict(wanted.rules),
            "by": wanted.by,
            "reason": wanted.reason,
        },
    }
