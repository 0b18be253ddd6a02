import pytest

from streams.metrics.panes import Pane
from streams.metrics.service_level import DEFAULT, VARIANTS, service_level

WEEK = Pane(answered=1000, answered_in_time=860, abandoned=60, abandoned_in_time=20, short_abandoned=10)


@pytest.mark.parametrize(
    ("variant", "percent"),
    [
        ("abandon_in_time_is_hit", 83.02),
        ("answered_only", 86.00),
        ("all_abandons_count", 81.13),
        ("in_threshold_abandons_excluded", 82.69),
        ("short_abandons_positive", 82.08),
        ("short_abandons_excluded", 81.90),
        ("reached_threshold", 81.13),
    ],
)
def test_vector_1_all_seven_variants(variant: str, percent: float) -> None:
    level = service_level(WEEK, variant=variant)
    assert level is not None
    assert round(100 * level, 2) == percent


def test_vector_1_with_30_of_40_still_waiting_for_20_s_or_longer() -> None:
    level = service_level(WEEK, waiting=30)
    assert level is not None
    assert round(100 * level, 2) == 78.90


def test_waiting_legs_matter_to_the_default_variant_only() -> None:
    changed = {name for name, of in VARIANTS.items() if of(WEEK, 0) != of(WEEK, 30)}
    assert changed == {DEFAULT}


@pytest.mark.parametrize("variant", VARIANTS)
def test_vector_4_nothing_that_counts_is_no_service_level(variant: str) -> None:
    assert service_level(Pane(), variant=variant) is None
