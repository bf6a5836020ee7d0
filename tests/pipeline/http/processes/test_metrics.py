"""Metrics of several processes add up, continue after one is replaced, and tell each process's memory."""

import os
import subprocess
import sys
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families as parse

from pipeline.http.processes.metrics import FOLDER_VARIABLE, ProcessGroupCollector
from pipeline.http.processes.table import ProcessTable
from tests.paths import ROOT

COUNT = """
import sys
from pathlib import Path
from pipeline.http.processes.metrics import SharedQueryMetrics
from pipeline.http.processes.table import ProcessTable
folder, number, requests = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
metrics = SharedQueryMetrics(folder, number, ProcessTable(folder))
for _ in range(requests):
    metrics.answered("ListBots", 200, 0.01)
sys.stdout.buffer.write(metrics.text())
"""
"""In a process of its own: how prometheus_client counts holds for the whole process."""


def counted(folder: Path, number: int, requests: int) -> dict[str, float]:
    """Count requests in a process, which ends without giving notice, and return what it tells of all processes."""
    script = f"{COUNT}\nsys.stdout.flush()\nimport os\nos.kill(os.getpid(), 9)"
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder), str(number), str(requests)],
        cwd=ROOT,
        env={**os.environ, FOLDER_VARIABLE: str(folder)},
        stdout=subprocess.PIPE,
        check=False,
    )
    samples = [sample for family in parse(done.stdout.decode()) for sample in family.samples]
    assert len({(sample.name, *sorted(sample.labels.items())) for sample in samples}) == len(samples)
    return {sample.name: sample.value for sample in samples}


def test_each_tells_the_sum_of_all_and_the_next_one_goes_on(tmp_path: Path) -> None:
    ProcessTable.create(tmp_path, 2)
    assert counted(tmp_path, 1, 3)["turnfold_requests_total"] == 3
    assert counted(tmp_path, 2, 4)["turnfold_requests_total"] == 7
    again = counted(tmp_path, 1, 5)
    assert again["turnfold_requests_total"] == 12
    assert again["turnfold_request_seconds_count"] == 12
    assert again["turnfold_build_info"] == 1


def test_cpu_time_and_memory_are_told_of_each_process(tmp_path: Path) -> None:
    table = ProcessTable.create(tmp_path, 2)
    table.started(1, os.getpid())
    table.started(2, os.getppid())
    table.beats[1] = 7
    table.restarts[2] = 3
    found = {
        (sample.name, sample.labels.get("process", "")): sample.value
        for family in ProcessGroupCollector(table).collect()
        for sample in family.samples
    }
    assert found["turnfold_processes", ""] == 1
    assert (found["turnfold_process_restarts_total", "1"], found["turnfold_process_restarts_total", "2"]) == (0, 3)
    assert ("turnfold_process_restarts_total", "0") not in found
    assert all(found["process_resident_memory_bytes", number] > 0 for number in "012")
    assert all(("process_cpu_seconds_total", number) in found for number in "012")


def test_a_process_that_has_ended_is_left_out(tmp_path: Path) -> None:
    table = ProcessTable.create(tmp_path, 1)
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    table.started(1, ended.pid)
    labels = {s.labels.get("process") for f in ProcessGroupCollector(table)._usage() for s in f.samples}
    assert "1" not in labels
    assert "0" in labels
