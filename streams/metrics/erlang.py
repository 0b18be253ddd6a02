"""Erlang C: what a queue with patient callers and exponential times does with a number of agents.

Source: A. K. Erlang's delay formula as in Gans, Koole and Mandelbaum, "Telephone Call Centers: Tutorial, Review, and
Research Prospects" (2003), section 3.1. Nobody abandons in this model, so it is pessimistic for impatient callers.
"""

from dataclasses import dataclass
from math import exp
from typing import Literal

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
    """Mean wait over all contacts, ms."""
    service_level: float
    """Share of contacts answered within the target, 0..1."""


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
    if period_ms <= 0 or min(contacts, handle_ms, agents, target_ms) < 0:
        raise ValueError(
            "contacts, handle time, agents and target must not be negative, the period must be longer than 0"
        )
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
