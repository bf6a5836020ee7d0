import pytest

from pipeline.store.archive import read_archived_events
from pipeline.store.client import ClickHouse
from pipeline.store.key_ranges import Where, single
from schemas.turn import ArchivedTurn
from tests.events import turn
from tests.pipeline.audit.tables import Tables
from tests.pipeline.audit.tables import archived as rows


@pytest.mark.parametrize(
    "payload", [b"", b'{"a": "\xc3\xa9"}', b"\x00\xff\xfe'\\\n\t", bytes(range(256)), b"x" * 300_000]
)
def test_a_payload_comes_back_byte_for_byte(tables: Tables, payload: bytes) -> None:
    """A rebuild decodes it again: what is no text any more would be a dead letter."""
    (event,) = rows([turn(intent_name="Übung \U0001f600")])
    written = ArchivedTurn(**{name: getattr(event, name) for name in event.__struct_fields__} | {"payload": payload})

    async def use(clickhouse: ClickHouse) -> None:
        await clickhouse.insert("turns", [written])
        assert await read_archived_events(clickhouse, single([written.key])) == [written]

    tables.use(use)


def test_all_events_of_the_conversations_come_and_no_others(tables: Tables) -> None:
    async def use(clickhouse: ClickHouse) -> None:
        wanted = rows([turn(request_id=f"r{n}") for n in range(5)] + [turn(session_id="s2")])
        await clickhouse.insert("turns", wanted)
        await clickhouse.insert("turns", [*wanted[:2], *rows([turn(session_id="s3"), turn(bot_id="another")])])
        found = await read_archived_events(clickhouse, single([turn().key, turn(session_id="s2").key]))
        assert {(one.key, one.order) for one in found} == {(one.key, one.order) for one in wanted}
        assert await read_archived_events(clickhouse, Where("bot_id = {bot:String}", {"bot": "nobody"})) == []

    tables.use(use)
