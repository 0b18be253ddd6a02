"""Conditions as a file has them: what each means, and every mistake with its place.

``{all: [..]}``, ``{any: [..]}``, ``{not: condition}``, or ``{FIELD: test, ...}``, which is all of them. A test is a
word, a list of words, a count or a flag (the value is that), or ``{above: BOUND, clear_below: BOUND, PARAMETER: ..}``.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple, cast, get_args

from streams.alerts.conditions import (
    OPPOSITE,
    UPWARD,
    All,
    Bound,
    Comparison,
    Condition,
    Equality,
    Not,
    Sign,
)
from streams.alerts.conditions import Any as AnyOf
from streams.alerts.fields import FIELDS, SCOPES, SUBJECTS, Field, Parameter, Subject, Type
from streams.alerts.signals import Param
from streams.base.units import as_written, milliseconds

Path = tuple[str | int, ...]
SIGNS: tuple[Sign, ...] = get_args(Sign)
CLEARS = tuple(f"clear_{sign}" for sign in SIGNS)
DEEPEST, MOST = 8, 64
"""Conditions in each other, and comparisons of a rule, at most."""
_LARGEST = 2**53
_COMBINED = ("all", "any", "not")
_EXPECTED = "expected a condition: {FIELD: test}, or all, any or not"


class Problem(NamedTuple):
    """Where, from the rule on, and what is wrong."""

    path: Path
    what: str


class _Wrong(Exception):
    def __init__(self, what: str, *path: str | int) -> None:
        super().__init__(what)
        self.what, self.path = what, path


def meant(word: object, known: Iterable[str]) -> str:
    """``; did you mean waiting?``, or nothing."""
    near = get_close_matches(str(word), list(known), n=1, cutoff=0.7)
    return f"; did you mean {near[0]}?" if near else ""


def condition(subject: Subject, given: object) -> tuple[Condition | None, list[Problem]]:
    """``when`` of a rule. None where there are problems."""
    reader = _Reader(subject)
    found = reader.condition(given, ("when",), 1)
    return (None if reader.problems else found), reader.problems


class _Reader:
    """One condition being read."""

    def __init__(self, subject: Subject) -> None:
        self.subject, self.fields = subject, FIELDS[subject]
        self.problems: list[Problem] = []
        self.count = 0

    def condition(self, given: object, path: Path, depth: int) -> Condition | None:
        if not isinstance(given, dict) or not given:
            return self._wrong(path, f"{_EXPECTED}, not {given!r}" if not isinstance(given, dict) else _EXPECTED)
        if depth > DEEPEST:
            return self._wrong(path, f"conditions lie in each other, at most {DEEPEST} deep")
        combined = [each for each in _COMBINED if each in given]
        if combined and len(given) > 1:
            others = ", ".join(str(each) for each in given if each != combined[0])
            return self._wrong(path, f"{combined[0]} stands alone; put {others} beside it into a list of all")
        if combined:
            return self._combined(combined[0], given[combined[0]], (*path, combined[0]), depth)
        parts = [self._test(str(name), test, (*path, str(name))) for name, test in given.items()]
        some = tuple(part for part in parts if part is not None)
        return None if len(some) < len(parts) else some[0] if len(some) == 1 else All(some)

    def _combined(self, how: str, given: object, path: Path, depth: int) -> Condition | None:
        if how == "not":
            part = self.condition(given, path, depth + 1)
            return None if part is None else Not(part)
        if not isinstance(given, list) or not given:
            return self._wrong(path, "expected a list of conditions")
        parts = [self.condition(each, (*path, number), depth + 1) for number, each in enumerate(given)]
        some = tuple(part for part in parts if part is not None)
        if len(some) < len(parts):
            return None
        return some[0] if len(some) == 1 else All(some) if how == "all" else AnyOf(some)

    def _test(self, name: str, given: object, path: Path) -> Condition | None:
        self.count += 1
        if self.count > MOST:
            return self._wrong(path, f"a rule has at most {MOST} comparisons") if self.count == MOST + 1 else None
        field = self.fields.get(name)
        if field is None:
            return self._wrong(path, _no_field(self.subject, name))
        try:
            return _compared(self.subject, field, given) if isinstance(given, dict) else _equal(field, given)
        except _Wrong as wrong:
            return self._wrong((*path, *wrong.path), wrong.what)

    def _wrong(self, path: Path, what: str) -> Condition | None:
        self.problems.append(Problem(path, what))
        return None


def _no_field(subject: Subject, name: str) -> str:
    known, elsewhere = FIELDS[subject], [each for each in SUBJECTS if name in FIELDS[each]]
    there = f", but of {', '.join(elsewhere)}" if elsewhere else ""
    return f"{name!r} is no field of {subject}{there}; there are {', '.join(known)}{meant(name, known)}"


def _equal(field: Field, given: object) -> Equality:
    several: list[Any] = given if isinstance(given, list) else [given]
    fits = bool(several) and all(_is_value(field.type, each) for each in several)
    if not fits or (field.type == "flag" and isinstance(given, list)):
        expected = {"flag": "true or false", "word": "a word or a list of words", "count": "a count, or a comparison"}
        what = expected.get(field.type, "a comparison")
        raise _Wrong(f"expected {what} such as {{{field.example}}}, not {given!r}")
    values = frozenset(float(each) if isinstance(each, bool) else each for each in several)
    return Equality(field.name, tuple(sorted(field.defaults.items())), field.unit, values)


def _is_value(kind: Type, given: object) -> bool:
    """Of a field that may be compared as it stands."""
    if kind == "flag":
        return isinstance(given, bool)
    if kind == "word":
        return isinstance(given, str) and given != ""
    return kind == "count" and type(given) is int and given >= 0


def _compared(subject: Subject, field: Field, given: Mapping[Any, object]) -> Comparison | Equality:
    if field.type in ("word", "flag"):
        return _equal(field, given)
    parameters = dict(field.defaults)
    for key, value in given.items():
        if key in SIGNS or key in CLEARS:
            continue
        parameter = field.parameter(str(key))
        if parameter is None:
            known = (*SIGNS, *CLEARS, *parameters)
            raise _Wrong(f"is not known here; allowed are {', '.join(known)}{meant(key, known)}", str(key))
        parameters[parameter.name] = _parameter(parameter, value)
    sign, clears = _signs(given, field)
    bound = _bound(subject, field, given[sign], (sign,))
    clear = bound if clears is None else _bound(subject, field, given[f"clear_{clears}"], (f"clear_{clears}",))
    _can_hold(field, sign, bound)
    if clears is not None:
        _wrong_side(sign, bound, clears, clear, field)
    unit = field.unit or _written_unit(given)
    return Comparison(field.name, tuple(sorted(parameters.items())), unit, sign, bound, clears or OPPOSITE[sign], clear)


def _written_unit(given: Mapping[Any, object]) -> str:
    """Of bounds on what decides the unit itself: ms where they are written as durations."""
    bounds = {key: given[key] for key in given if key in SIGNS or key in CLEARS}
    said = [
        (key, isinstance(each, str))
        for key, bound in bounds.items()
        for each in ([bound[name] for name in bound if name != "by"] if isinstance(bound, dict) else [bound])
    ]
    for key, is_duration in said:
        if is_duration != said[0][1]:
            raise _Wrong("has durations and numbers as bounds; a KPI has one unit", str(key))
    return "ms" if said[0][1] else ""


def _signs(given: Mapping[Any, object], field: Field) -> tuple[Sign, Sign | None]:
    signs, clears = [each for each in SIGNS if each in given], [each for each in SIGNS if f"clear_{each}" in given]
    if not signs:
        raise _Wrong(f"needs one of {', '.join(SIGNS)}, such as {{{field.example}}}")
    if len(signs) > 1:
        raise _Wrong(f"{signs[0]} and {signs[1]} are two comparisons: write each as a condition of all", signs[1])
    if len(clears) > 1:
        raise _Wrong("is a second bound to clear; one is enough", f"clear_{clears[1]}")
    if clears and (clears[0] in UPWARD) == (signs[0] in UPWARD):
        fits = [f"clear_{each}" for each in SIGNS if (each in UPWARD) != (signs[0] in UPWARD)]
        raise _Wrong(f"does not clear {signs[0]}; expected {' or '.join(fits)}", f"clear_{clears[0]}")
    return signs[0], clears[0] if clears else None


def _bound(subject: Subject, field: Field, given: object, path: Path) -> Bound:
    if not isinstance(given, dict):
        return Bound(_value(field, given, path))
    by = given.get("by")
    allowed = [each for each in SCOPES[subject] if each not in ("kpi", "source")]
    if by not in allowed:
        some = f"expected one of {', '.join(allowed)}" if allowed else f"{subject} has none"
        raise _Wrong(f"an attribute by which bounds differ: {some}, not {by!r}{meant(by, allowed)}", *path, "by")
    each = {
        str(name): _value(field, value, (*path, str(name)))
        for name, value in given.items()
        if name not in ("by", "default")
    }
    default = _value(field, given["default"], (*path, "default")) if "default" in given else None
    if not each and default is None:
        raise _Wrong("names no bound", *path)
    return Bound(default, by, tuple(sorted(each.items())))


def _value(field: Field, given: object, path: Path) -> float:
    """A bound, in the field's unit."""
    if field.type == "duration" or (field.type == "number" and isinstance(given, str)):
        try:
            return milliseconds(given)
        except ValueError as error:
            raise _Wrong(f"{error}, not {given!r}", *path) from None
    value = _number(given, field.type)
    if value is None:
        what = "a whole number" if field.type == "count" else "a number"
        raise _Wrong(f"expected {what}: {field.name} has the unit {field.unit or 'of its KPI'}, not {given!r}", *path)
    if (field.least is not None and value < field.least) or (field.most is not None and value > field.most):
        ends = f"from {field.least:g}" + ("" if field.most is None else f" to {field.most:g}")
        raise _Wrong(f"expected a value {ends}, as {field.name} has them, not {given!r}", *path)
    return value


