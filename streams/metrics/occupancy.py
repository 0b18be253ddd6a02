"""How long an agent was on contacts and idle, from the states that the agent was said to be in.

Time is told in slots of five minutes, each when it is over, so that a long call counts while it goes on and windows of
whole slots are right. States are a set in order of time: one that comes late, within the lateness, takes back what it
makes wrong. On contacts is `busy` and `wrap-up`, whatever the number of contacts at once; idle is `available`.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator
from operator import attrgetter
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from streams.base.records import NO_QUEUE, NO_TIER, AgentState, Fact
from streams.base.times import DAY_MS, HOUR_MS
from streams.metrics.rules import AGENT_SLOT_MS

FACT = "agent_time"
ANY_CHANNEL = "all"
"""The channel of what is told of agents: they serve queues, on whatever channel."""
ALL_QUEUES = "all"
"""The queue under which each agent's time counts once, whatever queues the agent serves."""
GROUPS = frozenset({"queue", "agent_group"})
"""Dimensions of agents' time."""
LONGEST_STATE_MS = 12 * HOUR_MS
"""So long a state is believed that nothing follows."""
KEPT_MS = 7 * DAY_MS
"""So long an agent's queues are known of whom nothing is heard."""
MAX_QUEUES = 50
"""Queues for which an agent's time counts."""
SLOT_MS = AGENT_SLOT_MS
_KINDS = {"busy": 0, "wrap-up": 1, "available": 2}
_time = attrgetter("time")


class Said(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A state from a time (ms) on; without queues or a group they are those said before."""

    time: int
    state: str
    queues: tuple[str, ...] = ()
    group: str | None = None


class Agent(msgspec.Struct, frozen=True, omit_defaults=True):
    """The latest states of one agent on one line, in order of time, of one time as they came; ``upto``: slots that end
    by then are told (ms)."""

    line: str
    upto: int
    states: tuple[Said, ...] = ()
    due: dict[str, int] = {}
    """Line → stream time to pass for the next slot to be told, or for the agent to be forgotten."""


class Came(NamedTuple):
    """The agent after something (None = forgotten), and what is to be counted; ``late``: it came too late to count."""

    agent: Agent | None
    facts: tuple[Fact, ...] = ()
    late: bool = False


def came(name: str, known: Agent | None, told: AgentState, now: int | None, lateness_ms: int) -> Came:
    """A state is told. ``now``: stream time, ms, where it is known; of what lies more than the lateness before it
    nothing is taken."""
    agent, before = known or Agent(told.line, _slot(told.time if now is None else now)), tuple[Fact, ...]()
    if now is not None and now > agent.upto:
        before = passed(name, agent, now, lateness_ms).facts
        agent = replace(agent, upto=_slot(now))
    if told.time < _since(agent, lateness_ms):
        return Came(_scheduled(agent, lateness_ms) if agent.states else None, before, late=True)
    place = bisect_right(agent.states, told.time, key=_time)
    state = Said(told.time, told.state, told.queues[:MAX_QUEUES], told.agent_group)
    after = replace(agent, states=(*agent.states[:place], state, *agent.states[place:]))
    start = _slot(told.time)
    was, now_is = _spent(agent.states, start, agent.upto), _spent(after.states, start, agent.upto)
    back = _facts(name, told.line, {key: was[key] for key in was if was[key] != now_is.get(key)}, -1)
    new = _facts(name, told.line, {key: now_is[key] for key in now_is if now_is[key] != was.get(key)})
    return Came(_scheduled(after, lateness_ms), (*before, *back, *new))


def passed(name: str, agent: Agent, now: int, lateness_ms: int) -> Came:
    """Stream time has come to ``now``: slots that are over are told."""
    upto = max(agent.upto, _slot(now))
    facts = _facts(name, agent.line, _spent(agent.states, agent.upto, upto))
    return Came(_scheduled(replace(agent, upto=upto), lateness_ms), tuple(facts))


def counts_in(fact: Fact, group: Collection[str]) -> bool:
    """Whether an agent's time counts by these dimensions with this fact: of a group of queues with that of each queue,
    of others once."""
    return GROUPS.issuperset(group) and ("queue" in group) == (fact.queue != ALL_QUEUES)


def ended(name: str, agent: Agent, now: int) -> tuple[Fact, ...]:
    """Nothing more comes of the line, whose time is ``now``: what is left is told."""
    return tuple(_facts(name, agent.line, _spent(agent.states, agent.upto, now)))


_Spent = dict[tuple[int, str, str | None], tuple[int, int, int]]
"""(start of the slot, queue, group) → ms of each of `_KINDS`."""


def _spent(states: tuple[Said, ...], start: int, end: int) -> _Spent:
    """What the states make of the time from ``start`` to ``end``."""
    found: dict[tuple[int, str, str | None], list[int]] = {}
    for kind, since, until, state in _stretches(states):
        at, left = max(since, start), min(until, end)
        while at < left:
            slot = _slot(at)
            over = min(left, slot + SLOT_MS)
            for queue in {*(state.queues or (NO_QUEUE,)), ALL_QUEUES}:  # once in all of them together
                found.setdefault((slot, queue, state.group), [0, 0, 0])[kind] += over - at
            at = over
    return {key: (busy, wrap, idle) for key, (busy, wrap, idle) in found.items()}


def _stretches(states: tuple[Said, ...]) -> Iterator[tuple[int, int, int, Said]]:
    """Kind, from, until, and the state with its queues and group; times that do not count are left out."""
    known = Said(0, "")
    for place, said in enumerate(states):
        known = _with(said, known)
        until = said.time + LONGEST_STATE_MS
        if place + 1 < len(states):
            until = min(until, states[place + 1].time)
        if said.state in _KINDS and said.time < until:
            yield _KINDS[said.state], said.time, until, known


def _with(said: Said, before: Said) -> Said:
    group = before.group if said.group is None else said.group
    return Said(said.time, said.state, said.queues or before.queues, group)


def _facts(name: str, line: str, spent: _Spent, sign: int = 1) -> Iterator[Fact]:
    for slot, queue, group in sorted(spent, key=lambda key: (key[0], key[1], key[2] or "")):
        busy, wrap, idle = spent[slot, queue, group]
        yield Fact(
            FACT,
            name,
            slot + SLOT_MS - 1,
            ANY_CHANNEL,
            queue,
            NO_TIER,
            line,
            sign,
            value=idle,
            talk_ms=busy,
            wrap_ms=wrap,
            agent_group=group,
        )


def _scheduled(agent: Agent, lateness_ms: int) -> Agent | None:
    """Without what can change no more, and with when it is due; None = nothing is left of it."""
    kept = agent.states
    place = bisect_left(kept, _since(agent, lateness_ms), key=_time)
    if place > 1:  # the one that holds at that time says what those before it said
        base = kept[0]
        for said in kept[1:place]:
            base = _with(said, base)
        kept = (base, *kept[place:])
    coming = next((max(since, agent.upto) for _, since, until, _ in _stretches(kept) if until > agent.upto), None)
    if coming is not None:
        due = _slot(coming) + SLOT_MS - 1
    elif kept and (due := kept[-1].time + KEPT_MS) > agent.upto:
        pass
    else:
        return None
    return replace(agent, states=kept, due={agent.line: due})


def _since(agent: Agent, lateness_ms: int) -> int:
    """States from then on can still come."""
    return _slot(agent.upto - lateness_ms)


def _slot(at: int) -> int:
    return at - at % SLOT_MS
