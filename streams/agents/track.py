"""`track`: what one customer goes through. Reads ``contact.interactions`` by owner; writes facts, journeys, segments
and alerts.
"""

import heapq
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import orjson

from streams.agents.hop import WATERMARKS, Hop, Name, struct_table
from streams.domain import customers
from streams.domain.customers import Customer, Outcome
from streams.domain.policy import Rules
from streams.domain.records import LIVE, Interaction, Line
from streams.engine import Outputs, Table, TaskInfo
from streams.ops.metrics import Metrics

TABLES = (WATERMARKS, struct_table("customers", Customer))
encode = msgspec.json.Encoder().encode


class Track(Hop):
    """Table ``customers``: owner → contacts, journey, segment, alerts.

    Deadlines are kept in a heap per line beside the table: (due ms, owner). An entry may be out of date; what is due is
    then asked of the customer itself.
    """

    def __init__(
        self, info: TaskInfo, tables: Mapping[str, Table[Any]], name: Name, rules: Rules, metrics: Metrics
    ) -> None:
        super().__init__(info, tables, msgspec.json.Decoder(Interaction), name("contact.measurements"))
        self.customers, self.rules, self.metrics = tables["customers"], rules, metrics
        self.measurements, self.alerts, self.journeys, self.segments = (
            name("contact.measurements"),
            name("alerts"),
            name("journeys"),
            name("segments"),
        )
        self.deadlines: dict[str, list[tuple[int, str]]] = {}
        self.touched: dict[str, None] = {}
        self.firing: dict[str, int] = {}
        for owner, customer in self.customers.items():
            self._schedule(owner, customer)
            live = customer.lines.get(LIVE)
            for alert in live.alerts.values() if live else ():
                self.firing[alert.rule] = self.firing.get(alert.rule, 0) + alert.firing

    def fold(self, value: Any, out: Outputs) -> None:
        owner = customers.owner_of(value)
        if owner is None:
            raise ValueError("the record does not say whose it is")
        outcome = customers.fold(self.customers.get(owner), value, self.watermarks, self.rules)
        self.touched[owner] = None
        self._write(owner, outcome, out)
        if outcome.late:
            self.metrics.late.labels("track").inc()

    def pass_time(self, lines: Mapping[str, Line], out: Outputs) -> None:
        for line, state in lines.items():
            heap = self.deadlines.get(line)
            while heap and heap[0][0] < state.watermark:
                self.touched[heapq.heappop(heap)[1]] = None
        for owner in self.touched:
            # Publishes once what a whole batch changed, and fires what stream time has passed.
            self._write(owner, customers.advance(self.customers.get(owner), self.watermarks, self.rules), out)
            self._schedule(owner, self.customers.get(owner))
        self.touched.clear()

    def open_alerts(self) -> dict[str, int]:
        """Alerts firing now on the live line, by rule; for the metrics."""
        return self.firing

    def _write(self, owner: str, outcome: Outcome, out: Outputs) -> None:
        if outcome.customer is None:
            self.customers.pop(owner, None)
        elif outcome.customer is not self.customers.get(owner):
            self.customers[owner] = outcome.customer
        for fact in outcome.facts:
            out.send(self.measurements, f"{fact.channel}|{fact.queue}".encode(), encode(fact))
        for alert in outcome.alerts:
            out.send(self.alerts, alert["alert_id"].encode(), orjson.dumps(alert))
            if alert["line"] == LIVE:
                self.metrics.alerts.labels(alert["rule"], alert["status"]).inc()
                step = 1 if alert["status"] == "firing" else -1
                self.firing[alert["rule"]] = self.firing.get(alert["rule"], 0) + step
        for journey in outcome.journeys:
            out.send(self.journeys, owner.encode(), orjson.dumps(journey))
        for segment in outcome.segments:
            out.send(self.segments, owner.encode(), orjson.dumps(segment))
        for illegal in outcome.illegal:
            self.metrics.illegal.labels(illegal.type).inc()

    def _schedule(self, owner: str, customer: Customer | None) -> None:
        for line, due in customers.next_deadlines(customer, self.rules):
            heapq.heappush(self.deadlines.setdefault(line, []), (due, owner))


def factory(name: Name, rules: Rules, metrics: Metrics) -> Callable[[TaskInfo, Mapping[str, Table[Any]]], Track]:
    return lambda info, tables: Track(info, tables, name, rules, metrics)
