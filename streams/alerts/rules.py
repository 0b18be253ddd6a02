"""Alert rules as data: what ``alerts.yaml`` says, as values.

A rule says of which subjects, when it holds, and what becomes of it then. What is said of a condition is read by
`streams.alerts.reading`; what one rule may not say beside the others, by `streams.alerts.mistakes`.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import cached_property
from hashlib import blake2b
from typing import Annotated, Any

from pydantic import (
    Field,
    GetPydanticSchema,
    PlainValidator,
    Strict,
    ValidationError,
    WithJsonSchema,
    WrapValidator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError, core_schema

from streams.alerts.conditions import Condition, Equality
from streams.alerts.fields import BY_PLURAL, SCOPES, SUBJECTS, Subject
from streams.alerts.handling import EscalationStep, Handling, Handlings, Inhibition
from streams.alerts.matching import MATCHER, Matcher, matcher
from streams.alerts.reading import Problem, condition, meant
from streams.base.units import (
    FROM_FILES,
    LABEL,
    LINK,
    ChannelName,
    Count,
    Duration,
    Flag,
    RuleName,
    Severity,
    Span,
    Text,
    TierName,
    as_written,
    reads,
)

HIGH = "high"
"""In place of a list of tiers: those that tiers.yaml calls high."""
HIGH_TIERS = frozenset({f"*{HIGH}"})
_NOTHING = Equality("", (), "", frozenset())
"""In place of a condition with mistakes, while the rest of the rule is read."""


def _tiers(given: object) -> object:
    return HIGH_TIERS if given == HIGH else given


_WORDS = {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1, "uniqueItems": True}
Words = Annotated[frozenset[Text], Field(min_length=1)]
Tiers = Annotated[frozenset[TierName], reads(_tiers, anyOf=[{"const": HIGH}, _WORDS]), Field(min_length=1)]
Label = Annotated[str, Strict(), Field(pattern=LABEL)]
Link = Annotated[str, Strict(), Field(pattern=LINK, max_length=500)]
When = Annotated[
    Condition, GetPydanticSchema(lambda _, __: core_schema.any_schema()), WithJsonSchema({"type": "object"})
]
Matching = Annotated[
    Matcher,
    PlainValidator(
        matcher, json_schema_input_type=Annotated[Any, WithJsonSchema({"type": "string", "pattern": MATCHER})]
    ),
]


@dataclass(frozen=True, slots=True)
class Step:
    """What becomes of an alert that nobody has acknowledged so long after it fired."""

    after_ms: Annotated[Span, Field(alias="after")]
    severity: Severity | None = None
    """Left out: as before."""
    labels: dict[Label, Text] = field(default_factory=dict)
    """Labels that it gets, for routing."""

    __pydantic_config__ = FROM_FILES


@dataclass(frozen=True, slots=True)
class AlertRule:
    """One rule. The scope (tiers, queues, ...) is needed for it to begin, and not for it to go on."""

    name: RuleName
    subject: Subject
    """What it is about."""
    when: When
    """The condition: fields with their tests, or all, any, not; see `contact-streams rules fields`."""
    severity: Severity = "warning"
    enabled: Flag = True
    tiers: Tiers = frozenset()
    """A list, or high: those that tiers.yaml calls high. Left out: of any tier, or of none."""
    service_types: Words = frozenset()
    policies: Words = frozenset()
    channels: Annotated[frozenset[ChannelName], Field(min_length=1)] = frozenset()
    queues: Words = frozenset()
    kpis: Words = frozenset()
    """By their names in the catalogue, with /variant where they have one."""
    sources: Words = frozenset()
    """Connectors, as their events name them."""
    for_ms: Annotated[Duration, Field(alias="for")] = 0
    """How long it must hold before it fires."""
    keep_firing_ms: Annotated[Duration, Field(alias="keep_firing_for")] = 0
    """How long an alert stays that does not hold any more; if it holds again, it is the same one."""
    hours: Text | None = None
    """business: durations count, and it begins, only while the queue is open; or a calendar of hours.yaml."""
    owner: Text | None = None
    """Who looks after the rule."""
    runbook: Link | None = None
    """What to do: a link."""
    labels: dict[Label, Text] = field(default_factory=dict)
    """For routing."""
    per_minute: Count | None = None
    """Most that fire in a minute."""
    expires_ms: Annotated[Span | None, Field(alias="expires")] = None
    """After so long it is told no more."""
    escalation: tuple[Step, ...] = ()
    for_everybody: Flag = False
    """It is meant: a condition that always holds, without a scope, or that a backtest finds to hold for too many."""

    __pydantic_config__ = FROM_FILES

    @property
    def scope(self) -> dict[str, frozenset[str]]:
        """Attribute → the words of which it must be one; what may be any is left out."""
        return {each.name: words for plural, each in BY_PLURAL.items() if (words := getattr(self, plural))}

    def handling(self) -> Handling:
        """What the machine has to know of it."""
        steps = tuple(EscalationStep(each.after_ms, each.severity, each.labels) for each in self.escalation)
        return Handling(
            self.name,
            self.severity,
            self.for_ms,
            self.keep_firing_ms,
            self.expires_ms,
            self.per_minute,
            steps,
            self.owner,
            self.runbook,
            self.labels,
        )


def _read(given: object, handler: Any) -> AlertRule:
    """A rule, with the mistakes of its condition among its others."""
    if not isinstance(given, dict):
        return _as_rule(handler(given))
    values, problems = {str(key): value for key, value in given.items()}, list[Problem]()
    subject: Any = values.get("subject")
    if isinstance(subject, str) and subject not in SUBJECTS:
        what = f"{subject!r} is no subject; there are {', '.join(SUBJECTS)}{meant(subject, SUBJECTS)}"
        problems.append(Problem(("subject",), what))
        values["subject"] = "contact"
    elif isinstance(subject, str):
        problems += _of_scope(subject, values)
        if "when" in values:
            values["when"], found = condition(subject, values["when"])  # type: ignore[arg-type]
            problems += found
    if problems and "when" in values:
        values["when"] = _NOTHING
    errors = [_detail(problem) for problem in problems]
    try:
        rule = _as_rule(handler(values))
        errors += [_detail(problem) for problem in _beside(rule)]
    except ValidationError as error:
        errors += error.errors()  # type: ignore[arg-type]
        raise ValidationError.from_exception_data("rule", errors) from None
    if errors:
        raise ValidationError.from_exception_data("rule", errors)
    return rule


def _as_rule(found: Any) -> AlertRule:
    rule: AlertRule = found
    return rule


def _detail(problem: Problem) -> InitErrorDetails:
    """As pydantic has it; the input is in the words already."""
    return {"type": PydanticCustomError("rule", "{what}", {"what": problem.what}), "loc": problem.path, "input": {}}


def _of_scope(subject: Any, values: Mapping[str, object]) -> Iterator[Problem]:
    known = SCOPES[subject]
    for plural, attribute in BY_PLURAL.items():
        if plural in values and attribute.name not in known:
            plurals = [each for each, its in BY_PLURAL.items() if its.name in known]
            there = f"its scope may say {', '.join(plurals)}" if plurals else "it has no scope"
            yield Problem((plural,), f"{subject} has no {attribute.name}; {there}")


def _beside(rule: AlertRule) -> Iterator[Problem]:
    """What its fields may not say beside each other."""
    if rule.expires_ms is not None and rule.for_ms >= rule.expires_ms:
        expires, least = as_written(rule.expires_ms), as_written(rule.for_ms)
        yield Problem(("expires",), f"must be longer than for ({least}), or it never fires, not {expires}")
    last = 0
    for number, step in enumerate(rule.escalation):
        if step.after_ms <= last:
            yield Problem(
                ("escalation", number, "after"),
                f"must be later than the step before ({as_written(last)}), not {as_written(step.after_ms)}",
            )
        if rule.expires_ms is not None and step.after_ms >= rule.expires_ms:
            yield Problem(("escalation", number, "after"), f"comes after it expires ({as_written(rule.expires_ms)})")
        if step.severity is None and not step.labels:
            yield Problem(("escalation", number), "changes nothing; say a severity or labels")
        last = step.after_ms


@dataclass(frozen=True, slots=True)
class InhibitionRule:
    """While an alert of source fires, those of target that are equal to it in these attributes are suppressed."""

    source: Annotated[tuple[Matching, ...], Field(min_length=1)]
    target: Annotated[tuple[Matching, ...], Field(min_length=1)]
    equal: tuple[Text, ...] = ()

    __pydantic_config__ = FROM_FILES


@dataclass(frozen=True)
class AlertsFile:
    """``alerts.yaml``."""

    rules: tuple[Annotated[AlertRule, WrapValidator(_read)], ...] = ()
    inhibitions: tuple[InhibitionRule, ...] = ()

    __pydantic_config__ = FROM_FILES

    @model_validator(mode="before")
    @classmethod
    def _of_before(cls, given: Any) -> Any:
        """How the format of before is written now."""
        values = given.kwargs if hasattr(given, "kwargs") else given
        errors = [
            _detail(Problem((old,), f"is the format of before; write {new}"))
            for old, new in _MOVED.items()
            if isinstance(values, dict) and old in values
        ]
        if errors:
            raise ValidationError.from_exception_data("alerts", errors)
        return given

    def watching(self, high: Collection[str]) -> "AlertsFile":
        """The same, where rules for tiers that are high watch these."""
        tiers = frozenset(high)
        rules = tuple(replace(each, tiers=tiers) if each.tiers == HIGH_TIERS else each for each in self.rules)
        return replace(self, rules=rules)

    @property
    def enabled(self) -> tuple[AlertRule, ...]:
        return tuple(each for each in self.rules if each.enabled)

    @cached_property
    def version(self) -> str:
        """A digest of what it says; comments and order of fields do not count."""
        return blake2b(repr(_canonical(self)).encode(), digest_size=6).hexdigest()

    def handlings(self) -> Handlings:
        """What the machine goes by."""
        inhibitions = tuple(Inhibition(each.source, each.target, each.equal) for each in self.inhibitions)
        return Handlings({each.name: each.handling() for each in self.enabled}, inhibitions, self.version)


_MOVED = {
    "wait": "`rules: [{name: …, subject: contact, tiers: [gold], channels: [voice], when: {waiting: {above: 120s}}, "
    "severity: critical}]`: limit is above; left out, tiers are `tiers: high`, and channels [voice, chat, in-person]",
    "sentiment": "`rules: [{name: …, subject: customer, tiers: [gold], when: {sentiment: {at_or_below: -0.45, "
    "clear_at_or_above: -0.2, half_life: 30m, min_messages: 3, quiet_after: 2h}}}]`: fire_at_or_below is at_or_below, "
    "resolve_at_or_above is clear_at_or_above; left out, tiers are `tiers: high`",
}


def _canonical(value: object) -> object:
    """The same for the same rules, in every process."""
    if is_dataclass(value) and not isinstance(value, type):
        said = [(each.name, _canonical(getattr(value, each.name))) for each in fields(value)]
        return type(value).__name__, said
    if isinstance(value, Mapping):
        return sorted((str(key), _canonical(each)) for key, each in value.items())
    if isinstance(value, frozenset):
        return sorted(map(repr, value))
    return [_canonical(each) for each in value] if isinstance(value, list | tuple) else value
