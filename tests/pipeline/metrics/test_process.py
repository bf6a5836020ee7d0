"""Every process exposes its version and resource usage in Prometheus's format, without global state."""

import re

import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from pipeline.metrics.http import QueryMetrics
from pipeline.metrics.process import TEXT, Metrics
from pipeline.metrics.worker import WorkerMetrics

KINDS = (Metrics, QueryMetrics, WorkerMetrics)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_can_be_read(kind: type[Metrics]) -> None:
    families = {family.name: family for family in text_string_to_metric_families(kind().text().decode())}
    (build,) = families["turnfold_build_info"].samples
    assert set(build.labels) == {"version", "python"}
    assert build.labels["version"]
    assert "process_resident_memory_bytes" in families
    assert TEXT.startswith("text/plain; version=0.0.4")


@pytest.mark.parametrize("kind", KINDS)
def test_names_say_their_unit_and_texts_say_something(kind: type[Metrics]) -> None:
    for family in kind().registry.collect():
        assert re.fullmatch(r"(turnfold|process)(_[a-z]+)+", family.name)
        assert family.documentation
        if family.type == "histogram":
            assert family.name.endswith("_seconds")


def test_two_of_a_kind_in_one_process_do_not_meet() -> None:
    one, other = QueryMetrics(), QueryMetrics()
    one.answered("ListSessionAnalyticsData", 200, 0.01)
    assert b'turnfold_requests_total{operation="ListSessionAnalyticsData",status="200"} 1.0' in one.text()
    assert b"ListSessionAnalyticsData" not in other.text()
    assert not [family.name for family in REGISTRY.collect() if family.name.startswith("turnfold")]


def test_no_series_is_written_twice_over() -> None:
    assert b"_created" not in WorkerMetrics().text()
