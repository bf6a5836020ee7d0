"""The kind, the format and the data of a statement are found in any spelling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.embedded.statement import InsertStatement, classify, kill_by_tag, split_insert


@pytest.mark.parametrize(
    ("sql", "output_format"),
    [
        ("SELECT 1", ""),
        ("SELECT 1 FORMAT JSON", "JSON"),
        ("select 1 format JSONEachRow;", "JSONEachRow"),
        ("SELECT 1\n FORMAT Native", "Native"),
        ("SELECT 1 FORMAT JSON SETTINGS max_threads = 1", "JSON"),
        ("SELECT 1 FORMAT JSON -- that is all", "JSON"),
        ("SELECT format FROM t", ""),
        ("SELECT 'FORMAT JSON'", ""),
        ("SELECT (SELECT 1 FORMAT JSON)", ""),
        ("SELECT format('{}', 1) FORMAT CSV", "CSV"),
        ("SELECT `FORMAT` FROM t FORMAT TSV", "TSV"),
    ],
)
def test_the_format_is_the_one_at_the_end_and_nothing_that_looks_like_it(sql: str, output_format: str) -> None:
    assert classify(sql.encode()).output_format == output_format


@pytest.mark.parametrize(
    ("sql", "multiple"),
    [
        ("SELECT 1;", False),
        ("SELECT 1 ; ; -- done", False),
        ("SELECT ';'", False),
        ("SELECT '\\';'", False),
        ("SELECT $x$ ; $x$", False),
        ("SELECT \u2018;\u2019, 1 AS \u201c;\u201d", False),
        ("SELECT 1 AS \u201c'\u201d ; DROP TABLE t; SELECT 3 -- '", True),
        ("SELECT 1 /* ; */", False),
        ("SELECT 1; SELECT 2", True),
        ("SELECT 1; DROP TABLE t;", True),
        ("SELECT 'it''s'; SELECT 2", True),
    ],
)
def test_a_second_statement_is_seen_and_a_quoted_semicolon_is_none(sql: str, *, multiple: bool) -> None:
    assert classify(sql.encode()).multiple is multiple


@pytest.mark.parametrize("sql", ["SELECT 1", " (SELECT 1)", "/* a */ with 1 AS x SELECT x", "SHOW TABLES", "desc t"])
def test_what_answers_rows(sql: str) -> None:
    assert classify(sql.encode()).returns_rows
    assert classify(sql.encode()).reads


@pytest.mark.parametrize(
    "sql", ["CREATE TABLE t (a Int8)", "DROP TABLE t", "ALTER TABLE t DELETE WHERE 1", "KILL QUERY"]
)
def test_what_changes_something(sql: str) -> None:
    assert not classify(sql.encode()).reads
    assert not classify(sql.encode()).returns_rows


@pytest.mark.parametrize("sql", ["", "  \n", "-- nothing", "/* nothing */", ";"])
def test_a_statement_without_words_is_empty(sql: str) -> None:
    assert classify(sql.encode()).empty


@pytest.mark.parametrize(
    ("sql", "insert"),
    [
        (b"INSERT INTO t FORMAT CSV\n1,2", InsertStatement(b"INSERT INTO t ", b"", "CSV", 25)),
        (b"insert into t (a, b) format Native\n\n\n", InsertStatement(b"insert into t (a, b) ", b"", "Native", 35)),
        (b"INSERT INTO t FORMAT CSV 1,2", InsertStatement(b"INSERT INTO t ", b"", "CSV", 25)),
        (b"INSERT INTO t FORMAT CSV;\r\n1,2", InsertStatement(b"INSERT INTO t ", b"", "CSV", 27)),
        (b"INSERT INTO t VALUES (1)", InsertStatement(b"INSERT INTO t ", b"", "Values", 20)),
        (b"INSERT INTO t(a)VALUES(1)", InsertStatement(b"INSERT INTO t(a)", b"", "Values", 22)),
        (
            b"INSERT INTO t SETTINGS a = 1, b = 'FORMAT x' FORMAT CSV\n1",
            InsertStatement(b"INSERT INTO t ", b"SETTINGS a = 1, b = 'FORMAT x' ", "CSV", 56),
        ),
        (b"INSERT INTO `a`.`FORMAT x` FORMAT CSV\n1", InsertStatement(b"INSERT INTO `a`.`FORMAT x` ", b"", "CSV", 38)),
        (b"INSERT INTO a.format FORMAT CSV\n1", InsertStatement(b"INSERT INTO a.format ", b"", "CSV", 32)),
        (b"INSERT INTO format FORMAT CSV\n1", InsertStatement(b"INSERT INTO format ", b"", "CSV", 30)),
        (b"INSERT INTO d.values FORMAT CSV\n1", InsertStatement(b"INSERT INTO d.values ", b"", "CSV", 32)),
        (b"INSERT INTO FUNCTION f(a) FORMAT CSV\n1", InsertStatement(b"INSERT INTO FUNCTION f(a) ", b"", "CSV", 37)),
        (b"/* a */ INSERT INTO t --\nFORMAT CSV\n", InsertStatement(b"/* a */ INSERT INTO t --\n", b"", "CSV", 36)),
    ],
)  # fmt: skip
def test_where_the_data_of_an_insert_begin(sql: bytes, insert: InsertStatement) -> None:
    assert split_insert(sql, whole=True) == insert


@pytest.mark.parametrize(
    "sql",
    [
        b"SELECT 1 FORMAT CSV",
        b"INSERT INTO t SELECT 1 FORMAT Null",
        b"INSERT INTO t WITH 1 AS a SELECT a",
        b"INSERT INTO t (a, b)",
        b"INSERT INTO `t FORMAT CSV\n1",
    ],
)
def test_what_has_no_data_of_its_own_stays_whole(sql: bytes) -> None:
    assert split_insert(sql, whole=True) is None


@given(cut=st.integers(0, 44))
def test_a_head_that_has_not_all_arrived_is_never_misread(cut: int) -> None:
    sql = b"INSERT INTO t (`a)`) SETTINGS x = 1 FORMAT C\n\n\n\n"
    assert split_insert(sql[:cut], whole=False) is None
    assert split_insert(sql[:46], whole=False) == split_insert(sql, whole=True)


@given(st.binary())
def test_bytes_of_any_kind_are_looked_at_without_harm(sql: bytes) -> None:
    classify(sql)
    split_insert(b"INSERT INTO " + sql, whole=True)


@pytest.mark.parametrize(
    ("sql", "meant"),
    [
        ("KILL QUERY WHERE query_id = 'query_id'", "KILL QUERY WHERE Settings['log_comment'] = 'query_id'"),
        ("KILL QUERY WHERE `query_id`='a' ASYNC", "KILL QUERY WHERE Settings['log_comment']='a' ASYNC"),
        ("KILL QUERY WHERE user = 'x'", "KILL QUERY WHERE user = 'x'"),
    ],
)
def test_a_kill_means_the_ids_that_clients_gave(sql: str, meant: str) -> None:
    assert classify(sql.encode()).kills
    assert kill_by_tag(sql.encode()) == meant.encode()


@pytest.mark.parametrize("sql", ["SET max_threads = 1", "use x", "CREATE OR REPLACE TEMPORARY TABLE t (a Int8)"])
def test_what_only_a_session_remembers_is_known(sql: str) -> None:
    assert classify(sql.encode()).session_only
    assert not classify(b"CREATE TABLE temporary (a Int8) ENGINE = Memory").session_only


def test_an_insert_from_input_is_known() -> None:
    assert classify(b"INSERT INTO t SELECT a FROM (SELECT * FROM input('a UInt8')) FORMAT CSV\n1").reads_input
    assert not classify(b"INSERT INTO t SELECT input FROM other").reads_input
