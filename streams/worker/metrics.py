"""Every metric a worker exposes, in one place. No label ever carries a customer, contact or agent.

Labels: ``hop`` is an agent of the pipeline, ``reason`` a dead letter's reason, ``type`` an event type, ``rule`` one of
the alert rules; ``kpi``, ``variant`` and ``window`` come from the catalogue, ``channel`` from the contract; ``queue``
and ``tier`` are what connectors say, so the number of their series has a limit.

Counters whose labels are known beforehand begin at 0: ``increase()`` does not see a series appear.
"""

from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from itertools import product
from typing import get_args

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)

from schemas.data import IdentifierKind
from schemas.dead_letter import DeadLetter
from schemas.events import EVENTS
from streams.customers.outreach import HELD_BY, SEND
from streams.customers.recommendations import TOLD_AS
from streams.customers.silences import ENDED, QUIET, WITHDRAWN
from streams.customers.verdicts import VERDICTS
from streams.engine import BatchDone, BatchTooLarge, Lag, Observer, Source, UnreadableRecord
from streams.identity.identifiers import Why
from streams.pipeline.notes import Notes
from streams.worker.gauges import Gauges
from streams.worker.guarded import WHY

SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
SIZES = (1, 10, 50, 100, 500, 1000, 2000, 4000, 8000)
REASONS: tuple[str, ...] = get_args(DeadLetter.model_fields["reason"].annotation)
LIMITS = {
    "ingest": ("undeclared",),
    "identify": (
        "history",
        "holders",
        "identifier",
        "identifiers",
        "links",
        "owner",
        "profiles",
        "queues",
        "source",
        "waiting",
        "watchers",
    ),
    "track": ("row", "contacts", "labels", "lines"),
    "measure": ("queue", "tier", "lane", "by_tier"),
}
"""Hop → what of its state or outputs has a bound that a connector can reach."""
_NOT_OF_CONTACTS = ("customer.", "order.", "promise.", "agent.", "alert.", "replay.")


class Metrics(Observer, Notes):
    """Counts what the engine and the agents report; gauges are read off the running tasks when scraped.

    ``alert_rules``: name → severity, ``outreach_rules``: names; so that one that has never fired is 0.
    """

    def __init__(self, alert_rules: Mapping[str, str] | None = None, outreach_rules: Iterable[str] = ()) -> None:
        # Its _created series are of no use to Prometheus, and one more for each counter.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self.alert_rules: Mapping[str, str] = dict(alert_rules or {})
        self.outreach_rules = tuple(outreach_rules)
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
        self.plugins = counter(
            "contact_streams_plugin_failures",
            "Times that a plug-in raised, hung or gave what is none of what it was asked for",
            *("plugin", "why"),
        )
        self.rules_refused = counter(
            "contact_streams_rules_refused", "Times that alert rules were not applied at SIGHUP since they were wrong"
        )
        self.came_late = counter("contact_streams_late", "Events or facts that came after their time had passed", "hop")
        self.erasures = counter("contact_streams_erasures", "Customers erased, with a proof")
        self.left_out_records = counter(
            "contact_streams_left_out", "Records left out because they name somebody who was erased later", "hop"
        )
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
        self.alerts = counter("contact_alerts", "Steps of live alerts, by the state they led to", "rule", "state")
        self.quiet_customers = counter(
            "contact_quiet_customers", "Records of customers who fell silent, or no longer are", "verdict", "status"
        )
        self.recommended = counter(
            "contact_recommendations", "Recommendations published for contacts, or withdrawn", "because", "status"
        )
        self.outreach_decided = counter(
            "contact_outreach", "Outreaches decided: send, or why they were held back", "rule", "what"
        )
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
        for hop in ("identify", "track"):
            self.left_out_records.labels(hop)
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
        self._begin_of_rules()
        self._begin_of_customers()

    def _begin_of_rules(self) -> None:
        for rule in self.alert_rules:
            for state in ("firing", "resolved"):
                self.alerts.labels(rule, state)

    def _begin_of_customers(self) -> None:
        for plugin, why in product(("sentiment", "behaviours"), WHY):
            self.plugins.labels(plugin, why)
        for verdict in VERDICTS:
            for status in (QUIET, ENDED, WITHDRAWN):
                self.quiet_customers.labels(verdict, status)
        for because, status in TOLD_AS:
            self.recommended.labels(because, status)
        for rule in self.outreach_rules:
            for what in (SEND, *HELD_BY):
                self.outreach_decided.labels(rule, what)

    def _process(self) -> None:
        build = Gauge(
            "contact_streams_build_info", "Always 1; the version is in the label", ("version",), registry=self.registry
        )
        build.labels(_version()).set(1)
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    def ruled(self, severities: Mapping[str, str]) -> None:
        self.alert_rules = dict(severities)
        self._begin_of_rules()

    def dead_letter(self, reason: str) -> None:
        self.dead.labels(reason).inc()

    def duplicate(self) -> None:
        self.duplicates.inc()

    def sieved(self, texts: int) -> None:
        self.masked_by_sieve.inc(texts)

    def plugin_failed(self, plugin: str, why: str) -> None:
        self.plugins.labels(plugin, why).inc()

    def unused_identifier(self, kind: str, why: str) -> None:
        self.identifiers.labels(kind, why).inc()

    def released(self, topic: str, times: int = 1) -> None:
        self.time_released.labels(topic).inc(times)

    def erased(self) -> None:
        self.erasures.inc()

    def left_out(self, stage: str) -> None:
        self.left_out_records.labels(stage).inc()

    def late(self, stage: str) -> None:
        self.came_late.labels(stage).inc()

    def limited(self, stage: str, what: str) -> None:
        self.limits.labels(stage, what).inc()

    def illegal(self, event_type: str) -> None:
        self.illegal_transitions.labels(event_type).inc()

    def alert(self, rule: str, state: str) -> None:
        self.alerts.labels(rule, state).inc()

    def quiet(self, verdict: str, status: str) -> None:
        self.quiet_customers.labels(verdict, status).inc()

    def outreach(self, rule: str, what: str) -> None:
        self.outreach_decided.labels(rule, what).inc()

    def recommendation(self, because: str, status: str) -> None:
        self.recommended.labels(because, status).inc()

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
        self.registry.register(Gauges(source, self))

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


def _version() -> str:
    try:
        return version("contact-streams")
    except PackageNotFoundError:
        return "unknown"
