"""List the series that our processes export, with their labels."""

import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from pipeline.metrics.http import QueryMetrics, ReceiveMetrics
from pipeline.metrics.worker import AGENTS, WorkerMetrics
from pipeline.runtime.errors import Reason
from schemas.dead_letter import DeadLetter

ADDED = {"job", "instance"}
"""The labels that Prometheus adds."""

NAME = re.compile(r"\b((?:turnfold|process)_[a-z_]+)(?:\{([^}]*)\})?")
GROUPED = re.compile(r"\b(?:by|on|without) \(([^)]*)\)")
LABEL = re.compile(r"([a-z_]+)\s*(?:=~|!~|!=|=)")


def series() -> dict[str, set[str]]:
    """Return name -> labels of every sample, after each metric was changed once."""
    worker, query = WorkerMetrics(), QueryMetrics()
    for agent in AGENTS:
        with worker.batches.flush(agent, [SimpleNamespace(timestamp=0)]):
            pass
    worker.dead("intake", [DeadLetter(Reason.EMPTY.value, "", "intake", "turns.raw", 0, 0, b"")])
    worker.folding.resolved(1, 1, 1)
    worker.folding.written(1, 1, 1, 1)
    worker.offsets.lags.read = lambda: [("turns", 0, 1)]
    query.answered("ListSessionAnalyticsData", 200, 0.1)
    receive = ReceiveMetrics()
    receive.received("Firehose", 1)
    receive.kept("Firehose", 1, 1)
    samples = [s for one in (worker, query, receive) for family in one.registry.collect() for s in family.samples]
    return {sample.name: set(sample.labels) | ADDED for sample in samples}


def wrong_names(expression: str, known: dict[str, set[str]]) -> Iterator[str]:
    """Yield the errors of a PromQL expression: unknown metrics and labels."""
    used: set[str] = set()
    for name, matchers in NAME.findall(expression):
        if name not in known:
            yield f"no process exports {name}"
            continue
        used |= known[name]
        for label in LABEL.findall(matchers or ""):
            if label not in known[name]:
                yield f"{name} has no label {label}"
    for grouped in GROUPED.findall(expression):
        for label in filter(None, (part.strip() for part in grouped.split(","))):
            if label not in used:
                yield f"no metric in it has the label {label}"


def expressions(panels: Any) -> Iterator[str]:
    """Yield the PromQL expressions of panels."""
    for panel in panels:
        for target in panel.get("targets", ()):
            if "expr" in target:
                yield target["expr"]
