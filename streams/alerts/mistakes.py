"""What a file of alert rules may not say: rules beside each other, and beside what else is known."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from streams.alerts.conditions import UPWARD, All, Comparison, Condition, Equality, Not, leaves
from streams.alerts.fields import ATTRIBUTES, BY_PLURAL, FIELDS, SCOPES, Subject
from streams.alerts.matching import Matcher
from streams.alerts.reading import Path, Problem, meant, words_named
from streams.alerts.rules import HIGH, HIGH_TIERS, AlertRule, AlertsFile

OWN = ("rule", "subject", "severity", "owner", "kind", "state", "line")
"""What every alert has besides its attributes and labels."""
_IDS: Mapping[Subject, Sequence[str]] = {
    "contact": ("customer", "contact"),
    "customer": ("customer",),
    "journey": ("customer", "journey"),
}
RESERVED = frozenset({*OWN, *(each.name for each in ATTRIBUTES), "customer", "contact", "journey"})
"""No names of labels."""


@dataclass(frozen=True, slots=True)
class Known:
    """What rules may name: attribute → its words, and in which file they are; and the calendars of hours.yaml."""

    words: Mapping[str, tuple[Collection[str], str]] = field(default_factory=dict)
    calendars: Collection[str] = ()


def mistakes(file: AlertsFile, given: Mapping[str, Any], known: Known) -> Iterator[Problem]:
    """Path in the file, and what is wrong. ``given``: its values, as they were written."""
    yield from _names(file.rules)
    for number, (rule, values) in enumerate(zip(file.rules, given.get("rules") or (), strict=True)):
        for path, what in (*_unknown_words(rule, values, known), *_by_itself(rule, known)):
            yield Problem(("rules", number, *path), what)
    yield from _inhibitions(file)


def _names(rules: Iterable[AlertRule]) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for number, rule in enumerate(rules):
        if rule.name in seen:
            yield Problem(("rules", number, "name"), f"two rules have the same name: {rule.name}")
        seen.setdefault(rule.name, number)


def _unknown_words(rule: AlertRule, given: Mapping[str, Any], known: Known) -> Iterator[tuple[Path, str]]:
    named: list[tuple[str, str, Path]] = []
    for plural, attribute in BY_PLURAL.items():
        words = given.get(plural) or ()
        if words != HIGH:
            named += [(attribute.name, str(word), (plural, place)) for place, word in enumerate(words)]
    named += words_named(rule.subject, given["when"])
    for name, word, path in named:
        words, file = known.words.get(name, ((), ""))
        if file and word not in words:
            names = ", ".join(sorted(words)) if len(words) <= 20 else "see there"
            yield path, f"{word!r} is not a {name.replace('_', ' ')} of {file} ({names}){meant(word, words)}"


def _by_itself(rule: AlertRule, known: Known) -> Iterator[tuple[Path, str]]:
    if rule.hours is not None and rule.hours != "business" and rule.hours not in known.calendars:
        names = ("business", *sorted(known.calendars))
        yield ("hours",), f"{rule.hours!r} is no calendar of hours.yaml ({', '.join(names)}){meant(rule.hours, names)}"
    for path, labels in (((), rule.labels), *((("escalation", at), s.labels) for at, s in enumerate(rule.escalation))):
        for name in labels:
            if name in RESERVED:
                yield (*path, "labels", name), f"{name} is what every alert has already; call the label otherwise"
    if not rule.scope and not rule.for_everybody and holds_always(rule.when, rule.subject):
        yield (
            ("when",),
            (
                "would hold for everybody, whatever happens; give it a scope or a condition that can be false, or say "
                "for_everybody: true"
            ),
        )
    if rule.subject == "kpi" and not rule.kpis and "value" in {each.field for each in leaves(rule.when)}:
        yield (), "needs kpis: a value is held against a bound in the unit of its KPI"


def holds_always(condition: Condition, subject: Subject) -> bool:
    """Whether it holds for everybody, whatever happens: ``not`` does for all of whom nothing is known."""
    if isinstance(condition, Not):
        return not _never(condition.part)
    if isinstance(condition, Comparison):
        known = FIELDS[subject][condition.field]
        end = known.least if condition.sign in UPWARD else known.most
        inclusive = condition.sign in ("at_or_above", "at_or_below")
        return inclusive and end is not None and end in condition.bound.values
    if isinstance(condition, Equality):
        return condition.field == "watchdog" and subject != "system"
    hold = [holds_always(part, subject) for part in condition.parts]
    return all(hold) if isinstance(condition, All) else any(hold)


def _never(condition: Condition) -> bool:
    return isinstance(condition, Not) and not _never(condition.part)


def _inhibitions(file: AlertsFile) -> Iterator[Problem]:
    labels = {name for rule in file.rules for each in _labels(rule) for name in each}
    attributes = sorted(RESERVED | labels)
    sides: list[tuple[int, int]] = []
    for number, each in enumerate(file.inhibitions):
        here: Path = ("inhibitions", number)
        for side, matchers in (("source", each.source), ("target", each.target)):
            for place, matcher in enumerate(matchers):
                if matcher.name not in attributes:
                    yield Problem((*here, side, place), _no_attribute(matcher.name, attributes))
        for place, name in enumerate(each.equal):
            if name not in attributes:
                yield Problem((*here, "equal", place), _no_attribute(name, attributes))
        source, target = _fitting(each.source, file.rules), _fitting(each.target, file.rules)
        for side, matchers, fitting in (("source", each.source, source), ("target", each.target, target)):
            if not fitting:
                said = ", ".join(map(str, matchers))
                yield Problem((*here, side), f"could never match: no rule has alerts that fit {said}")
        circle = _circle([*sides, (source, target)])
        if circle:
            names = " → ".join(file.rules[place].name for place in circle)
            yield Problem(here, f"goes in a circle, so that they could silence each other: {names}")
        sides.append((0, 0) if circle else (source, target))


def _fitting(matchers: Sequence[Matcher], rules: Sequence[AlertRule]) -> int:
    """The rules whose alerts could fit, as bits by their places."""
    return sum(1 << place for place, rule in enumerate(rules) if may_fit(matchers, rule))


def _circle(sides: Sequence[tuple[int, int]]) -> list[int]:
    """From the last inhibition round to it: a rule of each step, by their places, the first again at the end; empty
    where there is no way. ``sides``: the rules that may be source and target of each."""
    last = len(sides) - 1
    ways: list[list[int]] = [[last]]
    seen: set[int] = set()
    while ways:
        way = ways.pop()
        target = sides[way[-1]][1]
        if back := target & sides[last][0]:
            steps = [sides[one][1] & sides[other][0] for one, other in pairwise(way)]
            return [_lowest(each) for each in (back, *steps, back)]
        for number, (source, _) in enumerate(sides[:last]):
            if number not in seen and target & source:
                seen.add(number)
                ways.append([*way, number])
    return []


def _lowest(of: int) -> int:
    return (of & -of).bit_length() - 1


def _no_attribute(name: str, known: Sequence[str]) -> str:
    return f"{name!r} is no attribute of an alert, and no label; there are {', '.join(known)}{meant(name, known)}"


def may_fit(matchers: Iterable[Matcher], rule: AlertRule) -> bool:
    """Whether alerts of the rule could fit."""
    return all(_may_fit(each, rule) for each in matchers)


def _may_fit(matcher: Matcher, rule: AlertRule) -> bool:
    fixed = {"rule": rule.name, "subject": rule.subject, "severity": rule.severity, "owner": rule.owner or ""}
    name = matcher.name
    if name in fixed:
        return matcher.fits(fixed)
    if name in OWN or name in _IDS.get(rule.subject, ()):
        return True
    if name in SCOPES[rule.subject]:
        words = rule.scope.get(name)
        return words is None or words == HIGH_TIERS or any(matcher.fits({name: word}) for word in words)
    return any(matcher.fits(labels) for labels in _labels(rule))


def _labels(rule: AlertRule) -> list[dict[str, str]]:
    """Its labels, at first and after each step."""
    return [rule.labels, *({**rule.labels, **step.labels} for step in rule.escalation)]
