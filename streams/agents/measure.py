"""`measure`: what one queue goes through. Reads ``contact.measurements`` by channel and queue; writes readings and
queue states.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import orjson

from streams.agents.hop import WATERMARKS, Hop, Name, struct_table
from streams.domain import kpis
from streams.domain.kpi_policy import KpiPolicy
from streams.domain.kpi_tables import TABLE_TYPES, Tables
from streams.domain.queues import queue_states
from streams.domain.records import LIVE, Fact, Line, Measurement
from streams.domain.windows import advance, fold, record_key
from streams.engine import Outputs, Table, TaskInfo
from streams.ops.metrics import Metrics

TABLES = (WATERMARKS, *(struct_table(name, kind) for name, kind in TABLE_TYPES.items()))

_WINDOW_NAMES = {60_000: "1m", 300_000: "5m", 900_000: "15m", 3_600_000: "60m"}


class Measure(Hop):
    """Tables: panes, days, legs and what was published of them; see `streams.domain.kpi_tables`."""

    def __init__(
        self, info: TaskInfo, tables: Mapping[str, Table[Any]], name: Name, policy: KpiPolicy, metrics: Metrics
    ) -> None:
        super().__init__(info, tables, msgspec.json.Decoder(Measurement), None)
        self.kpi_tables = Tables(**{name: tables[name] for name in TABLE_TYPES})
        self.policy, self.metrics = policy, metrics
        self.kpis, self.queue_state = name("kpis"), name("queue.state")
        self._readings: dict[tuple[str, ...], float] = {}
        self._queues: dict[tuple[str, str], tuple[int, int]] = {}

    def fold(self, value: Any, out: Outputs) -> None:
        if isinstance(value, Fact) and fold(self.kpi_tables, value, self.policy) != "counted":
            self.metrics.late.labels("measure").inc()

    def pass_time(self, lines: Mapping[str, Line], out: Outputs) -> None:
        for line, state in lines.items():
            for record in advance(self.kpi_tables, line, state.watermark, state.ended, self.policy):
                out.send(self.kpis, record_key(record).encode(), kpis.encode(record))
                if line == LIVE:
                    self._remember(record)
            for queue in queue_states(self.kpi_tables, line):
                out.send(self.queue_state, f"{queue['channel']}|{queue['queue']}".encode(), orjson.dumps(queue))
                if line == LIVE:
                    waiting_since = self.kpi_tables.lines[line].sealed - queue["longest_wait_ms"]
                    self._queues[queue["channel"], queue["queue"]] = (queue["depth"], waiting_since)

    def _remember(self, record: dict[str, Any]) -> None:
        dimensions = record["dimensions"]
        window = _WINDOW_NAMES.get(record["window"]["length_ms"], "day")
        for reading in record["readings"]:
            labels = (
                reading["kpi"],
                reading["variant"] or "",
                dimensions["channel"],
                dimensions["queue"],
                dimensions["tier"],
                window,
            )
            if reading["value"] is None:
                self._readings.pop(labels, None)
            else:
                self._readings[labels] = reading["value"]

    def readings(self) -> dict[tuple[str, ...], float]:
        """Newest live readings by label values; for the metrics."""
        return self._readings

    def queues_now(self) -> dict[tuple[str, str], tuple[int, float]]:
        """(channel, queue) → (waiting, longest wait in s), live; for the metrics."""
        now = self.live_time() or 0
        return {
            queue: (depth, max(now - since, 0) / 1000 if depth else 0.0)
            for queue, (depth, since) in self._queues.items()
        }


def factory(name: Name, policy: KpiPolicy, metrics: Metrics) -> Callable[[TaskInfo, Mapping[str, Table[Any]]], Measure]:
    return lambda info, tables: Measure(info, tables, name, policy, metrics)
