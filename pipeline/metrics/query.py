"""Metrics of the query layer: requests by operation and status, and their duration."""

from prometheus_client import Counter, Histogram

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
