"""Every metric a worker exposes, in one place. No label ever carries a customer, contact or agent.

Labels: ``hop`` is an agent of the pipeline, ``reason`` a dead letter's reason, ``type`` an event type, ``rule`` one of
the alert rules; ``kpi``, ``variant`` and ``window`` come from the catalogue, ``channel`` from the contract; ``queue``
and ``tier`` are what connectors say, so the number of their series has a limit.

Counters whose labels are known beforehand begin at 0: ``increase()`` does not see a series appear.
"""

from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any, get_args

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from schemas.data import IdentifierKind
from schemas.dead_letter import DeadLetter
from schemas.events import EVENTS
from streams.engine import BatchDone, BatchTooLarge, Lag, Observer, Source, UnreadableRecord
from streams.engine.clock import clock
from streams.engine.demands import Effect
from streams.identity.identifiers import Why
from streams.pipeline.notes import Notes, Telling

SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
SIZES = (1, 10, 50, 100, 500, 1000, 2000, 4000, 8000)
KPI_LABELS = ("kpi", "variant", "channel", "queue", "tier", "window")
QUEUE_LABELS = ("channel", "queue")
REASONS: tuple[str, ...] = get_args(DeadLetter.model_fields["reason"].annotation)
SERIES_LIMIT = 20_000
"""Most series of one business metric: a connector that puts ids where a queue's name belongs must not fill the
monitoring.
"""
LIMITS = {
    "ingest": ("undeclared",),
    "identify": ("history", "identifier", "owner", "queues", "source"),
    "track": ("row", "contacts", "labels", "lines"),
    "measure": ("queue", "tier", "lane", "by_tier"),
}
"""Hop → what of its state or outputs has a bound that a connector can reach."""
_NOT_OF_CONTACTS = ("customer.", "agent.", "alert.", "replay.")