def _number(given: object, kind: Type) -> float | None:
    """None where it is none, or beyond all that is counted."""
    fits = isinstance(given, int) if kind == "count" else isinstance(given, int | float)
    value = cast(float, given)
    return value if fits and not isinstance(given, bool) and abs(value) <= _LARGEST else None


def _parameter(parameter: Parameter, given: object) -> Param:
    least, most = parameter.least, parameter.most
    if parameter.type == "duration":
        try:
            duration = milliseconds(given)
        except ValueError as error:
            raise _Wrong(f"{error}, not {given!r}", parameter.name) from None
        if duration < least:
            shortest = "longer than 0" if least <= 1 else f"at least {as_written(int(least))}"
            raise _Wrong(f"the duration must be {shortest}, not {given!r}", parameter.name)
        if most is not None and duration > most:
            raise _Wrong(f"the duration must be at most {as_written(int(most))}, not {given!r}", parameter.name)
        return duration
    if parameter.type == "word":
        if not isinstance(given, str) or not given:
            raise _Wrong(f"expected a word, not {given!r}", parameter.name)
        return given
    value = _number(given, parameter.type)
    if value is None:
        what = "a whole number" if parameter.type == "count" else "a number"
        raise _Wrong(f"expected {what}, such as {parameter.written}, not {given!r}", parameter.name)
    if not (least <= value and (most is None or value <= most)):
        raise _Wrong(f"expected from {least:g}{'' if most is None else f' to {most:g}'}, not {given!r}", parameter.name)
    return value


