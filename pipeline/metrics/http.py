"""Metrics of the query layer and of the receiver: requests and their duration, what arrived, what waits for Kafka."""

from collections.abc import Callable

from prometheus_client import Counter, Gauge, Histogram

from pipeline.metrics.process import WORK_SECONDS, Metrics


class QueryMetrics(Metrics):
    """Requests by operation (Lex's name, or `other`) and HTTP status."""

    def __init__(self) -> None:
        super().__init__()
        self._requests = Counter(
            "turnfold_requests_total", "Requests answered", ["operation", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "turnfold_request_seconds",
            "Time from the head of a request to the head of its response",
            ["operation"],
            buckets=WORK_SECONDS,
            registry=self.registry,
        )

    def answered(self, operation: str, status: int, seconds: float) -> None:
        """Count an answered request."""
        self._requests.labels(operation, str(status)).inc()
        self._seconds.labels(operation).observe(seconds)


class ReceiveMetrics(QueryMetrics):
    """Requests by operation and status, as the query layer's, and the events that were in them."""

    def __init__(self) -> None:
        super().__init__()
        self._events = Counter(
            "turnfold_received_total",
            "Log entries and dead letters that Kafka has acknowledged",
            ["operation", "kind"],
            registry=self.registry,
        )
        self._bytes = Counter(
            "turnfold_received_bytes_total", "Bytes of bodies as received", ["operation"], registry=self.registry
        )
        self._held = Gauge(
            "turnfold_receive_held_bytes", "Bytes of incomplete records of requests in progress", registry=self.registry
        )
        self._unacknowledged = Gauge(
            "turnfold_receive_unacknowledged",
            "Messages that Kafka has not acknowledged yet",
            registry=self.registry,
        )

    def watch(self, held: Callable[[], float], unacknowledged: Callable[[], float]) -> None:
        """Read the gauges from these functions."""
        self._held.set_function(held)
        self._unacknowledged.set_function(unacknowledged)

    def received(self, operation: str, size: int) -> None:
        """Count the bytes of a body."""
        self._bytes.labels(operation).inc(size)

    def kept(self, operation: str, entries: int, dead: int) -> None:
        """Count what a request has brought into Kafka."""
        self._events.labels(operation, "entry").inc(entries)
        self._events.labels(operation, "dead").inc(dead)
