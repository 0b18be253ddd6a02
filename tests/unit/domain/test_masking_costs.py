"""What the texts of an event can cost at most, counted in questions; times are measured in ``tests.bench.product``."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.domain import detectors
from streams.domain.detectors import IBAN, INTERNATIONAL, NATIONAL, UNITS, Budget
from streams.domain.masking import _mask_once, mask
from tests.support.dear_texts import TEXTS

SIZE = 100_000
MOST = {"_is_valid_phone": UNITS / INTERNATIONAL, "_is_national_phone": UNITS / NATIONAL, "is_valid": UNITS / IBAN}
"""Questions about one event: 714 to phonenumbers' parser, or 250 to its matcher, or 5,000 to stdnum, and less of each
where others are asked too."""


@pytest.fixture(scope="module")
def asked() -> Iterator[Counter[str]]:
    """How often each of those who know was asked something new."""
    counts: Counter[str] = Counter()
    with pytest.MonkeyPatch.context() as patch:

        def counted(owner: Any, name: str) -> None:
            answer = getattr(owner, name)
            seen: set[Any] = set()

            def ask(*question: Any, **more: Any) -> Any:
                counts[name] += name == "is_valid" or (question not in seen)
                seen.add(question)
                return answer(*question, **more)

            patch.setattr(owner, name, ask)

        counted(detectors, "_is_valid_phone")
        counted(detectors, "_is_national_phone")
        counted(detectors.iban, "is_valid")
        yield counts


def bounded(counts: Counter[str]) -> bool:
    price = {"_is_valid_phone": INTERNATIONAL, "_is_national_phone": NATIONAL, "is_valid": IBAN}
    return sum(price[name] * count for name, count in counts.items()) <= UNITS


@pytest.mark.parametrize("region", [None, "DE", "US"])
@pytest.mark.parametrize("name", TEXTS)
def test_no_text_asks_more_than_the_budget_pays(name: str, region: str | None, asked: Counter[str]) -> None:
    asked.clear()
    budget = Budget()
    mask(TEXTS[name](SIZE), region, budget)
    assert bounded(asked), asked
    assert budget.left >= 0


PIECES = ["0", "00", "+", "(", ")", " ", "   ", ".", "-", "/", "€", "@", "a", "DE", "NO", '"', "#", "12", "030", "1234"]
PIECES += ["4111111111111111", "2026-01-15", "٤", "\u200b", "\uff14", "DE89", "1.1.1.1", "+49", "a@b.c", "order ", "\n"]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=8).map("".join), st.sampled_from([None, "DE", "US"]))
def test_nor_does_any_text_made_of_what_is_dear(asked: Counter[str], unit: str, region: str | None) -> None:
    asked.clear()
    mask((unit * (SIZE // len(unit) + 1))[:SIZE], region, Budget())
    assert bounded(asked), asked


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_ten_times_as_long_costs_ten_times_as_much_at_most(name: str) -> None:
    spent = []
    for size in (1_000, 10_000, 100_000):
        budget = Budget(1e9)
        detectors_spent(TEXTS[name](size), budget)
        spent.append(1e9 - budget.left)
    assert all(longer <= 13 * shorter + 500 for shorter, longer in pairwise(spent)), spent


def detectors_spent(text: str, budget: Budget) -> None:
    """One round: all detectors over the text, whatever it costs."""
    _mask_once(text, None, budget)
