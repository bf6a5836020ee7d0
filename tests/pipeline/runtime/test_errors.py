"""The error of an invalid input says what is wrong and where, at a length that a header can hold."""

from pipeline.runtime.errors import (
    DETAIL_LENGTH,
    QUOTED_LENGTH,
    ExceededError,
    InvalidEventError,
    Reason,
    StatementError,
)


def test_a_detail_quotes_the_input_and_can_be_had_without() -> None:
    error = InvalidEventError(Reason.BAD_TIMESTAMP, "expected a time", "yesterday\n")
    assert error.detail == "expected a time: 'yesterday\\n'"
    assert error.unquoted == "expected a time"
    assert str(error) == "bad-timestamp: expected a time: 'yesterday\\n'"


def test_a_long_detail_is_cut_and_so_is_what_it_quotes() -> None:
    quoted = InvalidEventError(Reason.NOT_JSON, "malformed", "x" * 1_000)
    assert quoted.detail == f"malformed: {'x' * QUOTED_LENGTH!r}"
    assert len(InvalidEventError(Reason.NOT_JSON, "y" * 1_000, "x" * 1_000).detail) == DETAIL_LENGTH
    assert len(InvalidEventError(Reason.NOT_JSON, "y" * 1_000).unquoted) == DETAIL_LENGTH


def test_an_error_inside_a_part_names_the_part_and_keeps_the_quotation() -> None:
    error = InvalidEventError(Reason.WRONG_SHAPE, "expected an object", "[]")
    inner = error.inside("records[2]").inside("body")
    assert inner.detail == "in body: in records[2]: expected an object: '[]'"
    assert (inner.reason, inner.quoted) == (Reason.WRONG_SHAPE, "[]")
    assert error.inside("") is error


def test_a_query_over_its_limits_is_a_refused_statement() -> None:
    assert issubclass(ExceededError, StatementError)
