from math import exp, lgamma, log

import pytest

from streams.metrics.erlang import UNSTABLE, Queue, erlang_b, erlang_c

HALF_AN_HOUR = 30 * 60_000


def queue(contacts: float, handle_ms: float, agents: int, target_ms: int = 15_000) -> Queue:
    found = erlang_c(contacts, HALF_AN_HOUR, handle_ms, agents, target_ms)
    assert isinstance(found, Queue)
    return found


def test_vector_3() -> None:
    found = queue(360, 240_000, 55)
    assert found.load == 48
    assert round(found.occupancy, 4) == 0.8727
    assert round(found.wait_probability, 4) == 0.2387
    assert round(found.asa_ms / 1000, 2) == 8.18
    assert round(100 * found.service_level, 2) == 84.59


@pytest.mark.parametrize("agents", [0, 47, 48])
def test_vector_3_a_load_that_the_agents_cannot_carry_has_no_number(agents: int) -> None:
    assert erlang_c(360, HALF_AN_HOUR, 240_000, agents, 15_000) == UNSTABLE == "unstable"


def test_one_agent_is_the_m_m_1_queue() -> None:
    found = queue(5, 180_000, 1)
    assert found.occupancy == found.wait_probability == 0.5
    assert found.asa_ms == 180_000


def test_thousands_of_agents_stay_within_the_numbers() -> None:
    found = queue(29_900, 600_000, 10_000)
    assert 0 < found.wait_probability < 1
    assert 0 < found.service_level <= 1


def test_the_recursion_is_the_closed_formula() -> None:
    logs = [n * log(9_900) - lgamma(n + 1) for n in range(10_001)]
    blocked = 1 / sum(exp(each - logs[-1]) for each in logs)
    assert erlang_b(9_900, 10_000) == pytest.approx(blocked, rel=1e-8)


def test_nobody_calls() -> None:
    assert queue(0, 240_000, 1) == Queue(0.0, 0.0, 0.0, 0.0, 1.0)


@pytest.mark.parametrize(
    "wrong", [(-1, 1, 1, 1, 1), (1, 0, 1, 1, 1), (1, 1, -1, 1, 1), (1, 1, 1, -1, 1), (1, 1, 1, 1, -1)]
)
def test_impossible_numbers_are_refused(wrong: tuple[int, int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="must not be negative"):
        erlang_c(*wrong)
