"""What the API counts. No label names a person or an alert."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

BUCKETS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30)


class ApiMetrics:
    """On a registry of its own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.requests = Counter(
            "contact_streams_api_requests", "Requests answered", ["route", "method", "status"], registry=registry
        )
        self.seconds = Histogram(
            "contact_streams_api_request_seconds", "Time to answer, streams left out", ["route"],
            buckets=BUCKETS, registry=registry,
        )  # fmt: skip
        self.denied = Counter("contact_streams_api_denied", "Requests of nobody known", ["why"], registry=registry)
        self.refused = Counter("contact_streams_api_refused", "Requests refused unread", ["why"], registry=registry)
        self.words = Counter(
            "contact_streams_api_commands", "Commands and silences", ["action", "result"], registry=registry
        )
        self.streams = Gauge("contact_streams_api_streams", "Live streams that are open", registry=registry)
        self.held = Gauge("contact_streams_api_alerts_held", "Alerts in memory", registry=registry)
        self.left_out = Gauge(
            "contact_streams_api_alerts_left_out", "Alerts not over for which there was no room", registry=registry
        )

    def exposition(self) -> tuple[bytes, str]:
        """The text, and what it is."""
        return generate_latest(self.registry), CONTENT_TYPE_LATEST
