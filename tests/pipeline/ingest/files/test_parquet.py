from pathlib import Path

import orjson
import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from pipeline.ingest.files.parquet import ROWS, ParquetInputs
from pipeline.ingest.files.reader import Input
from tests import events

LIMIT = 1_000_000
NONE_SUCH = (
    "unreadable Parquet: no text column named message, @message, log, no single text column, and not Lex's columns"
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "input"


def read(path: Path, limit: int = LIMIT) -> list[Input]:
    with path.open("rb") as file:
        return list(ParquetInputs(file, str(path), limit))


@pytest.mark.parametrize("kind", [
    pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(), pa.binary_view(),
    pa.dictionary(pa.int32(), pa.string()), pa.json_(pa.string()),
], ids=str)  # fmt: skip
def test_text_is_read_however_it_is_typed(file: Path, kind: pa.DataType) -> None:
    column = pa.array(['{"a":"é"}', "{}"]).cast(kind)
    pq.write_table(pa.table({"timestamp": [1, 2], "message": column, "other": ["x", "y"]}), file)
    assert [(one.origin, one.data) for one in read(file)] == [(f"{file}:1", '{"a":"é"}'.encode()), (f"{file}:2", b"{}")]


def test_bytes_that_are_no_utf8_are_left_to_be_dead_letters(file: Path) -> None:
    pq.write_table(pa.table({"message": [b"\xff{}"]}), file)
    assert [one.data for one in read(file)] == [b"\xff{}"]


def test_the_only_column_of_text_may_have_any_name(file: Path) -> None:
    pq.write_table(pa.table({"time": [1], "log.entry": ["{}"]}), file)
    assert [one.data for one in read(file)] == [b"{}"]


@pytest.mark.parametrize("name", ["@message", "log"])
def test_the_column_may_be_called_as_insights_and_log_shippers_do(file: Path, name: str) -> None:
    pq.write_table(pa.table({"other": ["x"], name: ["{}"]}), file)
    assert [one.data for one in read(file)] == [b"{}"]


def test_columns_of_objects_may_hold_them_as_json(file: Path) -> None:
    entry = events.entry(inputTranscript="[1]")
    row = {
        name: value if isinstance(value, str | bool) else orjson.dumps(value).decode() for name, value in entry.items()
    }
    pq.write_table(pa.Table.from_pylist([row]), file)
    (found,) = read(file)
    assert orjson.loads(found.data) == entry


@pytest.mark.parametrize(("table", "there"), [
    (pa.table({"a": ["{}"], "b": ["{}"]}), "a (string), b (string)"),
    (pa.table({"message": [1], "n": [0.5]}), "message (int64), n (double)"),
    (pa.table({"message": [{"botId": "x"}]}), "message (struct<botId: string>)"),
])  # fmt: skip
def test_a_file_without_such_a_column_is_reported_with_its_columns(file: Path, table: pa.Table, there: str) -> None:
    pq.write_table(table, file)
    assert [(one.data, one.problem) for one in read(file)] == [(b"",
        f"{NONE_SUCH}; the columns are: {there}",
    )]  # fmt: skip


def test_null_and_oversized_rows_are_reported_with_their_number(file: Path) -> None:
    pq.write_table(pa.table({"message": ["{}", None, "x" * 101, ""]}), file)
    assert [(one.line, one.data, one.problem) for one in read(file, 100)] == [
        (1, b"{}", ""),
        (2, b"", "column message is null"),
        (3, b"", "101 bytes, where TURNFOLD_MAX_MESSAGE_BYTES allows 100"),
        (4, b"", ""),
    ]


def test_rows_are_counted_over_groups_and_batches(file: Path) -> None:
    entries = [b"%d" % number for number in range(5 * ROWS)]
    pq.write_table(pa.table({"message": entries}), file, row_group_size=2 * ROWS - 1)
    assert [(one.line, one.data) for one in read(file)] == list(enumerate(entries, start=1))


def test_a_file_without_rows_has_no_inputs(file: Path) -> None:
    pq.write_table(pa.table({"message": pa.array([], pa.string())}), file)
    assert read(file) == []


def test_a_broken_group_does_not_take_those_after_it_along(file: Path) -> None:
    entries = [f"{number:050}" for number in range(3000)]
    pq.write_table(pa.table({"message": entries}), file, row_group_size=1000, use_dictionary=False)
    content = bytearray(file.read_bytes())
    at = pq.ParquetFile(file).metadata.row_group(1).column(0).data_page_offset
    content[at + 100 : at + 200] = b"\xff" * 100
    file.write_bytes(content)
    found = read(file)
    assert [one.data.decode() for one in found if not one.problem] == entries[:1000] + entries[2000:]
    assert [(one.line, one.problem.split(":")[0]) for one in found if one.problem] == [
        (1001, "broken Parquet, rows 1001 to 2000 are not read"),
    ]  # fmt: skip


@pytest.mark.parametrize("end", [4, 100, -4, -100])
def test_a_truncated_file_is_reported(file: Path, end: int) -> None:
    pq.write_table(pa.table({"message": ["{}"] * 1000}), file)
    file.write_bytes(file.read_bytes()[:end])
    found = read(file)
    assert len(found) == 1
    assert found[0].problem.startswith("unreadable Parquet: ")


def test_memory_is_bounded_however_large_a_group_of_rows_is(file: Path) -> None:
    size, rows = 100_000, 1000
    text = pa.array([bytes([65 + row % 26]) * size for row in range(rows)])
    pq.write_table(pa.table({"message": text}), file, use_dictionary=False, write_batch_size=10)
    assert pq.ParquetFile(file).num_row_groups == 1
    del text
    before, peak = pa.total_allocated_bytes(), 0
    with file.open("rb") as opened:
        for found in ParquetInputs(opened, str(file), LIMIT):
            assert len(found.data) == size
            peak = max(peak, pa.total_allocated_bytes() - before)
    assert peak < rows * size / 3
