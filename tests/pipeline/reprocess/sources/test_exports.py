"""Inputs of files are taken in batches of a bounded number of bytes, as they are unpacked."""

import gzip

from pipeline.ingest.files.reader import Input
from pipeline.reprocess.sources.exports import BATCH_BYTES, _bounded


def test_small_inputs_that_unpack_to_much_are_few_at_a_time() -> None:
    packed = gzip.compress(bytes(BATCH_BYTES // 2))
    inputs = iter([Input("file", line, packed) for line in range(5)])
    found = []
    while some := list(_bounded(inputs, 1000, BATCH_BYTES)):
        found.append(len(some))
    assert found == [2, 2, 1]
