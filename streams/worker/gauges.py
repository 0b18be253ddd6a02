"""The gauges of a worker, computed at each scrape from the tasks as they are. Their labels: see `metrics`."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from streams.engine import Lag, Processor, Source
from streams.engine.clock import clock
from streams.engine.demands import Effect
from streams.pipeline.notes import Gauged

KPI_LABELS = ("kpi", "variant", "channel", "queue", "tier", "window", "by", "service_type", "agent_group")
"""The last three are empty, which to Prometheus is not there, but of groups."""
QUEUE_LABELS = ("channel", "queue")
SERIES_LIMIT = 20_000
"""Most series of one business metric: a connector that puts ids where a queue's name belongs must not fill the
monitoring.
"""


class Noted(Protocol):
    """What the engine told the worker's metrics, and the rules that there are."""

    alert_rules: Mapping[str, str]
    restoring_left: dict[tuple[str, int], int]
    lag: dict[str, Lag]


class Gauges(Collector):
    """Gauges computed at each scrape from the tasks as they are."""

    def __init__(self, source: Source, metrics: Noted) -> None:
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
        queues: dict[tuple[str, str], tuple[int, float, float | None]] = {}
        alerts = dict.fromkeys(((rule, "firing", severity) for rule, severity in self.metrics.alert_rules.items()), 0)
        signals = dict.fromkeys(("product", "topic"), 0)
        versions: dict[tuple[str, ...], int] = {}
        for task in list(self.source.tasks.owned.values()):
            stage = _asked(task.processor)
            readings.update(stage.readings())
            queues.update(stage.queues_now())
            if (version := stage.rules_version()) is not None:
                versions[version,] = 1
            for kind, count in stage.firing_signals().items():
                signals[kind] += count
            for labels, count in stage.open_alerts().items():
                alerts[labels] = alerts.get(labels, 0) + count
        depth = {queue: waiting for queue, (waiting, _, _) in queues.items()}
        longest = {queue: seconds for queue, (_, seconds, _) in queues.items()}
        expected = {queue: seconds for queue, (_, _, seconds) in queues.items() if seconds is not None}
        yield _family("contact_kpi", "Newest live reading (ratios 0 to 1, times in ms)", KPI_LABELS, readings)
        yield _family("contact_queue_depth", "Customers waiting now", QUEUE_LABELS, depth)
        yield _family("contact_queue_longest_wait_seconds", "Longest wait of those waiting now", QUEUE_LABELS, longest)
        yield _family(
            "contact_queue_expected_wait_seconds",
            "What one who enters now and has to wait is to expect",
            QUEUE_LABELS,
            expected,
        )
        yield _family("contact_alerts_open", "Alerts that are not over", ("rule", "state", "severity"), alerts)
        yield _family("contact_alert_rules_info", "Always 1; the rules that alerts go by", ("version",), versions)
        yield _family(
            "contact_defect_signals_firing",
            "Products and topics whose share of negative contacts has risen",
            ("kind",),
            {(kind,): n for kind, n in signals.items()},
        )
        left_out = sum(max(len(values) - SERIES_LIMIT, 0) for values in (readings, depth, longest, expected))
        yield _family(
            "contact_streams_series_left_out",
            f"Series of business metrics that are not shown: each shows at most {SERIES_LIMIT}",
            (),
            {(): left_out},
        )


_NOTHING = Gauged()


def _asked(processor: Processor | None) -> Gauged:
    """The agent's handler in a task; one that is being restored has none yet."""
    if processor is None:
        return _NOTHING
    if not isinstance(processor, Gauged):
        raise TypeError(f"{type(processor).__name__} does not say what the gauges ask")
    return processor


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
