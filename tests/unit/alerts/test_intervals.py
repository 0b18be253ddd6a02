"""Sets of moments, against a model that looks at every millisecond."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from streams.alerts.intervals import (
    ALWAYS,
    BEGINNING,
    NEVER,
    Intervals,
    around,
    complement,
    episodes,
    first_of,
    intersection,
    joined,
    union,
    within,
)

LONGEST = 24
"""Moments that the model looks at; what never ends goes on behind them."""


@st.composite
def sets(draw: st.DrawFn) -> Intervals:
    cuts = draw(st.lists(st.integers(0, LONGEST), unique=True, max_size=10).map(sorted))
    pairs = [(cuts[n], cuts[n + 1]) for n in range(0, len(cuts) - 1, 2)]
    endless = [(cuts[-1], None)] if len(cuts) % 2 else []
    first = [(BEGINNING, pairs[0][1])] if pairs and draw(st.booleans()) else pairs[:1]
    return (*first, *pairs[1:], *endless)


def moments(of: Intervals) -> set[int]:
    """Those of it that the model looks at, from the one before 0 on."""
    return {at for at in range(-1, LONGEST + 2) if around(of, at) is not None}


def is_plain(of: Intervals) -> bool:
    """In order, none empty, and a gap between each two."""
    ends = [(BEGINNING - 1, BEGINNING - 1), *of]
    return all(
        before[1] is not None and before[1] < after[0] and (after[1] is None or after[0] < after[1])
        for before, after in pairwise(ends)
    )


@given(st.lists(sets(), max_size=4))
def test_union(some: list[Intervals]) -> None:
    found = union(*some)
    assert is_plain(found) and moments(found) == set().union(*map(moments, some))


@given(sets(), sets())
def test_intersection_and_complement(one: Intervals, other: Intervals) -> None:
    both, none = intersection(one, other), complement(one)
    assert is_plain(both) and moments(both) == moments(one) & moments(other) == moments(intersection(other, one))
    assert is_plain(none) and moments(none) == set(range(-1, LONGEST + 2)) - moments(one)
    assert complement(none) == one
    assert intersection(one, none) == NEVER and union(one, none) == ALWAYS


@given(sets(), st.integers(-1, LONGEST + 1))
def test_the_first_moment_from_one_on(of: Intervals, since: int) -> None:
    later = [at for at in moments(of) if at >= since]
    found = first_of(of, since)
    assert found == min(later, default=found if found is not None and found > LONGEST else None)


@given(sets(), sets())
def test_episodes(raised: Intervals, cleared: Intervals) -> None:
    """A machine that looks at every moment: what is raised goes before what is cleared."""
    known_raised, known_cleared = moments(raised), moments(cleared)
    inside, expected = False, set()
    for at in range(-1, LONGEST + 2):
        if at in known_raised:
            inside = True
        elif at in known_cleared:
            inside = False
        if inside:
            expected.add(at)
    found = episodes(raised, cleared)
    assert is_plain(found) and moments(found) == expected
    starts = {start for start, _ in raised}
    assert all(start in starts for start, _ in found), "it begins where something begins to be raised"


@given(sets(), sets())
def test_what_is_raised_is_kept(raised: Intervals, other: Intervals) -> None:
    kept = union(raised, other)
    assert within(raised, kept) == episodes(raised, complement(kept))
    assert within(raised, raised) == raised


def test_what_is_always_and_never() -> None:
    assert complement(NEVER) == ALWAYS and complement(ALWAYS) == NEVER
    assert episodes(ALWAYS, ALWAYS) == ALWAYS and episodes(((5, None),), NEVER) == ((5, None),)
    assert episodes(((0, 5), (7, 9)), ((5, 6),)) == ((0, 5), (7, None))
    assert joined([(0, 5), (3, 4), (5, 9), (10, None), (12, 13)]) == ((0, 9), (10, None))
