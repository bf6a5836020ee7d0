from pathlib import Path

import pytest

from pipeline.http.errors import BusyError
from pipeline.http.operations.operation import ConcurrencyLimiter
from pipeline.http.processes.table import ProcessTable


def test_each_process_sees_what_the_others_have_written(tmp_path: Path) -> None:
    parent, member = ProcessTable.create(tmp_path, 2), ProcessTable(tmp_path)
    parent.started(2, 4711)
    member.beats[2] += 1
    member.in_progress[2] = 3
    assert list(member.pids)[1:] == [0, 4711]
    assert (list(parent.beats), list(parent.in_progress)) == ([0, 0, 1], [0, 0, 3])


def test_nothing_is_left_of_a_process_that_has_ended(tmp_path: Path) -> None:
    table = ProcessTable.create(tmp_path, 1)
    table.started(1, 4711)
    table.beats[1] = table.in_progress[1] = table.restarts[1] = 5
    table.ended(1)
    assert (table.pids[1], table.beats[1], table.in_progress[1]) == (0, 0, 0)
    assert table.restarts[1] == 5


def test_requests_in_progress_are_limited_for_all_processes_together(tmp_path: Path) -> None:
    table = ProcessTable.create(tmp_path, 2)
    first, second = (ConcurrencyLimiter(2, table.in_progress, number) for number in (1, 2))
    with first.slot(), second.slot():
        for limiter in (first, second):
            with pytest.raises(BusyError, match="2 requests are in progress"), limiter.slot():
                pass
        table.ended(2)
        with first.slot():
            assert list(table.in_progress) == [0, 2, 0]
        table.in_progress[2] = 1
    assert list(table.in_progress) == [0, 0, 0]
