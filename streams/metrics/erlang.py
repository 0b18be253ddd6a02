"""Erlang C and Erlang A: what a queue with exponential times does with a number of agents.

In C callers are patient: nobody abandons, so it is pessimistic, and a load that the agents cannot carry has no steady
state. In A each caller gives up after an exponential time, so that every load has one. Both stay within the numbers for
thousands of agents.

Sources: Gans, Koole and Mandelbaum, "Telephone Call Centers: Tutorial, Review, and Research Prospects" (2003), section
3.1 (C); C. Palm, "Research on Telephone Traffic Carried by Full Availability Groups" (1957), and Garnett, Mandelbaum
and Reiman, "Designing a Call Center with Impatient Customers" (2002), section 2 (A, the M/M/n+M queue).
"""

from dataclasses import dataclass
from itertools import count
from math import exp, expm1, inf, log, log1p
from typing import Literal, NamedTuple

UNSTABLE: Literal["unstable"] = "unstable"
"""The answer where the load is not below the number of agents: the queue grows without end, no number describes it."""


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue in its steady state."""

    load: float
    """Erlang: contacts in service on average."""
    occupancy: float
    """Share of the agents' time spent on contacts, 0..1."""
    wait_probability: float
    """Share of contacts that wait at all, 0..1."""
    asa_ms: float
    """Mean wait of those who are answered, ms."""
    service_level: float
    """Share of all contacts that are answered within the target, 0..1; who abandons is not."""
    abandonment: float = 0.0
    """Share of contacts that abandon, 0..1; nobody in Erlang C."""


def erlang_b(load: float, agents: int) -> float:
    """Share of contacts blocked when nobody can wait: the recursion over agents stays within 0..1 for any number of
    them."""
    blocked = 1.0
    for n in range(1, agents + 1):
        blocked = load * blocked / (n + load * blocked)
    return blocked


def erlang_c(
    contacts: float, period_ms: int, handle_ms: float, agents: int, target_ms: int
) -> Queue | Literal["unstable"]:
    """The steady state of ``agents`` who get ``contacts`` per period with a mean handle time; ``"unstable"`` when load
    ≥ agents.

    Raises ValueError for a negative number or an empty period.
    """
    _check(contacts, period_ms, handle_ms, agents, target_ms)
    load = contacts * handle_ms / period_ms
    if load >= agents:
        return UNSTABLE
    if load == 0:
        return Queue(0.0, 0.0, 0.0, 0.0, 1.0)
    occupancy = load / agents
    blocked = erlang_b(load, agents)
    waits = blocked / (1 - occupancy * (1 - blocked))
    free = agents - load
    return Queue(
        load=load,
        occupancy=occupancy,
        wait_probability=waits,
        asa_ms=waits * handle_ms / free,
        service_level=1 - waits * exp(-free * target_ms / handle_ms),
    )


def erlang_a(
    contacts: float, period_ms: int, handle_ms: float, agents: int, target_ms: int, patience_ms: float
) -> Queue:
    """As `erlang_c`, where callers give up after an exponential time with the mean ``patience_ms``: never unstable.

    Raises ValueError for a negative number, an empty period, no agent or no patience.
    """
    _check(contacts, period_ms, handle_ms, agents, target_ms)
    if agents < 1 or patience_ms <= 0:
        raise ValueError("with abandonment there must be an agent, and a patience longer than 0")
    load = contacts * handle_ms / period_ms
    blocked = erlang_b(load, agents)
    if load == 0 or blocked < _LEAST:
        return Queue(load, load / agents, 0.0, 0.0, 1.0)
    arrives, served, leaves = contacts / period_ms, agents / handle_ms, 1 / patience_ms
    beyond = _beyond(arrives, served, leaves)
    # Weights by that of "all busy, nobody waits"; 1 / blocked is the weight of all states without a queue.
    log_all_busy = -(beyond.log_one + log1p((1 / blocked - 1) * exp(-beyond.log_one)))
    abandonment = exp(log_all_busy + beyond.log_places) * leaves / arrives
    # Of those who come t before they would be answered, exp(-leaves * t) of each moment's arrivals are still there.
    late = _beyond(arrives * exp(-leaves * target_ms), served, leaves)
    exponent = -arrives / leaves * expm1(-leaves * target_ms) - served * target_ms
    answered_late = served / arrives * exp(log_all_busy + exponent + late.log_sum)
    waited_ms = served / arrives * exp(log_all_busy + beyond.log_waits)
    return Queue(
        load=load,
        occupancy=min(1.0, load * (1 - abandonment) / agents),  # rounding alone is beyond 1
        wait_probability=min(1.0, exp(log_all_busy + beyond.log_one)),
        asa_ms=waited_ms / (1 - abandonment),
        service_level=max(0.0, 1 - abandonment - answered_late),
        abandonment=abandonment,
    )


_LEAST = 1e-300
"""A share of blocked contacts below it is none: its inverse would be no number."""
_EXACT = 1e-17
_LARGE = 1e200


class _Beyond(NamedTuple):
    """Sums over the queue's length m = 1, 2, … with the weights c(m) = Π arrives / (served + j leaves), j = 1 … m, as
    logarithms: in a queue that is far too long they are beyond any number.
    """

    log_one: float
    """1 + Σ c(m)."""
    log_sum: float
    """Σ c(m)."""
    log_places: float
    """Σ m c(m)."""
    log_waits: float
    """Σ c(m) h(m), h(m) = Σ 1 / (served + j leaves), j = 1 … m: the mean wait of who is answered from place m."""


def _beyond(arrives: float, served: float, leaves: float) -> _Beyond:
    scale, first, weight, total, places, waits, mean_wait = 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0
    for m in count(1):
        rate = served + m * leaves
        ratio = arrives / rate
        weight *= ratio
        mean_wait += 1 / rate
        total += weight
        places += m * weight
        waits += weight * mean_wait
        if ratio < 1 and weight * (m + 1) <= _EXACT * (first + total) * (1 - ratio) ** 2:
            break
        if weight > _LARGE:
            scale += log(_LARGE)
            first, weight, total, places, waits = (each / _LARGE for each in (first, weight, total, places, waits))
    return _Beyond(*(scale + log(each) if each > 0 else -inf for each in (first + total, total, places, waits)))


def _check(contacts: float, period_ms: int, handle_ms: float, agents: int, target_ms: int) -> None:
    if period_ms <= 0 or min(contacts, handle_ms, agents, target_ms) < 0:
        raise ValueError(
            "contacts, handle time, agents and target must not be negative, the period must be longer than 0"
        )
