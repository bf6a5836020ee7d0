import gzip
import os
import sys
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet as pq

from pipeline.ingest.files.formats import lines_in, open_export
from pipeline.ingest.files.reader import Input
from pipeline.runtime.errors import UsageError
from tests.events import raw
from tests.pipeline.ingest.json_layouts import STAMP, LaidOut, cut, laid_out

LIMIT = 1_000_000


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "input"


def read(path: Path) -> list[Input]:
    with open_export(str(path), LIMIT) as export:
        return list(export)


@given(st.data(), laid_out(), st.integers(0, 2))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_objects_come_back_from_any_file(file: Path, data: st.DataObject, laid: LaidOut, layers: int) -> None:
    content = laid.text
    for _ in range(layers):
        content = b"".join(gzip.compress(chunk) for chunk in data.draw(cut(content)) or [b""])
    file.write_bytes(content)
    found = read(file)
    assert [one.data for one in found] == laid.objects
    assert len({one.origin for one in found}) == len(found)


@given(laid_out())
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_objects_come_back_from_parquet(file: Path, laid: LaidOut) -> None:
    pq.write_table(pa.table({"message": pa.array(laid.objects, pa.binary())}), file)
    assert [one.data for one in read(file)] == laid.objects


@pytest.mark.parametrize("kind", ["lines", "chain", "export.gz", "parquet"])
def test_the_position_goes_from_the_beginning_to_the_size_of_the_file(tmp_path: Path, kind: str) -> None:
    file, entries = tmp_path / kind, [raw(requestId=f"request-{number}") for number in range(10_000)]
    match kind:
        case "lines":
            file.write_bytes(b"\n".join(entries))
        case "chain":
            file.write_bytes(b"".join(entries))
        case "export.gz":
            file.write_bytes(gzip.compress(b"".join(STAMP + entry + b"\n" for entry in entries)))
        case "parquet":
            pq.write_table(pa.table({"message": entries}), file, row_group_size=1000)
    with open_export(str(file), LIMIT) as export:
        positions = [export.bytes_read]
        assert positions[0] == 0
        for found, entry in zip(export, entries, strict=True):
            assert found.data == entry
            positions.append(export.bytes_read)
    assert positions == sorted(positions)
    assert positions[-1] == file.stat().st_size


def test_the_same_pieces_can_be_skipped_when_resuming(file: Path) -> None:
    file.write_bytes(b'{"a":1}{"b":2}\n{\n}\n[{},{}]\nx')
    whole = read(file)
    for done in range(len(whole) + 1):
        with open_export(str(file), LIMIT) as export:
            assert list(islice(export, done, None)) == whole[done:]


def test_a_file_that_cannot_be_opened_is_reported(tmp_path: Path) -> None:
    for path, why in ((tmp_path / "none", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(UsageError, match=f"{path} cannot be read: {why}"), open_export(str(path), LIMIT):
            pass


def test_without_pyarrow_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "pipeline.ingest.files.parquet", raising=False)
    file.write_bytes(b"{}\n")
    assert len(read(file)) == 1
    file.write_bytes(b"PAR1 and so on")
    with pytest.raises(UsageError, match=r"input is a Parquet file, which needs `pip install 'turnfold\[parquet\]'`"):
        read(file)


def test_parquet_cannot_come_through_a_pipe() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as pipe:
        pipe.write(b"PAR1 and more")
    with os.fdopen(reading, "rb") as file:
        (found,) = lines_in(file, "-", LIMIT, None)
    assert isinstance(found, Input)
    assert "pipe" in found.problem
