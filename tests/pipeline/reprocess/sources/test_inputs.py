"""What AWS holds becomes one input, or the inputs in it where it is too large for a message."""

import gzip
from pathlib import Path

from pipeline.ingest.files.formats import open_export
from pipeline.ingest.files.reader import Input
from pipeline.reprocess.sources.inputs import BATCH_BYTES, _bounded, aws_inputs, export_batches
from tests.events import raw


def test_what_fits_is_one_input_as_it_is() -> None:
    packed = gzip.compress(raw())
    (one,) = aws_inputs(packed, "origin", 10_000)
    assert (one.data, one.origin, one.problem, one.place) == (packed, "origin", "", None)


def test_what_is_too_large_is_divided() -> None:
    entries = [raw(requestId=f"r{number}") for number in range(3)]
    found = list(aws_inputs(b"\n".join(entries), "origin", len(entries[0]) + 10))
    assert [one.data for one in found] == entries
    assert [one.origin for one in found] == ["origin:1", "origin:2", "origin:3"]


def test_an_attempt_that_resumes_counts_only_what_it_reads(tmp_path: Path) -> None:
    """What was read before is in the counts already: a run would show more than 100 %."""
    file = tmp_path / "log.jsonl"
    file.write_bytes(b"\n".join(raw(requestId=f"r{number}") for number in range(3_000)))
    with open_export(str(file), 10_000) as export:
        (first, *_) = list(export_batches(export, 0, 1_500, 10_000))
    with open_export(str(file), 10_000) as export:
        rest = list(export_batches(export, int(first.position[0]), 1_500, 10_000))
    assert first.done + sum(batch.done for batch in rest) == file.stat().st_size
    assert sum(batch.read for batch in rest) == 1_500


def test_small_inputs_that_unpack_to_much_are_few_at_a_time() -> None:
    packed = gzip.compress(bytes(BATCH_BYTES // 2))
    inputs = iter([Input("file", line, packed) for line in range(5)])
    found = []
    while some := list(_bounded(inputs, 1000, BATCH_BYTES)):
        found.append(len(some))
    assert found == [2, 2, 1]
