"""A process in; what every one of ours tells of itself, and all that its own metrics say, as Prometheus's text out."""

import platform

from prometheus_client import CollectorRegistry, Info, ProcessCollector, disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from pipeline.runtime.version import package_version

TEXT = CONTENT_TYPE_PLAIN_0_0_4
"""The media type of what `Metrics.text` writes."""

WORK_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
"""The buckets of whatever takes time."""


class Metrics:
    """What every process tells: its version, and its processor time, memory and open files (`process_*`)."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call] # they double the counters, and nobody asks for them
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        build = Info("turnfold_build", "Versions of Turnfold and Python", registry=self.registry)
        build.info({"version": package_version("0"), "python": platform.python_version()})

    def text(self) -> bytes:
        """All of it, in Prometheus's text format."""
        return generate_latest(self.registry)
