"""Metrics that every process has, and their text format."""

import platform

from prometheus_client import CollectorRegistry, Info, ProcessCollector, disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from pipeline.runtime.version import package_version

TEXT = CONTENT_TYPE_PLAIN_0_0_4
"""Media type of `Metrics.text`."""

WORK_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
"""Buckets of all histograms of durations, in seconds."""


class Metrics:
    """Metrics of every process: its version, and its CPU time, memory and open files (`process_*`)."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call] # they double the number of series, and nobody needs them
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.build = Info("turnfold_build", "Versions of Turnfold and Python", registry=self.registry)
        self.build.info({"version": package_version("0"), "python": platform.python_version()})

    def text(self) -> bytes:
        """Return all metrics in Prometheus's text format."""
        return generate_latest(self.registry)