class Metrics(Observer, Notes):
    """Counts what the engine and the agents report; gauges are read off the running tasks when scraped.

    ``alert_rules``: the names of the rules, so that one that has never fired is 0.
    """

    def __init__(self, alert_rules: Iterable[str] = ()) -> None:
        # Its _created series are of no use to Prometheus, and one more for each counter.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self.alert_rules = tuple(alert_rules)
        counter, histogram = self._counter, self._histogram
        self.records = counter("contact_streams_records", "Records read and committed", "hop")
        self.bytes = counter("contact_streams_bytes", "Bytes of record values read and committed", "hop")
        self.batches = counter("contact_streams_batches", "Batches committed, one transaction each", "hop")
        self.handle_cpu = counter("contact_streams_handle_cpu_seconds", "CPU of the agents' own work on batches", "hop")
        self.batch_records = histogram("contact_streams_batch_records", "Records of a batch", SIZES)
        self.batch_seconds = histogram("contact_streams_batch_seconds", "Hand-over to commit of a batch", SECONDS)
        self.transaction_seconds = histogram(
            "contact_streams_transaction_seconds", "The transaction of a batch alone", SECONDS
        )
        self.failed = counter(
            "contact_streams_failed_records", "Records whose handling raised; they are dead letters", "hop"
        )
        self.aside = counter(
            "contact_streams_rows_set_aside", "Rows of the state that were at fault; they are dead letters", "hop"
        )
        self.unfinished = counter(
            "contact_streams_finish_failures", "Batches whose end was left out because it raises: time stands", "hop"
        )
        self.lost = counter(
            "contact_streams_tasks_lost", "Tasks dropped after a failed commit and taken over again", "hop"
        )
        self.rebalances = counter("contact_streams_rebalances", "New assignments of partitions to this worker")
        self.dead = counter("contact_streams_dead_letters", "Dead letters by reason", "reason")
        self.duplicates = counter("contact_streams_duplicates", "Events dropped because they were seen before")
        self.masked_by_sieve = counter(
            "contact_streams_masked_by_sieve", "Texts with so many numbers that all of them were masked without asking"
        )
        self.identifiers = counter(
            "contact_streams_unused_identifiers",
            "Identifiers left out: not of the form of their kind, or standing for nobody",
            *("kind", "why"),
        )
        self.came_late = counter("contact_streams_late", "Events or facts that came after their time had passed", "hop")
        self.time_released = counter(
            "contact_streams_time_released", "Times live time went on without the unread records of a topic", "topic"
        )
        self.saturated_readings = counter(
            "contact_streams_saturated", "Readings published with the largest number there is, in place of a larger one"
        )
        self.illegal_transitions = counter(
            "contact_streams_illegal_transitions", "Events that cannot happen in their contact's state", "type"
        )
        self.connections_closed = counter(
            "contact_streams_web_connections_closed", "Connections to this web that were closed before their end", "why"
        )
        self.alerts = counter("contact_alerts", "Alert records published", "rule", "status")
        self.limits = counter(
            "contact_streams_limits", "Times that state or an output met its bound and was made smaller", "hop", "what"
        )
        self.restoring_left: dict[tuple[str, int], int] = {}
        self.lag: dict[str, Lag] = {}
        """Hop → how far it is behind, all its partitions here; as of the last `measure`."""
        self._begin_at_zero()
        self._process()

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(name, text, ("hop",), buckets=buckets, registry=self.registry)

    def _begin_at_zero(self) -> None:
        for reason in REASONS:
            self.dead.labels(reason)
        for why in ("slow", "full"):
            self.connections_closed.labels(why)
        for identifier in get_args(IdentifierKind):
            for why in get_args(Why):
                self.identifiers.labels(identifier, why)
        for kind in EVENTS:
            if not kind.startswith(_NOT_OF_CONTACTS):
                self.illegal_transitions.labels(kind)
        for hop, bounds in LIMITS.items():
            for what in bounds:
                self.limits.labels(hop, what)
        for rule in self.alert_rules:
            for status in ("firing", "resolved"):
                self.alerts.labels(rule, status)

    def _process(self) -> None:
        build = Gauge(
            "contact_streams_build_info", "Always 1; the version is in the label", ("version",), registry=self.registry
        )
        build.labels(_version()).set(1)
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    def dead_letter(self, reason: str) -> None:
        self.dead.labels(reason).inc()

    def duplicate(self) -> None:
        self.duplicates.inc()

    def sieved(self, texts: int) -> None:
        self.masked_by_sieve.inc(texts)

    def unused_identifier(self, kind: str, why: str) -> None:
        self.identifiers.labels(kind, why).inc()

    def released(self, topic: str, times: int = 1) -> None:
        self.time_released.labels(topic).inc(times)

    def late(self, stage: str) -> None:
        self.came_late.labels(stage).inc()

    def limited(self, stage: str, what: str) -> None:
        self.limits.labels(stage, what).inc()

    def illegal(self, event_type: str) -> None:
        self.illegal_transitions.labels(event_type).inc()

    def alert(self, rule: str, status: str) -> None:
        self.alerts.labels(rule, status).inc()

    def saturated(self, readings: int) -> None:
        self.saturated_readings.inc(readings)

    def batch_committed(self, inlet: str, partition: int, done: BatchDone) -> None:
        self.records.labels(inlet).inc(done.records)
        self.bytes.labels(inlet).inc(done.size)
        self.batches.labels(inlet).inc()
        self.handle_cpu.labels(inlet).inc(done.handle_cpu_seconds)
        self.batch_records.labels(inlet).observe(done.records)
        self.batch_seconds.labels(inlet).observe(done.seconds)
        self.transaction_seconds.labels(inlet).observe(done.transaction_seconds)

    def record_failed(self, inlet: str) -> None:
        self.failed.labels(inlet).inc()
        self.dead.labels("processing").inc()

    def unreadable(self, inlet: str, kind: type[UnreadableRecord], places: int) -> None:
        self.dead.labels("too-large" if issubclass(kind, BatchTooLarge) else "unreadable").inc(places)

    def row_set_aside(self, inlet: str, table: str, rows: int) -> None:
        self.aside.labels(inlet).inc(rows)
        self.dead.labels("processing").inc(rows)

    def finish_failed(self, inlet: str, partition: int, error: BaseException) -> None:
        self.unfinished.labels(inlet).inc()

    def task_lost(self, inlet: str, partition: int, error: BaseException) -> None:
        self.lost.labels(inlet).inc()

    def restoring(self, inlet: str, partition: int, done: int, total: int) -> None:
        self.restoring_left[inlet, partition] = total - done

    def task_ready(self, inlet: str, partition: int) -> None:
        self.restoring_left.pop((inlet, partition), None)

    def task_closed(self, inlet: str, partition: int) -> None:
        self.restoring_left.pop((inlet, partition), None)

    def rebalanced(self, assigned: int) -> None:
        self.rebalances.inc()
        self.restoring_left.clear()

    def connection_closed(self, why: str) -> None:
        """``slow``: its time was up; ``full``: there were too many."""
        self.connections_closed.labels(why).inc()

    def watch(self, source: Source) -> None:
        """Expose the gauges of a running source too, and let the counters of its agents begin."""
        for hop in source.layout.inlets:
            counters = (self.records, self.bytes, self.batches, self.handle_cpu, self.failed, self.lost, self.came_late)
            for of_hop in (*counters, self.aside, self.unfinished):
                of_hop.labels(hop)
            for histogram in (self.batch_records, self.batch_seconds, self.transaction_seconds):
                histogram.labels(hop)
        self.registry.register(_Gauges(source, self))

    async def measure(self, source: Source) -> dict[str, Lag]:
        """Ask the broker how far each agent is behind: records in all, seconds of the partition furthest behind.

        One of which nothing is known is left out. Its series is a gap then; 0 would be a lie, and NaN would spoil the
        sum over all workers.
        """
        asked = {hop for hop, _ in source.tasks.ready}
        lag = dict.fromkeys(source.layout.inlets, Lag(0, 0.0))
        told = await source.lag()
        for tp, (records, seconds) in told.items():
            hop = source.layout.inlet_of[tp.topic].name
            lag[hop] = Lag(lag[hop].records + records, max(lag[hop].seconds, seconds))
        unknown = asked - {source.layout.inlet_of[tp.topic].name for tp in told}
        self.lag = {} if source.topology.silent else {hop: each for hop, each in lag.items() if hop not in unknown}
        return self.lag


