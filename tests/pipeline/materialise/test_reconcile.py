"""Reconciled rows are the fold of the archive; rows of more events are left to their writer."""

import logging
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.fold.fold import fold
from pipeline.materialise.reconcile import ReconcileRules, reconcile, rows_to_write
from pipeline.store.connection.client import ClickHouse
from schemas.conversation import Conversation
from schemas.turn import ConversationKey, Turn
from tests.effort import OF_ENGINE, examples
from tests.events import RULES, START, turn, turns
from tests.pipeline.audit.tables import Tables, folded
from tests.pipeline.materialise.actors import actor, finish
from tests.pipeline.materialise.model import Rows, Server

TALK = [turn(timestamp=START + 1000 * n, request_id=f"r{n}") for n in range(3)]
RIGHT = fold(TALK, RULES)
KEY = TALK[0].key


def reconciled(tables: Tables, *keys: ConversationKey) -> set[ConversationKey]:
    async def use(clickhouse: ClickHouse) -> set[ConversationKey]:
        return await reconcile(clickhouse, keys, ReconcileRules(RULES))

    return tables.use(use)


def row(second: int = 0, version: int = 3, **changes: object) -> Conversation:
    return msgspec.structs.replace(RIGHT, start=START + 1000 * second, version=version, **changes)


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        [row(version=1, turns=9)],
        [row(turns=9)],  # of the same events, by other rules
        [row(1, 1), row(2, 2)],
        [row(), row(2, 3)],
        [row(2, 2), row(0, 1, is_deleted=1)],
    ],
)
def test_whatever_the_rows_were_one_is_left_and_it_is_the_fold(tables: Tables, wrong: list[Conversation]) -> None:
    tables.put(*wrong, events=TALK)
    assert reconciled(tables, KEY) == {KEY}
    assert tables.rows() == [RIGHT]
    assert reconciled(tables, KEY) == set()


@settings(
    max_examples=examples(12, OF_ENGINE), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(turns(), min_size=1, max_size=12), st.data())
def test_rows_of_any_parts_of_the_events_become_the_fold_of_all(
    tables: Tables, log: list[Turn], data: st.DataObject
) -> None:
    tables.empty()
    for _ in range(data.draw(st.integers(0, 3))):
        tables.put(*folded(data.draw(st.lists(st.sampled_from(log), max_size=6))))
    tables.put(events=log)
    keys = {one.key for one in log}
    changed = reconciled(tables, *keys)
    assert changed <= keys
    assert tables.rows() == folded(log)


def test_only_the_conversations_that_are_named_are_touched(tables: Tables) -> None:
    other = turn(session_id="another")
    tables.put(events=[*TALK, other])
    assert reconciled(tables, KEY) == {KEY}
    assert tables.rows() == [RIGHT]
    assert reconciled(tables) == set()


def test_a_row_without_events_is_not_judged(tables: Tables) -> None:
    """Its writer writes rows first: they are on their way."""
    tables.put(row())
    assert reconciled(tables, KEY) == set()
    assert tables.rows() == [row()]


def test_rows_of_more_events_are_left_to_who_knows_them(tables: Tables) -> None:
    tables.put(row(1, 4, turns=4), row(0, 1), events=TALK)
    assert reconciled(tables, KEY) == set()
    assert tables.rows() == [row(0, 1), row(1, 4, turns=4)]


def test_a_row_that_is_hidden_by_one_of_events_not_archived_yet_is_written_once(
    tables: Tables, caplog: pytest.LogCaptureFixture
) -> None:
    """Where the row is that counts, only those events tell."""
    earlier = [row(-5, 4), row(0, 4, is_deleted=1)]
    tables.put(*earlier, events=TALK)
    writes: list[list[Conversation]] = []

    async def use(clickhouse: ClickHouse) -> set[ConversationKey]:
        insert = clickhouse.insert

        async def noted(table: str, rows: Sequence[Conversation]) -> None:
            writes.append([*rows])
            await insert(table, rows)

        with pytest.MonkeyPatch.context() as patch, caplog.at_level(logging.WARNING):
            patch.setattr(clickhouse, "insert", noted)
            return await reconcile(clickhouse, [KEY], ReconcileRules(RULES))

    assert tables.use(use) == {KEY}
    assert [some for some in writes if some] == [[RIGHT]]
    assert not caplog.text
    assert tables.rows(KEY) == [earlier[0]]
    events = [*TALK, turn(timestamp=START - 5000, request_id="early")]
    tables.put(events=events)
    reconciled(tables, KEY)
    assert tables.rows(KEY) == [fold(events, RULES)]


def test_a_row_that_another_writer_keeps_changing_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """By a writer with other rules, say: what shows there is of as many events."""
    server = Server()
    server.live.turns.write(TALK)
    server.live.conversations.write([row(turns=9)])
    client = server.client("live")

    async def overwritten() -> None:
        insert = client.insert

        async def contested(table: str, rows: Sequence[Conversation]) -> None:
            await insert(table, rows)
            server.live.conversations.write([row(turns=9)])

        with pytest.MonkeyPatch.context() as patch, caplog.at_level(logging.WARNING):
            patch.setattr(client, "insert", contested)
            await reconcile(client, [KEY], ReconcileRules(RULES))

    finish(actor(overwritten))
    assert "keeps changing their rows" in caplog.text


def test_more_conversations_than_are_read_at_once(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.materialise.reconcile.KEYS_AT_ONCE", 2)
    log = [turn(session_id=f"s{n}") for n in range(7)]
    tables.put(*folded(log[:3]), events=log)
    assert reconciled(tables, *(one.key for one in [*log, *log])) == {one.key for one in log[3:]}
    assert tables.rows() == folded(log)


CURRENT = st.builds(row, st.integers(0, 4), st.integers(1, 5), turns=st.integers(1, 3))


@given(st.lists(CURRENT, max_size=5, unique_by=lambda row: row.start))
def test_what_is_due_leaves_the_right_row_alone_or_those_of_more_events(current: list[Conversation]) -> None:
    table = Rows()
    table.write(current)
    newer = [one for one in table.answered() if one.version > RIGHT.version]
    table.write([*rows_to_write(RIGHT, table.answered())])
    if newer:
        assert [one for one in table.answered() if one in newer or one.start != RIGHT.start] == newer
    else:
        assert table.answered() == [RIGHT]
        assert [*rows_to_write(RIGHT, [RIGHT])] == []
