import re

import msgspec

from pipeline.query.list_sessions.sql import SORT_COLUMNS
from schemas.conversation import Conversation
from schemas.projections import BLOCKS, PROJECTIONS

KEY = {"bot_id", "start"}


def test_each_order_of_pages_that_is_not_the_tables_own_has_a_projection() -> None:
    sorted_by = {re.search(r"ORDER BY bot_id, (\w+), start$", each.select)[1] for each in PROJECTIONS}  # type: ignore[index]
    assert sorted_by == set(SORT_COLUMNS.values()) - KEY


def test_a_projection_has_columns_of_the_table() -> None:
    columns = {field.name for field in msgspec.structs.fields(Conversation)}
    for each in PROJECTIONS:
        (selected,) = re.findall(r"SELECT ([\w, ]+) ORDER BY", each.select)
        assert KEY < set(selected.split(", ")) <= columns
    assert len({each.name for each in PROJECTIONS}) == len(PROJECTIONS)


def test_a_block_of_a_projection_has_as_many_rows_as_some_of_the_table() -> None:
    for each in PROJECTIONS:
        assert each.definition(1000).endswith(f"start) WITH SETTINGS (index_granularity = {BLOCKS * 1000})")
