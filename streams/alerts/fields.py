"""What rules may look at: every field of every subject, with its unit, its parameters, a sentence and an example.

What a field's values are, over time, is found where the subject is known; a field without that has no value, and no
comparison with it holds. To add one: a line here, and its signal there.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from streams.alerts.signals import Param
from streams.base.times import DAY_MS, HOUR_MS, MINUTE_MS
from streams.base.units import as_written

Subject = Literal["contact", "customer", "journey", "queue", "kpi", "connector", "system"]
SUBJECTS: tuple[Subject, ...] = get_args(Subject)
Type = Literal["duration", "count", "ratio", "score", "rate", "number", "word", "flag"]
"""number: in the unit of what it is of, as a KPI's value; score: between two ends of its own."""

UNIT_NAMES: Mapping[Type, str] = {"number": "that of the KPI", "word": "a word", "flag": "true or false"}
"""Of what has no unit of its own."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """What one may say about how a field is worked out."""

    name: str
    type: Type
    default: Param
    """In ms where it is a duration."""
    about: str
    least: float = 0
    most: float | None = None

    @property
    def written(self) -> Param:
        """The default, as a file has it."""
        return as_written(int(self.default)) if self.type == "duration" else self.default


@dataclass(frozen=True, slots=True)
class Field:
    """One field of one subject."""

    name: str
    type: Type
    about: str
    example: str
    """A test of it, as YAML."""
    parameters: tuple[Parameter, ...] = ()
    grows: bool = False
    """By a millisecond each millisecond: it crosses a bound with no further event."""
    unit: str = ""
    """Of values and bounds; empty for words and flags, and where what it is of decides."""
    least: float | None = 0
    most: float | None = None

    @property
    def defaults(self) -> dict[str, Param]:
        return {each.name: each.default for each in self.parameters}

    def parameter(self, name: str) -> Parameter | None:
        return next((each for each in self.parameters if each.name == name), None)


@dataclass(frozen=True, slots=True)
class Attribute:
    """What a subject has beside its fields: its scope, thresholds and conditions may go by it."""

    name: str
    plural: str
    """How the scope of a rule says it: a list of them."""
    about: str
    example: str


ATTRIBUTES = (
    Attribute("tier", "tiers", "The customer's tier, of tiers.yaml.", "[gold, platinum]"),
    Attribute("service_type", "service_types", "What the customer expects of service, of services.yaml.", "[value]"),
    Attribute("policy", "policies", "The policy by which customers are served.", "[tiered]"),
    Attribute("channel", "channels", "The channel.", "[voice, chat]"),
    Attribute("queue", "queues", "The queue; of a contact, the last it was in.", "[cards]"),
    Attribute("kpi", "kpis", "The KPI by its name in the catalogue, /variant behind it where it has one.", "[csat]"),
    Attribute("source", "sources", "The connector, as its events name it.", "[/telephony]"),
)
ATTRIBUTE_NAMES = frozenset(each.name for each in ATTRIBUTES)
BY_PLURAL = {each.plural: each for each in ATTRIBUTES}
_PERSON = ("tier", "service_type", "policy")
SCOPES: Mapping[Subject, tuple[str, ...]] = {
    "contact": (*_PERSON, "channel", "queue"),
    "customer": _PERSON,
    "journey": _PERSON,
    "queue": ("policy", "channel", "queue"),
    "kpi": ("tier", "policy", "channel", "queue", "kpi"),
    "connector": ("channel", "source"),
    "system": (),
}
"""Subject → its attributes."""


def _duration(name: str, about: str, example: str, *parameters: Parameter, grows: bool = True) -> Field:
    return Field(name, "duration", about, example, parameters, grows, "ms")


def _count(name: str, about: str, example: str, *parameters: Parameter) -> Field:
    return Field(name, "count", about, example, parameters, unit="count")


def _score(name: str, about: str, example: str, *parameters: Parameter, ends: tuple[float, float] = (-1, 1)) -> Field:
    return Field(name, "score", about, example, parameters, unit="sentiment", least=ends[0], most=ends[1])


def _flag(name: str, about: str) -> Field:
    return Field(name, "flag", about, f"{name}: true")


_HALF_LIFE = Parameter("half_life", "duration", 30 * MINUTE_MS, "A message counts half as much after so long.", 1)
_MIN_MESSAGES = Parameter("min_messages", "count", 3, "With fewer scored messages there is no value.", 1, 50)
_QUIET_AFTER = Parameter(
    "quiet_after", "duration", 2 * HOUR_MS, "Without a message for so long it begins anew, and has no value.", 1
)
_WINDOW = Parameter(
    "window",
    "duration",
    HOUR_MS,
    "Of which window of kpis.yaml, by its length; the day is 24h, the week 7d, the month 30d.",
    1,
)
_MIN_CASES = Parameter(
    "min_cases", "count", 20, "A reading of fewer cases is no value; numbers of things have none.", 1
)
_BY = Parameter("by", "word", "", "A group of kpis.yaml, such as channel+agent_group; left out: as the window is.")

_CONTACT = (
    _duration(
        "waiting", "How long the customer has been in the queue in which the contact waits.", "waiting: {above: 120s}"
    ),
    _duration(
        "first_response",
        "How long the customer has waited for the first word of a human, since they wrote, or were queued to speak.",
        "first_response: {above: 4h}",
    ),
    _duration(
        "next_response",
        "How long the oldest message of the customer has been unanswered by a human.",
        "next_response: {above: 8h}",
    ),
    _duration(
        "promise_overdue",
        "How long a call-back that was promised in the contact is past its time, and not kept.",
        "promise_overdue: {above: 15m}",
    ),
    _count("transfers", "How often the contact was handed on.", "transfers: {at_or_above: 3}"),
    _count(
        "ping_pong", "How often it came back to a queue or an agent it had been with.", "ping_pong: {at_or_above: 2}"
    ),
)
_CUSTOMER = (
    _score(
        "sentiment",
        "The mean of what the customer writes over all contacts, each message worth less as time goes by.",
        "sentiment: {at_or_below: -0.45, clear_at_or_above: -0.2}",
        _HALF_LIFE,
        _MIN_MESSAGES,
        _QUIET_AFTER,
    ),
    _count(
        "sentiment_streak",
        "How many of the customer's latest scored messages in a row are at or below a score.",
        "sentiment_streak: {at_or_above: 3, score: -0.3}",
        Parameter("score", "score", -0.3, "A message up to this score counts.", -1, 1),
        _QUIET_AFTER,
    ),
    _score(
        "sentiment_drop",
        "How far the mean of the latest messages is below the customer's own usual mean.",
        "sentiment_drop: {at_or_above: 0.6}",
        _HALF_LIFE,
        _MIN_MESSAGES,
        _QUIET_AFTER,
        Parameter("usual_half_life", "duration", 30 * DAY_MS, "The half-life of the usual mean.", 1),
        Parameter("usual_messages", "count", 10, "With fewer messages nothing is usual.", 1),
        ends=(0, 2),
    ),
    _count(
        "repeats",
        "How many contacts came about a need that an earlier contact had ended with.",
        "repeats: {at_or_above: 2}",
        Parameter("within", "duration", 7 * DAY_MS, "So long after the earlier contact.", 1),
    ),
    _duration("waiting", "How long the customer has been in a queue; the longest of several.", "waiting: {above: 60s}"),
    _duration(
        "unanswered",
        "How long the oldest message of the customer has been unanswered, over all contacts.",
        "unanswered: {above: 1h}",
    ),
    _duration("quiet", "How long nothing has come from the customer.", "quiet: {above: 60d}"),
    Field(
        "silence",
        "word",
        "While the customer is quiet by tracking.yaml, how the last contact had left them: good, bad or unknown.",
        "silence: bad",
    ),
    _count("open_contacts", "How many of the customer's contacts go on.", "open_contacts: {at_or_above: 3}"),
)
_JOURNEY = (
    _duration("age", "How long the journey has been open.", "age: {above: 7d}"),
    _count("contacts", "How many contacts the journey has.", "contacts: {at_or_above: 5}"),
    _count("channels", "How many channels the journey has used.", "channels: {at_or_above: 3}"),
    _count("transfers", "How often its contacts were handed on.", "transfers: {at_or_above: 4}"),
    _count("repeats", "How many of its contacts began after an earlier one was over.", "repeats: {at_or_above: 2}"),
    _count("reopens", "How often it was taken up again after it had been solved.", "reopens: {at_or_above: 1}"),
    _score("sentiment", "The mean of what the customer wrote in it.", "sentiment: {at_or_below: -0.4}"),
    Field("state", "word", "How it stands, as in the topic journeys.", "state: waiting_for_us"),
)
_QUEUE = (
    _count("waiting", "How many customers wait.", "waiting: {above: 20}"),
    _duration("longest_wait", "How long the customer at the front has waited.", "longest_wait: {above: 5m}"),
    _duration(
        "expected_wait",
        "How long a customer who comes now will wait, by those who wait and the pace of answers, each minute in which "
        "somebody waits. As long as nobody is answered any more, what was known last.",
        "expected_wait: {above: 3m, clear_below: 2m}",
        grows=False,
    ),
)
_KPI = (
    Field(
        "value",
        "number",
        "The latest reading of the KPI, in its unit: durations, shares from 0 to 1, counts.",
        "value: {below: 0.7, min_cases: 20}",
        (_WINDOW, _MIN_CASES, _BY),
        least=None,
    ),
    Field(
        "anomaly",
        "rate",
        "How often a year a reading as far from what is usual in the same hour of the week comes by chance: the rate "
        "of false alarms. None on holidays, and while little is known.",
        "anomaly: {at_or_below: 1, direction: down}",
        (
            _WINDOW,
            _MIN_CASES,
            _BY,
            Parameter("weeks", "count", 8, "The last so many weeks say what is usual.", 4, 16),
            Parameter("min_weeks", "count", 4, "With fewer there is no value.", 3, 16),
            Parameter("direction", "word", "both", "up, down or both: which side of the usual counts."),
        ),
        unit="per_year",
    ),
)
_CONNECTOR = (
    _duration(
        "silence",
        "How long no event has come of the connector.",
        "silence: {above: 10m}",
    ),
    _duration(
        "unusual_silence",
        "How much longer no event has come of the connector than is usual in this hour of the week; without a value "
        "where there is not always something.",
        "unusual_silence: {above: 0s}",
        Parameter("weeks", "count", 8, "The last so many weeks say what is usual.", 3, 16),
        Parameter("min_weeks", "count", 4, "With fewer there is no value.", 3, 16),
        Parameter("factor", "number", 2.0, "Usual is so many times the longest silence of these weeks.", 1, 20),
        Parameter("at_least", "duration", 5 * MINUTE_MS, "And at least so long.", 1),
    ),
    Field(
        "dead_letters",
        "rate",
        "How many of its events are refused, a minute.",
        "dead_letters: {above: 5}",
        (Parameter("window", "duration", 5 * MINUTE_MS, "On average over so many minutes.", MINUTE_MS, HOUR_MS),),
        unit="per_minute",
    ),
)
_SYSTEM = (_flag("watchdog", "Always true: who does not hear this alert hears none."),)


def _of(subject: Subject, fields: Iterable[Field]) -> dict[str, Field]:
    own = {each.name: each for each in fields}
    for each in ATTRIBUTES:
        if each.name in SCOPES[subject] and each.name not in own:
            own[each.name] = Field(each.name, "word", each.about, f"{each.name}: {each.example}")
    return own


FIELDS: Mapping[Subject, Mapping[str, Field]] = {
    "contact": _of("contact", _CONTACT),
    "customer": _of("customer", _CUSTOMER),
    "journey": _of("journey", _JOURNEY),
    "queue": _of("queue", _QUEUE),
    "kpi": _of("kpi", _KPI),
    "connector": _of("connector", _CONNECTOR),
    "system": _of("system", _SYSTEM),
}
"""Subject → name → field."""
