"""Every metric a worker exposes, in one place. No label ever carries a customer, contact or agent.

Labels: ``hop`` is an agent of the pipeline, ``reason`` a dead letter's reason, ``kpi``/``variant``/``window`` come from
the catalogue,
``channel``, ``queue`` and ``tier`` from configuration (queues: as many as the contact centre has).
"""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from streams.engine import Observer, Source

SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
SIZES = (1, 10, 50, 100, 500, 1000, 2000, 4000, 8000)


class Metrics(Observer):
    """Counts what the engine and the agents report; gauges are read off the running tasks when scraped."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        counter, histogram = self._counter, self._histogram
        self.records = counter("contact_streams_records", "Records read and committed", "hop")
        self.bytes = counter("contact_streams_bytes", "Bytes of record values read and committed", "hop")
        self.batches = counter("contact_streams_batches", "Batches committed, one transaction each", "hop")
        self.batch_records = histogram("contact_streams_batch_records", "Records of a batch", SIZES)
        self.batch_seconds = histogram("contact_streams_batch_seconds", "Hand-over to commit of a batch", SECONDS)
        self.transaction_seconds = histogram(
            "contact_streams_transaction_seconds", "The transaction of a batch alone", SECONDS
        )
        self.failed = counter(
            "contact_streams_failed_records", "Records whose handling raised; they are dead letters", "hop"
        )
        self.lost = counter(
            "contact_streams_tasks_lost", "Tasks dropped after a failed commit and taken over again", "hop"
        )
        self.rebalances = counter("contact_streams_rebalances", "New assignments of partitions to this worker")
        self.dead = counter("contact_streams_dead_letters", "Dead letters by reason", "reason")
        self.duplicates = counter("contact_streams_duplicates", "Events dropped because they were seen before")
        self.late = counter("contact_streams_late", "Events or facts that came after their time had passed", "hop")
        self.illegal = counter(
            "contact_streams_illegal_transitions", "Events that cannot happen in their contact's state", "type"
        )
        self.alerts = counter("contact_alerts", "Alert records published", "rule", "status")
        self.restoring_left: dict[tuple[str, int], int] = {}

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(name, text, ("hop",), buckets=buckets, registry=self.registry)

    def batch_committed(
        self, inlet: str, partition: int, records: int, size: int, seconds: float, transaction_seconds: float
    ) -> None:
        self.records.labels(inlet).inc(records)
        self.bytes.labels(inlet).inc(size)
        self.batches.labels(inlet).inc()
        self.batch_records.labels(inlet).observe(records)
        self.batch_seconds.labels(inlet).observe(seconds)
        self.transaction_seconds.labels(inlet).observe(transaction_seconds)

    def record_failed(self, inlet: str) -> None:
        self.failed.labels(inlet).inc()
        self.dead.labels("processing").inc()

    def task_lost(self, inlet: str, partition: int, error: BaseException) -> None:
        self.lost.labels(inlet).inc()

    def restoring(self, inlet: str, partition: int, done: int, total: int) -> None:
        self.restoring_left[inlet, partition] = total - done

    def task_ready(self, inlet: str, partition: int) -> None:
        self.restoring_left.pop((inlet, partition), None)

    def rebalanced(self, assigned: int) -> None:
        self.rebalances.inc()
        self.restoring_left.clear()

    def watch(self, source: Source) -> None:
        """Expose the gauges of a running source too."""
        self.registry.register(_Gauges(source, self))  # type: ignore[arg-type]


class _Gauges:
    """Gauges computed at each scrape from the tasks as they are."""

    def __init__(self, source: Source, metrics: Metrics) -> None:
        self.source, self.metrics = source, metrics

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        takeover, inlets = self.source.takeover, self.source.inlets
        now = time.time()
        lag = dict.fromkeys(inlets, 0)
        for tp, records in self.source.lag().items():
            lag[self.source.inlet_of[tp.topic].name] += records
        behind: dict[str, float] = {}
        for (hop, _), task in takeover.tasks.items():
            live = getattr(task.processor, "live_time", lambda: None)()
            if live is not None:
                behind[hop] = max(behind.get(hop, 0.0), now - live / 1000)
        left = dict.fromkeys(inlets, 0)
        for (hop, _), records in self.metrics.restoring_left.items():
            left[hop] += records
        counts: dict[str, Callable[[str], float]] = {
            "assigned": lambda hop: sum(1 for name, _ in takeover.wanted if name == hop),
            "ready": lambda hop: sum(1 for name, _ in takeover.ready if name == hop),
        }
        yield _by_hop(
            "contact_streams_tasks_assigned",
            "Partitions the group gave this worker",
            {h: counts["assigned"](h) for h in inlets},
        )
        yield _by_hop(
            "contact_streams_tasks_ready", "Partitions restored and running", {h: counts["ready"](h) for h in inlets}
        )
        yield _by_hop("contact_streams_lag_records", "Records not yet read, of running partitions", lag)
        yield _by_hop(
            "contact_streams_lag_seconds", "Wall clock less live stream time, of the partition furthest behind", behind
        )
        yield _by_hop("contact_streams_restore_remaining_records", "Changelog offsets still to read", left)
        yield from self._business()

    def _business(self) -> Iterator[Metric]:
        kpi = GaugeMetricFamily(
            "contact_kpi",
            "Newest live reading (ratios 0 to 1, times in ms)",
            labels=("kpi", "variant", "channel", "queue", "tier", "window"),
        )
        depth = GaugeMetricFamily("contact_queue_depth", "Customers waiting now", labels=("channel", "queue"))
        longest = GaugeMetricFamily(
            "contact_queue_longest_wait_seconds", "Longest wait of those waiting now", labels=("channel", "queue")
        )
        alerts: dict[str, int] = {}
        for task in list(self.source.takeover.tasks.values()):
            processor: Any = task.processor
            for labels, value in getattr(processor, "readings", dict)().items():
                kpi.add_metric(labels, value)
            for labels, (waiting, seconds) in getattr(processor, "queues_now", dict)().items():
                depth.add_metric(labels, waiting)
                longest.add_metric(labels, seconds)
            for rule, count in getattr(processor, "open_alerts", dict)().items():
                alerts[rule] = alerts.get(rule, 0) + count
        open_alerts = GaugeMetricFamily("contact_alerts_open", "Alerts that are firing", labels=("rule",))
        for rule, count in sorted(alerts.items()):
            open_alerts.add_metric((rule,), count)
        yield from (kpi, depth, longest, open_alerts)


def _by_hop(name: str, text: str, values: dict[str, Any]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=("hop",))
    for hop, value in values.items():
        family.add_metric((hop,), value)
    return family
