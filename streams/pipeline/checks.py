"""What `ingest` asks of a record beyond the contract's models: its bytes, its key, its age, the scale of a score."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from schemas import routing
from schemas.data import SCALES
from schemas.envelope import CloudEvent, from_binary, is_binary
from schemas.problems import shown
from streams.base.records import LIVE
from streams.base.times import DAY_MS, HOUR_MS, iso
from streams.customers.rules import AlertReader
from streams.engine import Record

PLANNED_DAYS = 366
"""How far after its arrival a live event may plan something: a call back, the end of a snooze, a promise."""

PLANS = {
    "contact.callback_requested": "scheduled_for",
    "alert.commanded": "until",
    "silence.set": "ends",
    "promise.made": "due",
}
"""Event type → the field of its data that plans something."""
_WHY_A_KEY = "so that events that belong together stay in order"


@dataclass(frozen=True)
class Door:
    """What a record may be to be taken in; times in ms."""

    prefix: str
    """Before the name of every topic."""
    max_bytes: int
    max_age_ms: int
    """Of a live event, when it arrives."""
    tolerance_ms: int
    """How far its time may lie ahead of its arrival."""
    csat_scale: tuple[int, int]
    """Lowest and highest score of a survey that names no scale."""
    ces_scale: tuple[int, int]
    """The same."""
    tiers: tuple[str, ...] = ()
    """Those that a profile may give a customer; none = any."""
    alerts: AlertReader = AlertReader()  # noqa: RUF009 - it never changes
    """Reads rules that are applied."""


class Rejected(Exception):
    """A record that cannot be used: reason, path of the field, what is expected."""

    def __init__(self, reason: str, path: str | None, message: str) -> None:
        super().__init__(message)
        self.reason, self.path, self.message = reason, path, message


def _another_kind(record: Record) -> str:
    """What the record says it is, where that is not JSON."""
    given = next((value for name, value in record.headers or () if name.lower() == "content-type"), b"") or b""
    kind = given.decode("utf-8", "replace")
    return f"; its content-type is {shown(kind)}, and only JSON is read" if kind and "json" not in kind.lower() else ""


def _long(ms: int) -> str:
    """A span in the unit in which it is easily read."""
    if ms < 2 * HOUR_MS:
        return f"{ms / 1000:.0f} s"
    return f"{ms / HOUR_MS:.1f} h" if ms < 2 * DAY_MS else f"{ms / DAY_MS:.0f} days"


class Checks:
    """Each raises `Rejected`."""

    def __init__(self, door: Door) -> None:
        self.prefix, self.max_bytes = door.prefix, door.max_bytes
        self.max_age_ms, self.tolerance_ms = door.max_age_ms, door.tolerance_ms
        self.homes, self.channels = routing.homes(), routing.channels()
        self.tiers, self.alerts = door.tiers, door.alerts
        self.scales = {"csat": door.csat_scale, "nps": (0, 10), "ces": door.ces_scale}

    def live(self, record: Record, event: CloudEvent[Any, Any], time: int) -> None:
        """The times of a live event, against the broker's time of arrival: so the answer is the same whenever the
        record is read.
        """
        if event.type != "alert.rules.applied":  # it counts from where it lies, whatever the clock of who sent it says
            self._age(record, time, event.type)
        if event.type in PLANS:
            self._plans(record, event)

    def decode(self, record: Record) -> dict[str, Any]:
        value = record.value
        if not value:
            raise Rejected("unreadable", None, "the record has no value; an event is a JSON object")
        if len(value) > self.max_bytes:
            raise Rejected("too-large", None, f"the event has {len(value)} bytes, at most {self.max_bytes} are taken")
        try:
            obj = orjson.loads(value)
        except orjson.JSONDecodeError as error:
            raise Rejected("unreadable", None, f"not JSON in UTF-8: {error}{_another_kind(record)}") from None
        if record.headers and is_binary(record.headers):
            obj = from_binary(record.headers, obj)
        if not isinstance(obj, dict):
            raise Rejected("wrong-type", None, "an event is a JSON object")
        return obj

    def key_of(self, record: Record, event: CloudEvent[Any, Any]) -> bytes:
        """The record's key, which must be what the contract says: duplicates and order are kept by partition."""
        topic = record.topic.removeprefix(self.prefix)
        home, field = self.homes[event.type]
        if home is None:
            home = self.channels[event.data.channel]
            if topic != home:
                raise Rejected(
                    "wrong-type",
                    "data.channel",
                    f"data.channel is {event.data.channel}, but it was published to {topic}; publish it to {home}",
                )
        elif topic != home:
            raise Rejected("wrong-type", "type", f"{event.type} belongs to {home}, not to {topic}")
        expected: str = getattr(event.data, field)
        if record.key is None:
            raise Rejected("missing-field", "key", f"the record has no key; it must be data.{field}, {_WHY_A_KEY}")
        if record.key != expected.encode():
            raise Rejected("wrong-type", "key", f"the record's key must be equal to data.{field}, {_WHY_A_KEY}")
        return record.key

    def _age(self, record: Record, time: int, kind: str) -> None:
        if time > record.timestamp + self.tolerance_ms:
            raise Rejected(
                "in-the-future",
                "time",
                f"time is {iso(time)}, {_long(time - record.timestamp)} after the arrival; "
                f"{self.tolerance_ms / 1000:.0f} s are tolerated. Is the clock set, and the zone right?",
            )
        if time < record.timestamp - self.max_age_ms:
            helps = "Old data is replayed: `contact-streams replay`"
            if kind == "customer.erased":
                helps = "What came until `time` goes: give it the time of now, whenever it was asked for"
            raise Rejected(
                "too-old",
                "time",
                f"time is {iso(time)}, {_long(record.timestamp - time)} before the arrival; at most "
                f"{self.max_age_ms / HOUR_MS:g} h are taken. {helps}",
            )

    def _plans(self, record: Record, event: CloudEvent[Any, Any]) -> None:
        """Times that lie in the future by their nature."""
        field = PLANS[event.type]
        planned: datetime | None = getattr(event.data, field)
        if planned is not None and planned.timestamp() * 1000 > record.timestamp + PLANNED_DAYS * DAY_MS:
            raise Rejected(
                "in-the-future",
                f"data.{field}",
                f"data.{field} lies more than {PLANNED_DAYS} days after the arrival. Is the year right?",
            )

    def by_rules(self, event: CloudEvent[Any, Any]) -> None:
        """What is true or not by the rules of this deployment."""
        if event.type == "feedback.given":
            self.scale(event.data)
        elif event.type == "customer.profile_changed":
            self.tier(event.data)
        elif event.type == "alert.rules.applied":
            self.alert_rules(event)

    def alert_rules(self, event: CloudEvent[Any, Any]) -> None:
        """They hold for all lines, fit the other rules, and are those that the version names."""
        if event.line != LIVE:
            raise Rejected("wrong-type", "replayid", "rules are applied to every line; leave replayid out")
        if (problem := self.alerts.problem(event.data.rules)) is not None:
            path = ".".join(map(str, ("data.rules", *problem.path)))
            raise Rejected("wrong-type", path, problem.what)
        version = self.alerts.version(event.data.rules)
        if version != event.data.version:
            raise Rejected(
                "wrong-type",
                "data.version",
                f"data.version is {event.data.version}, and by the tiers of these workers the rules are {version}; "
                "apply them with the program and the rules folder of the workers",
            )

    def tier(self, data: Any) -> None:
        """The tier that a profile gives is one of the rules, and it is not given and withdrawn at once."""
        if data.tier is not None and data.tier_withdrawn:
            raise Rejected(
                "wrong-type",
                "data.tier_withdrawn",
                "data.tier_withdrawn must not be true where data.tier gives one; send two events",
            )
        if data.tier is not None and self.tiers and data.tier not in self.tiers:
            raise Rejected("wrong-type", "data.tier", f"data.tier must be a tier of the rules: {', '.join(self.tiers)}")

    def scale(self, data: Any) -> None:
        """The score lies on its scale: the one that is given, else that of its metric."""
        if data.scale is None:
            (low, high), whose = self.scales[data.metric], data.metric
        else:
            (low, high), whose = SCALES[data.scale], data.scale
        if data.metric == "nps" and (low, high) != self.scales["nps"]:
            raise Rejected("wrong-type", "data.scale", "data.scale must be 0-10: an NPS has no other scale")
        if not low <= data.score <= high:
            raise Rejected("wrong-type", "data.score", f"data.score must lie on the scale of {whose}, {low} to {high}")
        if data.scale == "good-bad" and data.score not in (0, 1):
            raise Rejected("wrong-type", "data.score", "data.score must be 1 (good) or 0 (bad) on the scale good-bad")
