"""All data of erased sessions, and nothing else, is found and deleted, on the disk too."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.fold.fold import fold
from pipeline.materialise.erased_data import find_erased_data
from pipeline.store.connection.client import ClickHouse
from pipeline.store.erased_data import ErasedData
from pipeline.store.erasures import apply_deleted_masks, delete_erased_events, delete_erased_rows
from schemas.conversation import Conversation
from schemas.erasure import Erasure, ErasureList, Session, digest, event_digest
from schemas.turn import ConversationKey, Turn
from tests.effort import OF_ENGINE, examples
from tests.events import RULES, START, turn, turns
from tests.pipeline.audit.tables import Tables, folded

TALK = [turn(timestamp=START + 1000 * n, request_id=f"r{n}") for n in range(4)]
RIGHT = fold(TALK, RULES)
WHO = TALK[0].key[:2]
UNTIL = START + 1500
LATER = fold(TALK[2:], RULES)
LAST = fold(TALK[3:], RULES)


def forgotten(until: int = UNTIL, who: Session = WHO, log: Sequence[Turn] = TALK) -> ErasureList:
    """The events of the session up to this moment."""
    session = digest(who[1])
    gone = [event_digest(one) for one in log if one.key[:2] == who and one.timestamp <= until]
    return ErasureList([Erasure("", session, until)], {session: gone})


def found(tables: Tables, until: int = UNTIL, suspects: Sequence[ConversationKey] | None = None) -> ErasedData:
    return tables.use(lambda clickhouse: find_erased_data(clickhouse, [WHO], forgotten(until), suspects))


def test_nothing_is_found_without_data_or_in_data_of_others(tables: Tables) -> None:
    assert not found(tables)
    tables.fold(TALK)
    assert not found(tables, START - 1)
    tables.fold([turn(session_id="session-12"), turn(bot_id="BOTBBBBBB2")])
    assert found(tables, START + 9000).count == 4


@pytest.mark.parametrize(
    ("rows", "events", "remains"),
    [
        ([RIGHT], TALK, "events rows due"),
        ([RIGHT], TALK[:2], "events rows"),
        ([RIGHT], [], "rows"),
        ([LATER], TALK, "events rows due"),
        ([LATER], TALK[2:], ""),
        ([], TALK[2:], "due"),
        ([RIGHT], TALK[2:], "rows due"),
        ([msgspec.structs.replace(RIGHT, is_deleted=1)], TALK[2:], "rows due"),
        ([LATER, msgspec.structs.replace(RIGHT, version=1)], TALK[2:], "rows due"),
        ([LATER, msgspec.structs.replace(LATER, version=3, is_deleted=1)], TALK[2:], "rows due"),
        ([LATER, msgspec.structs.replace(LATER, is_deleted=1)], TALK[2:], "rows due"),
        ([LATER, msgspec.structs.replace(LATER, start=START + 3000, is_deleted=1)], TALK[2:], ""),
        ([LATER, msgspec.structs.replace(LATER, start=START + 3000)], TALK[2:], "due"),
        ([LATER, LAST, msgspec.structs.replace(LAST, version=2, is_deleted=1)], TALK[2:], ""),
    ],
)
def test_each_kind_of_erased_data_is_found(
    tables: Tables, rows: list[Conversation], events: list[Turn], remains: str
) -> None:
    tables.put(*rows, events=events)
    told = found(tables)
    assert " ".join(name for name in ("events", "rows", "due") if getattr(told, name)) == remains
    assert bool(told) is bool(remains)


def test_a_row_of_more_events_is_on_its_way_unless_its_conversation_is_suspected(tables: Tables) -> None:
    tables.put(RIGHT)
    assert not found(tables, suspects=[])
    assert [*found(tables, suspects=[RIGHT.key]).rows] == [RIGHT.key]


def cleared(tables: Tables, sessions: Sequence[Session], said: ErasureList) -> None:
    async def use(clickhouse: ClickHouse) -> None:
        remains = await find_erased_data(clickhouse, sessions, said)
        await delete_erased_rows(clickhouse, remains)
        await delete_erased_events(clickhouse, remains)
        again = await find_erased_data(clickhouse, sessions, said)
        assert not again.rows
        assert not again.events

    tables.use(use)


@settings(
    max_examples=examples(10, OF_ENGINE), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(turns(), max_size=12), st.integers(START - 1, START + 4000))
def test_erased_events_are_deleted_with_the_rows_that_show_them(tables: Tables, log: list[Turn], until: int) -> None:
    tables.empty()
    tables.put(*folded(log), events=log)
    cleared(tables, [WHO], forgotten(until, log=log))
    gone = [one for one in log if one.key[:2] == WHO and one.timestamp <= until]
    assert {*tables.events()} == {*log} - {*gone}
    assert tables.rows() == [row for row in folded(log) if row.key not in {one.key for one in gone}]


def test_more_than_one_statement_takes(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("erased_data.SESSIONS_PER_QUERY", "erasures.DIGESTS_PER_DELETION", "erasures.KEYS_PER_DELETION"):
        monkeypatch.setattr(f"pipeline.store.{name}", 3)
    log = [turn(session_id=f"s{n}", timestamp=START + n) for n in range(9)]
    tables.put(*folded(log), events=log)
    said = [Erasure("", digest(one.session_id), 0) for one in log[:8]]
    events = {digest(one.session_id): [event_digest(one)] for one in log[:8]}
    cleared(tables, [one.key[:2] for one in log], ErasureList(said, events))
    assert tables.events() == log[8:]
    assert tables.rows() == folded(log[8:])


SECRET = "guest-6e1f0c2b9a774d53"


def on_disk(folders: list[str]) -> bool:
    """Whether the id stands in a file of these parts: what is compressed holds it once in clear."""
    return any(
        SECRET.encode() in file.read_bytes() for folder in folders for file in Path(folder).iterdir() if file.is_file()
    )


def test_the_disk_keeps_nothing_and_no_statement_contains_the_id(tables: Tables) -> None:
    one, other = turn(session_id=SECRET), turn(session_id="other")
    tables.put(*folded([one, other]), events=[one, other])

    async def parts(clickhouse: ClickHouse) -> list[str]:
        sql = "SELECT path FROM system.parts WHERE database = currentDatabase() AND active AND table NOT LIKE 'forg%'"
        return [path for (path,) in await clickhouse.rows(sql)]

    async def masked(clickhouse: ClickHouse) -> int:
        sql = "SELECT count() FROM {} WHERE session_id = '{}' SETTINGS apply_deleted_mask = 0"
        counts = [await clickhouse.rows(sql.format(table, SECRET)) for table in ("turns", "conversations")]
        return sum(count for ((count,),) in counts)

    assert on_disk(tables.use(parts))
    cleared(tables, [one.key[:2]], forgotten(START, one.key[:2], [one]))
    assert tables.events() == [other]
    assert (tables.use(masked), on_disk(tables.use(parts))) == (2, True), "a deletion alone only hides it"
    tables.use(apply_deleted_masks)
    assert (tables.use(masked), on_disk(tables.use(parts))) == (0, False)
    assert tables.rows() == folded([other])

    async def commands(clickhouse: ClickHouse) -> list[str]:
        sql = "SELECT command FROM system.mutations WHERE database = currentDatabase()"
        return [command for (command,) in await clickhouse.rows(sql)]

    said = tables.use(commands)
    assert len(said) >= 3
    assert SECRET not in repr(said)


def test_applying_where_nothing_was_deleted_does_nothing(tables: Tables) -> None:
    tables.fold(TALK)

    async def mutations(clickhouse: ClickHouse) -> int:
        await apply_deleted_masks(clickhouse)
        sql = "SELECT count() FROM system.mutations WHERE database = currentDatabase() AND command LIKE '%MASK%'"
        return int((await clickhouse.rows(sql))[0][0])

    assert tables.use(mutations) == 0
