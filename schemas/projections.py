"""Define the projections of table `conversations`: narrow copies of its rows, in the order of another sort."""

from typing import Final, NamedTuple


class Projection(NamedTuple):
    """A projection: ClickHouse reads it where a query without FINAL needs no other columns, and fewer blocks of it.

    A row that was deleted may be found in it until its part is merged (ClickHouse issue 111791). So such a query must
    only look for rows that another one reads with FINAL, as that for candidates does.
    """

    name: str
    select: str

    def definition(self, granularity: int) -> str:
        """Return what it selects, and its settings, in a table with so many rows a block."""
        return f"({self.select}) WITH SETTINGS (index_granularity = {BLOCKS * granularity})"


BLOCKS: Final = 4
"""Blocks of the table that have as many rows as one of a projection. ClickHouse compares how many blocks of each it
would read, without regard to the limit, and those of the table are bounded by the start: with as many rows a block it
would hardly ever choose a projection. But a page reads a whole block of each part, so they have no more rows."""


def _sorted_by(column: str) -> str:
    return f"SELECT bot_id, {column}, start, end ORDER BY bot_id, {column}, start"


PROJECTIONS: Final = (
    Projection("by_turns", _sorted_by("turns")),
    Projection("by_duration", _sorted_by("duration_seconds")),
)
"""What the candidates of a page by turns or by duration are read from."""

MODES: Final = ("deduplicate_merge_projection_mode", "lightweight_mutation_projection_mode")
"""Settings of a table. Unless they are `rebuild`, ClickHouse refuses the projection, or each DELETE from its table."""
