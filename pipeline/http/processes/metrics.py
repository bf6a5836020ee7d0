"""Metrics of several processes as those of one: counts added up, and CPU time and memory of each process."""

from collections.abc import Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, ProcessCollector, values
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from pipeline.http.processes.table import ProcessTable
from pipeline.metrics.http import QueryMetrics

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable by which prometheus_client finds the files in which processes count."""


class SharedQueryMetrics(QueryMetrics):
    """Metrics that every process counts in a file of its own, so that each can tell the sum of all.

    A process that replaces another continues in its file, so that no count ever falls.
    """

    def __init__(self, folder: Path, number: int, table: ProcessTable) -> None:
        """Count for process `number`; FOLDER_VARIABLE must name the folder."""
        values.ValueClass = values.MultiProcessValue(lambda: number)  # type: ignore[no-untyped-call] # as its documentation does
        super().__init__()
        self._all = CollectorRegistry()
        MultiProcessCollector(self._all, str(folder))  # type: ignore[no-untyped-call]
        self._all.register(ProcessGroupCollector(table))
        self._all.register(self.build)

    def text(self) -> bytes:
        """Return the metrics of all processes in Prometheus's text format."""
        return generate_latest(self._all)


class ProcessGroupCollector(Collector):
    """CPU time, memory and files of each process, with the label `process`; 0 is the parent."""

    def __init__(self, table: ProcessTable) -> None:
        self._table = table

    def collect(self) -> Iterator[Metric]:
        """Read them now."""
        restarts = CounterMetricFamily(
            "turnfold_process_restarts", "Processes of the query layer started again", labels=["process"]
        )
        answering = GaugeMetricFamily("turnfold_processes", "Processes of the query layer that answer")
        answering.add_metric([], sum(bool(beats) for beats in self._table.beats))
        for number, count in enumerate(self._table.restarts):
            if number:
                restarts.add_metric([str(number)], count)
        yield from (answering, restarts, *self._usage())

    def _usage(self) -> Iterator[Metric]:
        families: dict[str, Metric] = {}
        for number, pid in enumerate(self._table.pids):
            for family in _process_metrics(pid) if pid else ():
                samples = [sample._replace(labels={"process": str(number)}) for sample in family.samples]
                family.samples = []
                families.setdefault(family.name, family).samples += samples
        yield from families.values()


def _process_metrics(pid: int) -> list[Metric]:
    return list(ProcessCollector(pid=lambda: pid, registry=None).collect())
