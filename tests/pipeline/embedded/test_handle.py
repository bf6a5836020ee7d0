"""A statement is executed with its settings, parameters and tables, and streamed if its format allows that."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.embedded.data_folder import open_folder
from pipeline.embedded.errors import EngineError
from pipeline.embedded.handle import EngineResult, EngineStatement, ExternalTable, escape, execute, insert_from_file

MANY = b"SELECT number FROM numbers(200000)"
NUMBERS = b"".join(b"%d\n" % number for number in range(200_000))


@pytest.fixture(scope="module")
def handles(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Opens handles of an engine."""
    opened = open_folder(tmp_path_factory.mktemp("handle") / "data")
    yield opened.open_handle
    opened.keeper.close()


@pytest.fixture
def handle(handles: Any) -> Iterator[Any]:
    """A new handle."""
    opened = handles()
    yield opened
    opened.close()


def run(handle: Any, statement: EngineStatement) -> tuple[list[bytes], EngineResult]:
    chunks: list[bytes] = []
    result = execute(handle, statement, "tag", chunks.append)
    return chunks, result


def test_a_format_without_a_footer_is_streamed(handle: Any) -> None:
    chunks, result = run(handle, EngineStatement(sql=MANY, reads=True))
    assert len(chunks) > 1
    assert b"".join(chunks) == NUMBERS
    assert (result.body, result.result_rows) == (b"", 200_000)


def test_a_heading_is_sent_with_the_first_chunk_only(handle: Any) -> None:
    chunks, _ = run(handle, EngineStatement(sql=MANY, reads=True, output_format="CSVWithNames"))
    assert len(chunks) > 1
    assert b"".join(chunks) == b'"number"\n' + NUMBERS


@pytest.mark.parametrize(
    ("sql", "output_format", "settings"),
    [
        (MANY, "JSON", {}),
        (b"SELECT number % 2 AS n, count() FROM numbers(4) GROUP BY n WITH TOTALS", "TSV", {}),
        (b"SELECT number FROM numbers(4)", "TSV", {"extremes": "1"}),
        (b"SHOW DATABASES", "TSV", {}),
        (b"SELECT number FROM numbers(0)", "CSVWithNames", {}),
    ],
)
def test_any_other_result_is_returned_as_a_whole(
    handle: Any, sql: bytes, output_format: str, settings: dict[str, str]
) -> None:
    statement = EngineStatement(sql=sql, reads=True, output_format=output_format, settings=settings)
    chunks, result = run(handle, statement)
    assert b"".join(chunks) == b""
    assert result.body


def test_a_whole_result_has_a_limit_and_a_streamed_one_has_none(handle: Any) -> None:
    sql = b"SELECT repeat(toString(number % 10), 1000) FROM numbers(80000)"
    chunks, _ = run(handle, EngineStatement(sql=sql, reads=True))
    assert sum(map(len, chunks)) == 80_000 * 1_001
    with pytest.raises(RuntimeError, match="Limit for result exceeded"):
        run(handle, EngineStatement(sql=sql, reads=True, output_format="JSON"))


def test_settings_parameters_and_the_tag_reach_the_engine_whatever_is_in_them(handle: Any) -> None:
    statement = EngineStatement(
        sql=b"SELECT {text:String}, getSetting('log_comment'), getSetting('format_csv_delimiter')",
        parameters={"text": "it's"},
        settings={"format_csv_delimiter": "'"},
    )
    assert execute(handle, statement, "o'tag\\").body == b"it\\'s\to\\'tag\\\\\t\\'\n"


def test_the_statement_is_checked_as_its_client_wrote_it(handle: Any) -> None:
    with pytest.raises(EngineError, match="file") as refused:
        execute(handle, EngineStatement(sql=b"SELECT 1", written=b"SELECT * FROM file('/etc/passwd')"), "tag")
    assert refused.value.code == 497


def test_an_external_table_has_its_columns_and_data_for_one_statement(handle: Any, tmp_path: Path) -> None:
    file = tmp_path / "it's.csv"
    file.write_text('1,"a"\n2,"b"\n')
    table = ExternalTable("odd`name", "n UInt8, s String", "CSV", file)
    statement = EngineStatement(sql=b"SELECT sum(n), max(s) FROM `odd\\`name`", reads=True, tables=(table,))
    assert b"".join(run(handle, statement)[0]) == b"3\tb\n"


def test_an_insert_reads_its_file_and_may_be_bound_to_literals() -> None:
    file = Path("/data/it's")
    assert insert_from_file(b"INSERT INTO t", b"", "CSV", file, literals=True) == (
        b"INSERT INTO t FROM INFILE '/data/it\\'s' COMPRESSION 'none'  FORMAT CSV"
    )
    literal = insert_from_file(b"INSERT INTO t", b"SETTINGS a = 1 ", "Values", file, literals=True)
    assert b"SETTINGS a = 1, input_format_values_interpret_expressions = 0" in literal


@pytest.mark.parametrize(
    ("text", "quote", "escaped"), [("it's", "'", "it\\'s"), ("a\\'", "'", "a\\\\\\'"), ("a`'", "`", "a\\`'")]
)
def test_text_cannot_leave_its_quotes(text: str, quote: str, escaped: str) -> None:
    assert escape(text, quote) == escaped
