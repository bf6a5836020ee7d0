"""Files of a form become tables of one statement."""

import asyncio
from pathlib import Path

import pytest

from pipeline.embedded.errors import EngineError
from pipeline.embedded.handle import ExternalTable
from pipeline.embedded.http.external_tables import describing_arguments, spool_tables

FILES = {"asked": b"a\t1\n", "weights": b"1\n"}
ARGUMENTS = {"asked_structure": "s String, n UInt8", "weights_structure": "n UInt8", "weights_format": "CSV"}


def test_a_file_of_a_form_is_a_table_for_the_length_of_a_block(tmp_path: Path) -> None:
    async def use() -> None:
        async with spool_tables(FILES, ARGUMENTS, tmp_path / "data") as tables:
            assert tables == (
                ExternalTable("asked", "s String, n UInt8", "TabSeparated", tmp_path / "data.0"),
                ExternalTable("weights", "n UInt8", "CSV", tmp_path / "data.1"),
            )
            assert [table.file.read_bytes() for table in tables] == list(FILES.values())

    asyncio.run(use())
    assert not list(tmp_path.iterdir())


def test_a_table_without_columns_is_refused_with_the_name_of_what_is_missing(tmp_path: Path) -> None:
    async def use() -> None:
        async with spool_tables(FILES, {"asked_structure": "s String"}, tmp_path / "data"):
            raise AssertionError

    with pytest.raises(EngineError, match="weights_structure") as refused:
        asyncio.run(use())
    assert refused.value.code == 36
    assert not list(tmp_path.iterdir())


def test_what_describes_a_table_is_no_setting() -> None:
    assert describing_arguments({"k": b""}) == {"k_structure", "k_format", "k_types"}
