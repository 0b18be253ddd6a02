"""Conditions over signals: value by value, and against a model that looks at every millisecond."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.alerts.conditions import (
    UPWARD,
    All,
    Any,
    Bound,
    Clock,
    Comparison,
    Condition,
    Equality,
    Not,
    Sign,
    completing,
)
from streams.alerts.intervals import BEGINNING, Intervals, around
from streams.alerts.signals import Param, Piece, Signal

LONGEST = 30


@dataclass
class Scene:
    signals: Mapping[str, Signal]
    attributes: Mapping[str, str | Signal] = field(default_factory=dict)
    hours: Clock | None = None

    def signal(self, field: str, parameters: tuple[tuple[str, Param], ...]) -> Signal:
        return self.signals.get(field, ())

    def words(self, attribute: str) -> str | Signal:
        return self.attributes.get(attribute, "")

    def clock(self, at: int) -> Clock | None:
        return self.hours


class Odd:
    """Business time that passes in odd milliseconds alone."""

    def between(self, start: int, end: int) -> int:
        return sum(at % 2 for at in range(start, end))

    def after(self, start: int, ms: int) -> int | None:
        at = start
        while ms > 0:
            ms -= at % 2
            at += 1
        return at

    def next_opening(self, at: int) -> int | None:
        return at if at % 2 else at + 1


def above(bound: float, clear: float | None = None, *, sign: Sign = "above", name: str = "x") -> Comparison:
    clears: Sign = "at_or_below" if sign in UPWARD else "at_or_above"
    if clear is None:
        clears = {"above": "at_or_below", "at_or_above": "below", "below": "at_or_above", "at_or_below": "above"}[sign]  # type: ignore[assignment]
    return Comparison(name, (), "ms", sign, Bound(bound), clears, Bound(bound if clear is None else clear))


def growing(start: int, end: int | None, value: float = 0, anchor: str = "leg") -> Piece:
    return Piece(start, end, value, True, anchor, ("e1",))


def test_a_growing_value_is_above_its_bound_a_millisecond_after_it_is_at_it() -> None:
    scene = Scene({"x": (growing(100, None, 7),)})
    assert above(120).held(scene).raised == ((100 + 113 + 1, None),)
    assert above(120, sign="at_or_above").held(scene).raised == ((100 + 113, None),)
    assert above(120, sign="below").held(scene).raised == ((100, 213),)
    assert above(120, sign="at_or_below").held(scene).raised == ((100, 214),)
    assert above(3).held(scene).raised == ((100, None),)
    assert above(120).held(Scene({"x": (growing(100, 214, 7),)})).raised == (), "it ended at that moment"
    assert above(120).held(Scene({})).raised == ()


def test_what_is_between_the_bounds_is_kept() -> None:
    values = (Piece(0, 10, 5.0), Piece(10, 20, 3.0), Piece(20, 30, 2.0), Piece(30, 40, 3.0), Piece(50, None, 5.0))
    held = above(4, 2).held(Scene({"x": values}))
    assert held.raised == ((0, 10), (50, None))
    assert held.kept == ((0, 20), (30, 40), (50, None)), "without a value nothing is kept"


def test_a_bound_by_an_attribute_that_changes() -> None:
    bound = Bound(100, "tier", (("gold", 20),))
    tiers = (Piece(0, 50, "red"), Piece(50, 80, "gold"))
    condition = Comparison("x", (), "ms", "above", bound, "at_or_below", bound)
    scene = Scene({"x": (growing(0, None),)}, {"tier": tiers})
    assert condition.held(scene).raised == ((50, 80), (101, None)), "at the moment at which the tier changes"
    assert condition.completed(scene, 50)[2:6] == (50, 20, None, "leg")
    only_gold = Comparison("x", (), "ms", "above", Bound(None, "tier", (("gold", 20),)), "at_or_below", bound)
    assert only_gold.held(scene).raised == ((50, 80),)
    assert condition.held(Scene({"x": (growing(0, None),)}, {"tier": "gold"})).raised == ((21, None),)
    assert condition.held(Scene({"x": (growing(0, None),)})).raised == ((101, None),)


def test_durations_count_while_it_is_open() -> None:
    scene = Scene({"x": (growing(100, None),)}, hours=Odd())
    assert above(3).held(scene).raised == ((108, None),), "101, 103, 105 and 107 have passed"
    assert above(3).completed(scene, 108).value == 4


def test_words_flags_and_counts() -> None:
    scene = Scene({"x": (Piece(0, 10, "a"), Piece(10, 20, "b"), Piece(20, 30, 1.0), Piece(30, None, 2))})
    assert Equality("x", (), "", frozenset({"a", "b"})).held(scene).raised == ((0, 20),)
    assert Equality("x", (), "", frozenset({1.0, 2})).held(scene).raised == ((20, None),)


@pytest.mark.parametrize(
    ("condition", "at", "what"),
    [
        (All((above(5, name="x"), above(8, name="y"))), 30, "y"),
        (Any((above(8, name="y"), above(5, name="x"))), 30, "x"),
        (All((above(5, name="x"), Not(above(9, name="z")))), 30, "z"),
        (Not(All((above(5, name="x"), above(9, name="z")))), 30, "z"),
        (Not(Any((above(9, name="z"), above(1, name="none")))), 30, "z"),
    ],
)
def test_which_comparison_completed_it(condition: Condition, at: int, what: str) -> None:
    scene = Scene({"x": (growing(0, None),), "y": (growing(0, None),), "z": (growing(0, 20),)})
    held = condition.held(scene)
    assert around(held.raised, at) is not None
    assert completing(condition, held, at).field == what


# A model that looks at every millisecond.

VALUES = st.one_of(st.integers(-3, 12), st.sampled_from([0.5, 2.5, 7.25]))


@st.composite
def signals(draw: st.DrawFn) -> Signal:
    cuts = draw(st.lists(st.integers(0, LONGEST), unique=True, min_size=2, max_size=8).map(sorted))
    pieces = []
    for number, start in enumerate(cuts):
        end = cuts[number + 1] if number + 1 < len(cuts) else None
        if draw(st.booleans()) or (end is None and draw(st.booleans())):
            pieces.append(Piece(start, end, draw(VALUES), draw(st.booleans()), f"p{number}"))
    return tuple(pieces)


@st.composite
def comparisons(draw: st.DrawFn) -> Comparison:
    sign: Sign = draw(st.sampled_from(["above", "at_or_above", "below", "at_or_below"]))
    bound = draw(VALUES)
    if draw(st.booleans()):
        return above(bound, sign=sign, name=draw(st.sampled_from("xy")))
    gap = draw(st.integers(1, 4))
    return above(bound, bound - gap if sign in UPWARD else bound + gap, sign=sign, name=draw(st.sampled_from("xy")))


CONDITIONS: st.SearchStrategy[Condition] = st.recursive(
    comparisons(),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: All(tuple(parts))),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: Any(tuple(parts))),
        inner.map(Not),
    ),
    max_leaves=5,
)


def value_at(signal: Signal, at: int) -> float | None:
    for piece in signal:
        if piece.start <= at and (piece.end is None or at < piece.end):
            assert not isinstance(piece.value, str)
            return piece.value + (at - piece.start if piece.grows else 0)
    return None


def fits(value: float, sign: Sign, bound: float) -> bool:
    return {
        "above": value > bound,
        "at_or_above": value >= bound,
        "below": value < bound,
        "at_or_below": value <= bound,
    }[sign]


def model(condition: Condition, scene: Scene, at: int) -> tuple[bool, bool]:
    """Whether it is raised, and whether it is kept, at one moment."""
    if isinstance(condition, Comparison):
        value = value_at(scene.signals[condition.field], at)
        if value is None:
            return False, False
        assert condition.bound.value is not None and condition.clear.value is not None
        cleared = fits(value, condition.clear_sign, condition.clear.value)
        return fits(value, condition.sign, condition.bound.value), not cleared
    if isinstance(condition, Not):
        raised, kept = model(condition.part, scene, at)
        return not kept, not raised
    assert not isinstance(condition, Equality)
    parts = [model(part, scene, at) for part in condition.parts]
    whole = all if isinstance(condition, All) else any
    return whole(raised for raised, _ in parts), whole(kept for _, kept in parts)


def at_each(of: Intervals) -> list[bool]:
    return [around(of, at) is not None for at in range(-2, LONGEST + 20)]


@given(CONDITIONS, signals(), signals())
def test_a_condition_is_at_each_moment_what_the_values_say(condition: Condition, x: Signal, y: Signal) -> None:
    scene = Scene({"x": x, "y": y})
    held = condition.held(scene)
    expected = [model(condition, scene, at) for at in range(-2, LONGEST + 20)]
    assert at_each(held.raised) == [raised for raised, _ in expected]
    assert at_each(held.kept) == [kept for _, kept in expected]
    assert all(kept for raised, kept in expected if raised), "what is raised is kept"


@given(CONDITIONS, signals(), signals())
def test_the_comparison_that_completed_it_is_true_at_that_moment(condition: Condition, x: Signal, y: Signal) -> None:
    scene = Scene({"x": x, "y": y})
    held = condition.held(scene)
    for start, _ in held.raised:
        if start == BEGINNING:
            continue
        leaf = completing(condition, held, start)
        before, now = model(leaf, scene, start - 1), model(leaf, scene, start)
        assert before != now, "it is that one that changed"
        assert leaf.completed(scene, start).value == value_at(scene.signals[leaf.field], start)
