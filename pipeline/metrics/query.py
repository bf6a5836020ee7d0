"""Answered requests in; how many, how they ended and how long they took, by operation, out."""

from prometheus_client import Counter, Histogram

from pipeline.metrics.process import WORK_SECONDS, Metrics


class QueryMetrics(Metrics):
    """What a query layer tells: requests by operation (Lex's name, or `other`) and HTTP status."""

    def __init__(self) -> None:
        super().__init__()
        self._requests = Counter(
            "turnfold_requests_total", "Requests answered", ["operation", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "turnfold_request_seconds",
            "Time from a request's head to the head of its answer",
            ["operation"],
            buckets=WORK_SECONDS,
            registry=self.registry,
        )

    def answered(self, operation: str, status: int, seconds: float) -> None:
        """A request was answered."""
        self._requests.labels(operation, str(status)).inc()
        self._seconds.labels(operation).observe(seconds)
