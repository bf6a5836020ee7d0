"""The engine's errors become those of a ClickHouse server."""

import pytest

from pipeline.embedded.errors import ClickHouseCode, EngineError, engine_error, error_of_engine


@pytest.mark.parametrize(
    ("code", "status"),
    [(60, 404), (81, 404), (62, 400), (6, 400), (516, 403), (159, 408), (229, 413), (48, 501), (241, 500)],
)
def test_a_code_has_the_status_that_a_server_gives_it(code: int, status: int) -> None:
    assert EngineError(code, "").status == status


def test_too_many_statements_ask_for_a_second_try() -> None:
    assert engine_error(ClickHouseCode.TOO_MANY_SIMULTANEOUS_QUERIES, "Busy").status == 503


def test_a_failure_of_the_front_reads_like_one_of_the_engine() -> None:
    assert engine_error(ClickHouseCode.SYNTAX_ERROR, "No").text == "Code: 62. DB::Exception: No. (SYNTAX_ERROR)"


def test_an_error_that_the_engine_wraps_in_itself_is_said_once() -> None:
    inner = "Code: 73. DB::Exception: Unknown format X. (UNKNOWN_FORMAT)"
    once = f"Code: 73. DB::Exception: {inner} (version 26.9.2.1). (UNKNOWN_FORMAT)"
    twice = f"Code: 73. DB::Exception: {once} (version 26.9.2.1). (UNKNOWN_FORMAT)"
    assert [error_of_engine(RuntimeError(text)).text for text in (inner, once, twice)] == [inner] * 3


def test_an_error_without_a_code_is_an_unknown_exception() -> None:
    found = error_of_engine(TypeError("incompatible"))
    assert (found.code, found.status) == (1002, 500)
    assert "incompatible" in found.text
