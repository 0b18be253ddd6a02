"""Random histories, recounted from the documents, against what the product publishes.

REFERENCE_HISTORIES says how many of each theme; `pytest -k "calls and legs"` runs a part.
"""

import os
from functools import cache

import pytest

from tests.reference import compare
from tests.reference.histories import THEMES, make
from tests.reference.run import check, disagreements, report, shown

HISTORIES = int(os.environ.get("REFERENCE_HISTORIES", "12"))


@cache
def of(theme: str) -> tuple[tuple[int, str, tuple[compare.Difference, ...]], ...]:
    """(seed, how it was run, differences) of a theme's histories."""
    return tuple(check(theme, seed) for seed in range(HISTORIES))


@pytest.mark.parametrize("kind", compare.KINDS)
@pytest.mark.parametrize("theme", THEMES)
def test_the_product_says_what_a_recount_says(theme: str, kind: str) -> None:
    wrong = [(seed, how) for seed, how, found in of(theme) if any(one.kind == kind for one in found)]
    if wrong:
        head = f"{len(wrong)} of {HISTORIES} histories differ"
        pytest.fail(report(theme, wrong[0][0], wrong[0][1], kind, head), pytrace=False)


@pytest.mark.parametrize("theme", THEMES)
def test_live_and_replay_say_the_same(theme: str) -> None:
    """Whatever they say: at one go, with time coming along, live, and with restarts."""
    for seed in range(1000, 1000 + max(1, HISTORIES // 6)):
        if disagreements(make(theme, seed)):
            pytest.fail(shown(theme, seed), pytrace=False)
