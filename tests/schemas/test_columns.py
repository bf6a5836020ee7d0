"""Column types come from a struct's annotations, and rows are transposed in the same order."""

import msgspec
import pytest

from schemas.columns import LowCardinalityStrs, Millis, Str, UInt32, columns, transpose


class Row(msgspec.Struct):
    name: Str
    at: Millis
    labels: LowCardinalityStrs
    count: UInt32 = 0


def test_columns_are_the_fields_in_order_with_their_clickhouse_types() -> None:
    assert list(columns(Row).items()) == [
        ("name", "String"),
        ("at", "DateTime64(3, 'UTC')"),
        ("labels", "Array(LowCardinality(String))"),
        ("count", "UInt32"),
    ]


def test_columns_of_a_subclass_follow_those_of_its_base() -> None:
    class Wider(Row):
        more: Str = ""

    assert list(columns(Wider)) == ["name", "at", "labels", "count", "more"]


def test_a_field_without_a_column_is_an_error_that_names_it() -> None:
    class Broken(Row):
        plain: str = ""

    with pytest.raises(TypeError, match=r"Broken\.plain has no Column annotation"):
        columns(Broken)


def test_rows_are_transposed_into_one_sequence_per_column() -> None:
    rows = [Row("a", 1, ("x",)), Row("b", 2, (), 3)]
    assert transpose(rows) == [["a", "b"], [1, 2], [("x",), ()], [0, 3]]
    assert transpose([]) == []
