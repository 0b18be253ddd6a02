"""Effects and errors against fits made anew without each customer, and against textbook cases."""

import numpy as np
import pytest
from scipy import stats

from streams.drivers.least_squares import Codes, Matrix, fit, holm, independent, own, probability, reach


def anew(design: Matrix, outcomes: Matrix, customers: Codes) -> tuple[Matrix, Matrix]:
    """What `fit` says, by leaving out each customer in turn."""
    each = np.array(
        [
            np.linalg.lstsq(design[customers != one], outcomes[customers != one])[0]
            for one in np.unique(customers)
        ]
    )  # fmt: skip
    spread = each - each.mean(axis=0)
    errors = np.sqrt((len(each) - 1) / len(each) * (spread**2).sum(axis=0))
    return np.linalg.lstsq(design, outcomes)[0], errors


@pytest.mark.parametrize("most", [1, 3, 40])
def test_errors_are_those_of_fits_without_each_customer(most: int) -> None:
    chance = np.random.default_rng(most)
    customers = np.repeat(np.arange(30), chance.integers(1, most + 1, 30)).astype(np.uint32)
    customers = chance.permutation(customers)
    design = np.column_stack([np.ones(len(customers)), chance.normal(size=(len(customers), 4))])
    outcomes = chance.normal(size=(len(customers), 2)) + design[:, 1:3]
    effects, errors = anew(design, outcomes, customers)
    found = fit(design, outcomes, customers, 3)
    np.testing.assert_allclose(found.effects, effects[-3:], rtol=1e-9)
    np.testing.assert_allclose(found.errors, errors[-3:], rtol=1e-9)


def test_of_one_answer_each_the_error_of_a_mean_is_that_of_the_t_test() -> None:
    said = np.array([1.0, 4, 4, 5, 2, 3, 5, 5])
    found = fit(np.ones((8, 1)), said[:, None], np.arange(8, dtype=np.uint32), 1)
    test = stats.ttest_1samp(said, 0)
    assert found.errors[0, 0] == pytest.approx(said.std(ddof=1) / np.sqrt(8))
    assert probability(found.effects[0, 0], found.errors[0, 0], 7) == pytest.approx(test.pvalue)
    low, _ = test.confidence_interval(0.95)
    assert found.effects[0, 0] - reach(0.95, 7) * found.errors[0, 0] == pytest.approx(low)


def test_of_one_answer_each_a_difference_of_means_is_nearly_that_of_welch() -> None:
    chance = np.random.default_rng(1)
    there, without = chance.normal(4, 0.5, 40), chance.normal(3.6, 1.2, 160)
    design = np.column_stack([np.ones(200), np.repeat([1.0, 0.0], [40, 160])])
    found = fit(design, np.concatenate([there, without])[:, None], np.arange(200, dtype=np.uint32), 1)
    welch = stats.ttest_ind(there, without, equal_var=False)
    assert found.effects[0, 0] == pytest.approx(there.mean() - without.mean())
    assert found.effects[0, 0] / found.errors[0, 0] == pytest.approx(welch.statistic, rel=0.01)


def test_what_one_customer_alone_tells_leaves_the_others_as_they_are() -> None:
    """A column that is there for one customer: no fit without that one has its effect, and none of it is a number."""
    customers = np.repeat(np.arange(20, dtype=np.uint32), 2)
    chance = np.random.default_rng(2)
    design = np.column_stack([np.ones(40), customers == 3, chance.normal(size=40)]).astype(np.float64)
    outcomes = chance.normal(size=(40, 1))
    found = fit(design, outcomes, customers, 1)
    keep = customers != 3
    spread = anew(design[keep][:, [0, 2]], outcomes[keep], customers[keep])[1][-1]
    assert np.isfinite(found.errors).all()
    assert found.errors[0] == pytest.approx(spread, rel=0.05)


def test_answers_that_follow_exactly_have_no_error() -> None:
    design = np.column_stack([np.ones(30), np.arange(30) % 2])
    found = fit(design, 2 + design[:, 1:], np.arange(30, dtype=np.uint32), 1)
    assert probability(found.effects[0, 0], found.errors[0, 0], 29) == 0.0
    assert probability(0.0, 0.0, 29) == 1.0


def test_holm_as_in_the_textbook() -> None:
    """Times 4, 3, 2, 1 from the smallest on, never falling."""
    assert holm(np.array([0.03, 0.005, 0.04, 0.01])).tolist() == pytest.approx([0.06, 0.02, 0.06, 0.03])
    assert holm(np.array([0.9, 0.8])).tolist() == [1.0, 1.0]
    assert holm(np.array([])).tolist() == []


def test_columns_that_follow_from_others_are_left_out() -> None:
    chance = np.random.default_rng(3)
    one, two = chance.normal(size=(2, 50))
    columns = np.column_stack([np.ones(50), one, two, one - 2 * two + 3, np.zeros(50)])
    kept = independent(columns)
    assert kept.shape == (50, 3)
    assert np.abs(own(columns[:, 3], kept)).max() < 1e-9
    assert np.abs(own(chance.normal(size=50), kept)).max() > 0.1
