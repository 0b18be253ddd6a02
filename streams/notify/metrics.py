"""What `contact-streams notify` exposes. No label ever carries a customer or a contact; ``target`` is a name of
notify.yaml."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, GCCollector, Histogram, ProcessCollector

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10, 60, 600, 3600)
REASONS = ("refused", "exhausted", "unreadable")


class Metrics:
    """Begins at 0 for every target: ``increase()`` does not see a series appear."""

    def __init__(self, targets: Iterable[str]) -> None:
        self.registry = CollectorRegistry()
        self.deliveries = self._counter("deliveries", "Messages that a target has taken")
        self.retries = self._counter("retries", "Attempts that failed and were followed by another")
        self.failures = Counter(
            "contact_streams_notify_failures", "Messages given up: dead letters", ("target", "reason"),
            registry=self.registry,
        )  # fmt: skip
        self.steps = self._counter("steps", "Steps of alerts that were for the target")
        self.pending = self._gauge("pending", "Messages in memory that the target does not have yet")
        self.lag = self._gauge("lag_records", "Records that were not read yet for the target")
        self.failing = self._gauge("failing", "Attempts that failed since the last one that did not")
        self.firing = self._gauge("firing", "Alerts that an Alertmanager is told to fire")
        self.seconds = Histogram(
            "contact_streams_notify_seconds", "From an alert's record to its delivery", ("target",), buckets=SECONDS,
            registry=self.registry,
        )  # fmt: skip
        for target in targets:
            for each in (self.deliveries, self.retries, self.steps, self.pending, self.lag, self.failing, self.seconds):
                each.labels(target)
            for reason in REASONS:
                self.failures.labels(target, reason)
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    def _counter(self, name: str, text: str) -> Counter:
        return Counter(f"contact_streams_notify_{name}", text, ("target",), registry=self.registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(f"contact_streams_notify_{name}", text, ("target",), registry=self.registry)
