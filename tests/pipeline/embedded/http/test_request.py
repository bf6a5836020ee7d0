"""A request is parsed into its statement, settings and parameters."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.effort import OF_ENGINE, examples
from tests.services import Answer, ask


def test_a_query_may_be_in_the_url_or_the_body_or_begin_there_and_end_here(clickhouse_url: str) -> None:
    assert ask(clickhouse_url, query="SELECT 7").text == "7\n"
    assert ask(clickhouse_url, "SELECT 7").text == "7\n"
    assert ask(clickhouse_url, "7", query="SELECT").text == "7\n"


def test_curls_urlencoded_body_is_a_statement_like_any_other(clickhouse_url: str) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert ask(clickhouse_url, "SELECT 'a+b&c=%20'", headers=headers).text == "a+b&c=%20\n"


@pytest.mark.parametrize(
    ("sql", "arguments", "headers", "expected"),
    [
        ("SELECT 1", {}, {}, "TabSeparated"),
        ("SELECT 1", {"default_format": "CSV"}, {}, "CSV"),
        ("SELECT 1", {}, {"X-ClickHouse-Format": "CSV"}, "CSV"),
        ("SELECT 1 FORMAT JSON", {"default_format": "CSV"}, {}, "JSON"),
        ("SELECT 1 WHERE 0", {"default_format": "Native"}, {}, "Native"),
        ("SET max_threads = 1", {"default_format": "CSV"}, {}, None),
    ],
)
def test_the_format_of_an_answer_is_named_where_there_are_rows_to_answer(
    clickhouse_url: str, sql: str, arguments: dict[str, str], headers: dict[str, str], expected: str | None
) -> None:
    answer = ask(clickhouse_url, sql, headers=headers, url_parameters=arguments)
    assert (answer.status, answer.headers.get("x-clickhouse-format")) == (200, expected)


def test_what_a_link_can_ask_for_changes_nothing(at: Callable[..., Answer]) -> None:
    assert at(query="DROP TABLE t").code == 164
    assert at(query="INSERT INTO t VALUES (1, 'x')").code == 164
    assert at(query="SELECT count() FROM t SETTINGS max_threads = 1").text == "0\n"


def test_a_setting_holds_for_its_statement_alone(clickhouse_url: str) -> None:
    asked = "SELECT getSetting('max_threads'), getSetting('max_execution_time')"
    before = ask(clickhouse_url, asked).text
    assert ask(clickhouse_url, asked, max_threads=1, max_execution_time=7).text == "1\t7\n"
    ask(clickhouse_url, "SET max_threads = 3")
    assert [ask(clickhouse_url, asked).text for _ in range(20)] == [before] * 20
    assert before.endswith("\t60\n")


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [("no_such_setting", "1", 115), ("max_threads = 1, readonly", "1", 115), ("max_threads", "many", 27)],
)
def test_a_setting_that_does_not_exist_or_fit_is_an_error_in_a_servers_words(
    clickhouse_url: str, name: str, value: str, code: int
) -> None:
    assert ask(clickhouse_url, "SELECT 1", url_parameters={name: value}).code == code


def test_a_setting_is_a_value_and_never_sql(clickhouse_url: str) -> None:
    value = "'; DROP TABLE x; -- \\"
    asked = "SELECT getSetting('count_distinct_implementation') FORMAT RawBLOB"
    assert ask(clickhouse_url, asked, count_distinct_implementation=value).text == value


def test_the_settings_that_the_store_relies_on_reach_the_engine(at: Callable[..., Answer]) -> None:
    at("CREATE TABLE r (a Int64, v Int64) ENGINE = ReplacingMergeTree(v) PARTITION BY a ORDER BY a")
    rows = "INSERT INTO r FORMAT CSV\n" + "\n".join(f"{n},1" for n in range(150))
    assert at(rows).code == 252
    for version in (1, 2):
        sql = "INSERT INTO r SELECT number, {version:Int64} FROM numbers(150)"
        assert at(sql, param_version=version, max_partitions_per_insert_block=0).text == ""
    assert at("SELECT count() FROM r").text == "300\n"
    final = {"final": 1, "do_not_merge_across_partitions_select_final": 1, "max_threads": 1}
    assert at("SELECT count(), sum(v) FROM r", url_parameters=final).text == "150\t300\n"


def test_the_database_holds_for_its_statement_alone(clickhouse_url: str, at: Callable[..., Answer]) -> None:
    asked = "SELECT currentDatabase()"
    database = at(asked).text.strip()
    assert database.startswith("test_")
    assert ask(clickhouse_url, asked, headers={"X-ClickHouse-Database": database}).text == f"{database}\n"
    at(f"USE {database}")
    assert [ask(clickhouse_url, asked).text for _ in range(20)] == ["default\n"] * 20
    assert ask(clickhouse_url, asked, database="`; DROP").code == 81


def test_a_url_that_is_not_utf8_is_refused(clickhouse_url: str) -> None:
    answer = ask(clickhouse_url, "SELECT {a:String}", path="/?param_a=%ff")
    assert (answer.status, answer.code) == (400, 36)


@settings(
    deadline=None, max_examples=examples(60, OF_ENGINE), suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=st.text(st.characters(codec="utf-8")))
def test_any_text_comes_back_from_a_bound_parameter(clickhouse_url: str, text: str) -> None:
    escapes = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\0": "\\0", "\r": "\\r", "\b": "\\b", "\f": "\\f"}
    escaped = "".join(escapes.get(character, character) for character in text)
    assert ask(clickhouse_url, "SELECT {text:String} FORMAT RawBLOB", param_text=escaped).text == text


FORM = {"Content-Type": "multipart/form-data; boundary=x"}
TABLE = '--x\r\nContent-Disposition: form-data; name="k"; filename="k"\r\n\r\n1\n2\n\r\n--x--'


def test_a_table_that_comes_with_a_statement_needs_its_columns_and_may_have_no_other_end(clickhouse_url: str) -> None:
    asked = "SELECT sum(a) FROM k"
    assert ask(clickhouse_url, TABLE, headers=FORM, query=asked, k_structure="a UInt8").text == "3\n"
    for structure in ("", "a UInt8'), numbers(7", "a NoSuchType", "a UInt8) ENGINE = Null --"):
        refused = ask(clickhouse_url, TABLE, headers=FORM, query=asked, url_parameters={"k_structure": structure})
        assert refused.code in {36, 50, 62}, refused.body