class _Gauges(Collector):
    """Gauges computed at each scrape from the tasks as they are."""

    def __init__(self, source: Source, metrics: Metrics) -> None:
        self.source, self.metrics = source, metrics

    def describe(self) -> Iterable[Metric]:
        """Nothing: the tasks are not there yet when this is registered."""
        return []

    def collect(self) -> Iterator[Metric]:
        tasks, inlets = self.source.tasks, self.source.layout.inlets
        assigned, ready, left = (dict.fromkeys(inlets, 0) for _ in range(3))
        for hop, _ in tasks.wanted:
            assigned[hop] += 1
        for hop, _ in tasks.ready:
            ready[hop] += 1
        for (hop, _), records in self.metrics.restoring_left.items():
            left[hop] += records
        yield _by_hop("contact_streams_tasks_assigned", "Partitions the group gave this worker", assigned)
        yield _by_hop("contact_streams_tasks_ready", "Partitions restored and running", ready)
        lag = self.metrics.lag
        yield _by_hop(
            "contact_streams_lag_records",
            "Records not yet committed, of running partitions",
            {hop: each.records for hop, each in lag.items()},
        )
        yield _by_hop(
            "contact_streams_unread_seconds",
            "Age of the oldest record not yet committed, of running partitions; 0 when there is none",
            {hop: each.seconds for hop, each in lag.items()},
        )
        yield _by_hop(
            "contact_streams_lag_seconds",
            "Wall clock less live stream time, of the partition furthest behind; at measure: end to end",
            self._behind(),
        )
        inputs = [tp for key in tasks.ready for tp in tasks.owned[key].inputs]
        yield _family(
            "contact_streams_clock_offset_seconds",
            "By how much this worker's clock is ahead of the broker's; negative: behind",
            (),
            {(): clock.ahead() or 0.0},
        )
        yield _by_topic(
            "contact_streams_open_transaction_seconds",
            "How long a transaction that is open has kept records of this topic from being read",
            self.source.reach.open_transactions(inputs),
        )
        yield _by_topic(
            "contact_streams_time_held_seconds",
            "How long unread records of this topic have held live time without bringing an event that is taken",
            self._held(),
        )
        yield _by_hop("contact_streams_restore_remaining_records", "Changelog offsets still to read", left)
        yield _family(
            "contact_streams_topics_changed",
            "Topics that are no longer as they were when the worker started",
            (),
            {(): len(self.source.topology.why)},
        )
        kept = [each.demand.effect for each in self.source.topology.departures]
        yield _family(
            "contact_streams_topic_settings_differ",
            "Settings of topics that are not as they have to be: no worker would start with those that are refused",
            ("effect",),
            {(effect,): kept.count(effect) for effect in Effect},
        )
        yield from self._business()

    def _behind(self) -> dict[str, float]:
        now = clock.now() / 1000
        behind: dict[str, float] = {}
        for (hop, _), task in self.source.tasks.owned.items():
            live = _asked(task.processor).live_time()
            if live is not None:
                behind[hop] = max(behind.get(hop, 0.0), now - live / 1000)
        return behind

    def _held(self) -> dict[str, float]:
        held: dict[str, float] = {}
        for task in list(self.source.tasks.owned.values()):
            for topic, seconds in _asked(task.processor).held().items():
                held[topic] = max(held.get(topic, 0.0), seconds)
        return held

    def _business(self) -> Iterator[Metric]:
        readings: dict[tuple[str, ...], float] = {}
        queues: dict[tuple[str, str], tuple[int, float]] = {}
        alerts = dict.fromkeys(self.metrics.alert_rules, 0)
        for task in list(self.source.tasks.owned.values()):
            stage = _asked(task.processor)
            readings.update(stage.readings())
            queues.update(stage.queues_now())
            for rule, count in stage.open_alerts().items():
                alerts[rule] = alerts.get(rule, 0) + count
        depth = {queue: waiting for queue, (waiting, _) in queues.items()}
        longest = {queue: seconds for queue, (_, seconds) in queues.items()}
        yield _family("contact_kpi", "Newest live reading (ratios 0 to 1, times in ms)", KPI_LABELS, readings)
        yield _family("contact_queue_depth", "Customers waiting now", QUEUE_LABELS, depth)
        yield _family("contact_queue_longest_wait_seconds", "Longest wait of those waiting now", QUEUE_LABELS, longest)
        yield _family(
            "contact_alerts_open", "Alerts that are firing", ("rule",), {(rule,): n for rule, n in alerts.items()}
        )
        left_out = sum(max(len(values) - SERIES_LIMIT, 0) for values in (readings, depth, longest))
        yield _family(
            "contact_streams_series_left_out",
            f"Series of business metrics that are not shown: each shows at most {SERIES_LIMIT}",
            (),
            {(): left_out},
        )


_NOTHING = Telling()


def _asked(processor: object) -> Telling:
    """The stage of a task; one that is being restored has none yet."""
    return processor if isinstance(processor, Telling) else _NOTHING


def _family(name: str, text: str, labels: tuple[str, ...], values: Mapping[Any, float]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=labels)
    for number, (label_values, value) in enumerate(values.items()):
        if number == SERIES_LIMIT:
            break
        family.add_metric(label_values, value)
    return family


def _by_hop(name: str, text: str, values: Mapping[str, float]) -> Metric:
    return _family(name, text, ("hop",), {(hop,): value for hop, value in values.items()})


def _by_topic(name: str, text: str, values: Mapping[str, float]) -> Metric:
    return _family(name, text, ("topic",), {(topic,): value for topic, value in values.items()})


def _version() -> str:
    try:
        return version("contact-streams")
    except PackageNotFoundError:
        return "unknown"
