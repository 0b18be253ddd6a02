"""The states of agents, at `identify`: told to each queue that the agent serves, and the time that comes of them."""

from collections.abc import Iterable, Sequence

import msgspec
from msgspec.structs import replace

from streams.base.links import row_key
from streams.base.records import NO_QUEUE, AgentState, Fact, fact_key, facts_together
from streams.engine import Outputs, Table
from streams.metrics import occupancy
from streams.metrics.groups import key_of
from streams.metrics.occupancy import MAX_QUEUES, Agent
from streams.pipeline.ends import name_of
from streams.pipeline.notes import Notes

encode = msgspec.json.Encoder().encode


class Shifts:
    """Rows ``agents``: agent (and line) → the latest states."""

    def __init__(
        self, rows: Table[Agent], measurements: str, lateness_ms: int, notes: Notes, groups: Sequence[str] = ()
    ) -> None:
        self.rows, self.measurements, self.lateness_ms, self.notes = rows, measurements, lateness_ms, notes
        self.groups = groups

    def came(self, told: AgentState, now: int | None, out: Outputs) -> None:
        """A state is told; ``now``: stream time of its line, ms, where it is known."""
        if len(told.queues) > MAX_QUEUES:
            self.notes.limited("identify", "queues")
        for queue in told.queues[:MAX_QUEUES] or (NO_QUEUE,):
            one = replace(told, queues=(queue,)) if told.queues else told
            out.send(self.measurements, queue.encode(), encode(one))
        key = row_key(told.agent, told.line)
        came = occupancy.came(told.agent, self.rows.get(key), told, now, self.lateness_ms)
        if came.late:
            self.notes.late("identify")
        self._keep(key, came.agent)
        self._tell(came.facts, out)

    def passed(self, key: str, now: int, out: Outputs) -> None:
        """Stream time has passed a row's deadline."""
        found = occupancy.passed(name_of(key), self.rows[key], now, self.lateness_ms)
        self._keep(key, found.agent)
        self._tell(found.facts, out)

    def ended(self, key: str, now: int, out: Outputs) -> None:
        """The row's line is over."""
        self._tell(occupancy.ended(name_of(key), self.rows.pop(key), now), out)

    def _keep(self, key: str, agent: Agent | None) -> None:
        if agent is not None:
            self.rows[key] = agent
        else:
            self.rows.pop(key, None)

    def _tell(self, facts: Iterable[Fact], out: Outputs) -> None:
        for fact in facts:
            told = encode(fact)
            out.send(self.measurements, fact_key(fact).encode(), told)
            for group in self.groups:
                if occupancy.counts_in(fact, group.split("+")):
                    out.send(self.measurements, key_of(fact, group).encode(), facts_together([told], group))