def _can_hold(field: Field, sign: Sign, bound: Bound) -> None:
    for value in bound.values:
        highest = field.most is not None and value >= field.most
        lowest = field.least is not None and value <= field.least
        if (sign == "above" and highest) or (sign == "below" and lowest):
            raise _Wrong(f"can never hold: {field.name} is never {sign} {said(field, value)}", sign)


def _wrong_side(sign: Sign, bound: Bound, clears: Sign, clear: Bound, field: Field) -> None:
    """What is raised must not be over at once."""
    path = f"clear_{clears}"
    if bound.by and clear.by and bound.by != clear.by:
        raise _Wrong(f"goes by {clear.by}, and {sign} by {bound.by}: both must go by one", path)
    names: Sequence[str] = [name for name, _ in (*bound.each, *clear.each)]
    strict = sign in ("at_or_above", "at_or_below") and clears in ("at_or_above", "at_or_below")
    for name in (*names, ""):
        high, low = bound.of(name), clear.of(name)
        if high is None:
            continue
        place = f" (for {name})" if name else ""
        if low is None:
            raise _Wrong(f"has no bound{place}, and {sign} has one", path)
        distance = high - low if sign in UPWARD else low - high
        if distance < 0 or (strict and distance == 0):
            side = "below" if sign in UPWARD else "above"
            what = side if strict else f"at or {side}"
            raise _Wrong(f"must be {what} the bound to raise, {said(field, high)}, not {said(field, low)}{place}", path)


def said(field: Field, value: float) -> str:
    """A bound, as files have it."""
    return as_written(int(value)) if field.type == "duration" else f"{value:g}"


def words_named(subject: Subject, when: object, path: Path = ("when",)) -> Iterator[tuple[str, str, Path]]:
    """The words of attributes in a condition that was read without a problem: (attribute, word, where)."""
    if isinstance(when, list):
        for number, each in enumerate(when):
            yield from words_named(subject, each, (*path, number))
    elif isinstance(when, dict):
        for key, test in when.items():
            here = (*path, key)
            if key in _COMBINED:
                yield from words_named(subject, test, here)
            elif key in SCOPES[subject] and FIELDS[subject][key].type == "word":
                yield from ((key, str(word), (*here, *at)) for at, word in _each(test))
            elif isinstance(test, dict):
                for sign, bound in test.items():
                    if isinstance(bound, dict):
                        names = (str(name) for name in bound if name not in ("by", "default"))
                        yield from ((str(bound["by"]), name, (*here, sign, name)) for name in names)


def _each(given: object) -> list[tuple[Path, object]]:
    return [((number,), each) for number, each in enumerate(given)] if isinstance(given, list) else [((), given)]
