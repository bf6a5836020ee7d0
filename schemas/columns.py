"""Derive the names and ClickHouse types of a table's columns from a struct."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Annotated, Protocol, get_args, get_origin, get_type_hints, runtime_checkable

import msgspec


@dataclass(frozen=True, slots=True)
class Column:
    """The ClickHouse type of a field, written as `Annotated[str, Column("String")]`."""

    type: str


Str = Annotated[str, Column("String")]
LowCardinalityStr = Annotated[str, Column("LowCardinality(String)")]
LowCardinalityStrs = Annotated[tuple[str, ...], Column("Array(LowCardinality(String))")]
Strs = Annotated[tuple[str, ...], Column("Array(String)")]
UInt32s = Annotated[tuple[int, ...], Column("Array(UInt32)")]
Bools = Annotated[tuple[bool, ...], Column("Array(Bool)")]
UInt32 = Annotated[int, Column("UInt32")]
UInt64 = Annotated[int, Column("UInt64")]
Bool = Annotated[bool, Column("Bool")]
UInt8 = Annotated[int, Column("UInt8")]
Bytes = Annotated[bytes, Column("String")]
Millis = Annotated[int, Column("DateTime64(3, 'UTC')")]
"""Milliseconds since 1970-01-01 UTC: the fold compares them and ClickHouse stores them, without any datetime."""
MillisArray = Annotated[tuple[int, ...], Column("Array(DateTime64(3, 'UTC'))")]


def columns(row: type[msgspec.Struct]) -> dict[str, str]:
    """Return name -> ClickHouse type for each field of `row`, in the order of the fields.

    Raises:
        TypeError: a field is not annotated with a Column.
    """
    types = {}
    for name, hint in get_type_hints(row, include_extras=True).items():
        column = next((a for a in get_args(hint)[1:] if isinstance(a, Column)), None)
        if get_origin(hint) is not Annotated or column is None:
            raise TypeError(f"{row.__name__}.{name} has no Column annotation")
        types[name] = column.type
    return types


@runtime_checkable
class Transposable(Protocol):
    """Rows that become columns without a struct for each row in between."""

    def transpose(self) -> list[Sequence[object]]:
        """Return one sequence per field, as `transpose` does."""


def transpose(rows: Sequence[msgspec.Struct]) -> list[Sequence[object]]:
    """Return the columns of `rows`, all of one type, one sequence per field, as a columnar insert needs them."""
    if isinstance(rows, Transposable):
        return rows.transpose()
    return [list(map(attrgetter(name), rows)) for name in rows[0].__struct_fields__] if rows else []
