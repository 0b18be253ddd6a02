from math import exp, inf, lgamma, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.metrics.erlang import UNSTABLE, Queue, erlang_a, erlang_b, erlang_c

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


def solved(contacts: float, handle_ms: float, agents: int, patience_ms: float, target_ms: int = 15_000) -> Queue:
    """The M/M/n+M queue another way: its birth-death chain solved state by state, and each wait stepped through as a
    chain of departures (uniformisation), without a formula of either."""
    arrives, served, leaves = contacts / HALF_AN_HOUR, 1 / handle_ms, 1 / patience_ms
    states = agents + 400
    weights = [1.0]
    for n in range(1, states):
        weights.append(weights[-1] * arrives / (min(n, agents) * served + max(0, n - agents) * leaves))
    share = [each / sum(weights) for each in weights]
    queued = sum(max(0, n - agents) * each for n, each in enumerate(share))
    gone = leaves * queued / arrives
    # Who comes with m before him: they and the agents depart, or he gives up himself. Backwards over m: mean wait
    # of who is answered, as a mean over all of wait x answered, and whether answered.
    fastest = agents * served + 400 * leaves
    within = 0.0
    answered, waited = [1.0], [0.0]
    for m in range(400):
        rate = agents * served + m * leaves
        either = rate + leaves
        answered.append(rate / either * answered[-1])
        waited.append(answered[-1] / either + rate / either * waited[-1])
    places = [share[agents + m] for m in range(400)]
    mean_waited = sum(p * waited[m + 1] for m, p in enumerate(places))
    # Within the target: the vector of places moves by small steps of the uniformised chain.
    at, done = places, sum(share[:agents])
    poisson, jumps = exp(-fastest * target_ms), 0
    left = 1.0
    while left > 1e-13 and jumps < 5_000:
        within += poisson * done
        left -= poisson
        jumps += 1
        poisson *= fastest * target_ms / jumps
        moved = [0.0] * len(at)
        for m, p in enumerate(at):
            rate = agents * served + m * leaves
            moved[m] += p * (1 - (rate + leaves) / fastest)
            if m:
                moved[m - 1] += p * rate / fastest
            else:
                done += p * rate / fastest
        at = moved
    within += max(left, 0.0) * done
    return Queue(
        load=arrives * handle_ms,
        occupancy=sum(min(n, agents) * each for n, each in enumerate(share)) / agents,
        wait_probability=sum(places),
        asa_ms=mean_waited / (1 - gone),
        service_level=within,
        abandonment=gone,
    )


@pytest.mark.parametrize(
    ("contacts", "handle_ms", "agents", "patience_ms"),
    [
        (360, 240_000, 55, 180_000),
        (360, 240_000, 48, 180_000),
        (360, 240_000, 30, 120_000),
        (360, 240_000, 60, 30_000),
        (5, 180_000, 1, 60_000),
        (5, 180_000, 1, 3_600_000),
    ],
)
def test_erlang_a_is_the_birth_death_chain(contacts: float, handle_ms: float, agents: int, patience_ms: float) -> None:
    found = erlang_a(contacts, HALF_AN_HOUR, handle_ms, agents, 15_000, patience_ms)
    expected = solved(contacts, handle_ms, agents, patience_ms)
    for name in ("load", "occupancy", "wait_probability", "asa_ms", "service_level", "abandonment"):
        assert getattr(found, name) == pytest.approx(getattr(expected, name), rel=1e-6), name


def test_with_endless_patience_erlang_a_is_erlang_c() -> None:
    patient, found = queue(360, 240_000, 55), erlang_a(360, HALF_AN_HOUR, 240_000, 55, 15_000, 1e13)
    assert found.abandonment < 1e-6
    for name in ("occupancy", "wait_probability", "asa_ms", "service_level"):
        assert getattr(found, name) == pytest.approx(getattr(patient, name), rel=1e-5), name


def test_patience_as_long_as_the_handle_time_is_the_poisson_distribution() -> None:
    """Each contact in the system then leaves at one rate, so their number is Poisson with the load as its mean: the
    infinite-server queue."""
    load, agents = 48.0, 50
    poisson = [exp(n * log(load) - load - lgamma(n + 1)) for n in range(400)]
    found = erlang_a(360, HALF_AN_HOUR, 240_000, agents, 15_000, 240_000)
    assert found.wait_probability == pytest.approx(sum(poisson[agents:]), rel=1e-9)
    queued = sum((n - agents) * each for n, each in enumerate(poisson) if n > agents)
    assert found.abandonment == pytest.approx(queued / load, rel=1e-9)


@given(
    st.floats(0.1, 2_000),
    st.floats(1_000, 3_000_000),
    st.integers(1, 3_000),
    st.integers(0, 600_000),
    st.floats(1_000, 7_200_000),
)
def test_erlang_a_stays_within_the_numbers(
    contacts: float, handle_ms: float, agents: int, target_ms: int, patience_ms: float
) -> None:
    found = erlang_a(contacts, HALF_AN_HOUR, handle_ms, agents, target_ms, patience_ms)
    for share in (found.occupancy, found.wait_probability, found.service_level, found.abandonment):
        assert 0 <= share <= 1
    assert 0 <= found.asa_ms < inf
    more = erlang_a(contacts, HALF_AN_HOUR, handle_ms, agents + 1, target_ms, patience_ms)
    assert more.service_level >= found.service_level - 1e-9
    assert more.abandonment <= found.abandonment + 1e-9


def test_thousands_of_agents_with_far_too_many_callers() -> None:
    """Who cannot be served gives up: in the limit 1 - capacity / load of them."""
    found = erlang_a(60_000, HALF_AN_HOUR, 600_000, 10_000, 20_000, 300_000)
    assert found.load == pytest.approx(20_000)
    assert found.occupancy == pytest.approx(1, abs=1e-9)
    assert found.abandonment == pytest.approx(0.5, rel=1e-9)
    assert found.asa_ms == pytest.approx(300_000 * log(2), rel=0.01)
    assert found.service_level == pytest.approx(0, abs=1e-9)


def test_many_agents_and_few_callers() -> None:
    assert erlang_a(30, HALF_AN_HOUR, 60_000, 5_000, 20_000, 300_000) == Queue(1.0, 1 / 5_000, 0.0, 0.0, 1.0)
    assert erlang_a(0, HALF_AN_HOUR, 60_000, 1, 20_000, 300_000) == Queue(0.0, 0.0, 0.0, 0.0, 1.0)


@pytest.mark.parametrize(("agents", "patience_ms"), [(0, 1000), (1, 0), (1, -1)])
def test_erlang_a_needs_an_agent_and_some_patience(agents: int, patience_ms: float) -> None:
    with pytest.raises(ValueError, match="an agent, and a patience"):
        erlang_a(1, 1, 1, agents, 1, patience_ms)
