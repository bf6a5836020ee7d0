"""Pages are the same with projections and without, whatever was inserted, replaced, deleted and merged."""

import itertools
import random
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from pipeline.query.analytics.context import Row
from pipeline.query.analytics.filters import SqlFragment
from pipeline.query.list_sessions.sql import PROJECTION_SETTINGS
from pipeline.store.connection.client import ClickHouse
from pipeline.store.unexplained_rows import delete_rows, rows_newer_than
from schemas.conversation import Conversation
from schemas.lex.analytics.list_sessions import SessionSpecification
from schemas.projections import PROJECTIONS
from tests.effort import OF_ENGINE, SEARCHING, examples
from tests.pipeline.query.list_sessions.test_sql import explain, over_few, query
from tests.pipeline.query.rows import BOT, NOW, conversation
from tests.pipeline.query.table import Table, identities

SORTS = {"NumberOfTurns": "by_turns", "Duration": "by_duration"}
BY_TURNS = {"sortBy": {"name": "NumberOfTurns", "order": "Descending"}}
WINDOWS: tuple[dict[str, Any], ...] = (
    {},
    {"startDateTime": NOW // 1000 - 3_000_000, "endDateTime": NOW // 1000 - 300_000},
)
SIZES = (7, 20) if SEARCHING else (25, 60)
"""Sessions on a page; small pages take many statements."""
STEPS = st.lists(st.sampled_from(("insert", "replace", "move", "delete", "merge")), min_size=3, max_size=12)


class Choosing:
    """The store, which reads this projection wherever it can, or none."""

    def __init__(self, clickhouse: ClickHouse, projection: str) -> None:
        self._clickhouse = clickhouse
        self._settings = {
            "optimize_use_projections": int(bool(projection)),
            "preferred_optimize_projection_name": projection,
        }

    async def rows(
        self,
        statement: str,
        parameters: Mapping[str, object] | None = None,
        settings: Mapping[str, object] | None = None,
    ) -> Sequence[Row]:
        """As ClickHouse.rows."""
        return await self._clickhouse.rows(statement, parameters, {**(settings or {}), **self._settings})


def listing(table: Table, projection: str, asked: dict[str, Any]) -> list[SessionSpecification]:
    """Return all sessions, page by page."""
    return table.listing(asked, through=lambda clickhouse: Choosing(clickhouse, projection))


class Rows:
    """Rows that change at random, as writers and erasures change them."""

    def __init__(self, table: Table, seed: int) -> None:
        self._table, self._rng = table, random.Random(seed)  # noqa: S311 - test data
        self._rows: list[Conversation] = []
        self._numbers = itertools.count()

    def insert(self) -> None:
        """Add conversations, several of them with the same start, duration and turns."""
        starts = [NOW - self._rng.randrange(1, 60) * 86_400_000 for _ in range(30)]
        rows = [self._again(conversation(next(self._numbers), start=start, end=start)) for start in starts]
        self._rows += rows
        self._table.insert(*rows)

    def replace(self) -> None:
        """Write later versions of some."""
        for row in self._chosen():
            self._rows[self._rows.index(row)] = later = self._again(row)
            self._table.insert(later)

    def move(self) -> None:
        """Move the starts of some, perhaps to another month."""
        for row in self._chosen():
            moved = msgspec.structs.replace(row, start=row.start - 86_400_000, version=row.version + 1)
            self._table.insert(moved, msgspec.structs.replace(row, version=moved.version, is_deleted=1))
            self._rows[self._rows.index(row)] = moved

    def delete(self) -> None:
        """Erase some."""
        keys = {(row.bot_id, row.session_id, row.originating_request_id): 0 for row in self._chosen()}

        async def erase(clickhouse: ClickHouse) -> None:
            await delete_rows(clickhouse, await rows_newer_than(clickhouse, keys))

        self._table.use(erase)
        self._rows = [r for r in self._rows if (r.bot_id, r.session_id, r.originating_request_id) not in keys]

    def merge(self) -> None:
        """Merge all parts."""
        self._table.use(lambda clickhouse: clickhouse.command("OPTIMIZE TABLE conversations FINAL"))

    @property
    def identities(self) -> list[tuple[str, str]]:
        """Return session and request of those that are there, sorted."""
        return sorted((row.session_id, row.originating_request_id) for row in self._rows)

    def _chosen(self) -> list[Conversation]:
        return self._rng.sample(self._rows, min(len(self._rows), 4))

    def _again(self, row: Conversation) -> Conversation:
        seconds = self._rng.choice((0, 30, 60))
        changes = {"turns": self._rng.randrange(4), "duration_seconds": seconds, "end": row.start + 1000 * seconds}
        return msgspec.structs.replace(row, version=row.version + 1, **changes)


@pytest.mark.parametrize("projection", PROJECTIONS)
def test_candidates_are_read_from_the_projection_of_their_sort(table: Table, projection: Any) -> None:
    table.insert(*map(conversation, range(100)))
    (name,) = (name for name, its in SORTS.items() if its == projection.name)
    for order in ("Ascending", "Descending"):
        page = over_few(query(30, sortBy={"name": name, "order": order}), None)
        (candidates,) = re.findall(r"FROM \((SELECT .*?)\)\n\) AS candidates", page.sql, re.DOTALL)
        statement = SqlFragment(candidates, page.parameters)
        plan = explain(table, statement, options="", settings=PROJECTION_SETTINGS)
        assert f"({projection.name})" in plan


@pytest.mark.search
def test_pages_are_the_same_with_projections_and_without(table: Table) -> None:
    asked = [
        {"maxResults": size, "sortBy": {"name": name, "order": order}, **window}
        for (name, size) in zip(SORTS, SIZES, strict=True)
        for order in ("Ascending", "Descending")
        for window in WINDOWS
    ]

    @given(st.integers(0, 1000), STEPS)
    @settings(max_examples=examples(12, OF_ENGINE), deadline=None, phases=(Phase.generate,))  # to shrink takes minutes
    def same(seed: int, steps: list[str]) -> None:
        table.use(lambda clickhouse: clickhouse.command("TRUNCATE TABLE conversations"))
        rows = Rows(table, seed)
        for step in ("insert", *steps):
            getattr(rows, step)()
        for each in asked:
            found = listing(table, SORTS[each["sortBy"]["name"]], each)
            assert found == listing(table, "", each), each
            if not WINDOWS[1].items() <= each.items():
                assert sorted(identities(found)) == rows.identities

    same()


def test_a_row_that_a_projection_still_has_after_its_deletion_is_on_no_page(table: Table) -> None:
    """ClickHouse may leave deleted rows in it until it merges."""
    rows = [conversation(number, turns=number) for number in range(60)]
    table.insert(*rows)

    async def erase(clickhouse: ClickHouse) -> None:
        keys = {(row.bot_id, row.session_id, row.originating_request_id): 0 for row in rows[10:]}
        await delete_rows(clickhouse, await rows_newer_than(clickhouse, keys))

    table.use(erase)
    found = listing(table, "by_turns", {"maxResults": 4, **BY_TURNS})
    assert [session.number_of_turns for session in found] == list(reversed(range(10)))


def test_only_candidates_by_another_column_than_the_start_may_come_from_one(table: Table) -> None:
    """To look for one takes time, too."""
    seen: list[tuple[bool, object]] = []

    async def ask(clickhouse: ClickHouse) -> None:
        class Recording:
            async def rows(self, statement: str, parameters: Any, settings: Mapping[str, object]) -> Sequence[Row]:
                seen.append(("candidates" in statement, settings["optimize_use_projections"]))
                return await clickhouse.rows(statement, parameters, settings)

        for name in ("NumberOfTurns", "ConversationStartTime"):
            await table.page(Recording(), BOT, {"sortBy": {"name": name, "order": "Descending"}})  # type: ignore[arg-type]  # rows only

    table.insert(*map(conversation, range(30)))
    table.use(ask)
    assert seen == [(True, 1), (True, 0)]
