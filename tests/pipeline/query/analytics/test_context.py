from pipeline.query.analytics.context import NO_BOT, QueryContext
from tests.pipeline.query.table import TOKENS, Table


def test_a_bot_that_the_key_may_not_access_is_read_as_none(table: Table) -> None:
    async def readable(clickhouse: object) -> list[str]:
        context = QueryContext(clickhouse, TOKENS, lambda: 0, lambda _: 1.0, lambda bot: bot == "A")  # type: ignore[arg-type]  # only kept
        return [context.readable_bot("A"), context.readable_bot("B")]

    assert table.use(readable) == ["A", NO_BOT]


def test_open_conversations_are_dropped_by_their_bots_idle_time(table: Table) -> None:
    ttl = {"A": 60.0, "B": 0.0005}

    async def dropped(clickhouse: object) -> list[int]:
        context = QueryContext(clickhouse, TOKENS, lambda: 0, ttl.__getitem__, lambda _: True)  # type: ignore[arg-type]  # only kept
        return [context.dropped_before("A", 100_000), context.dropped_before("B", 100_000)]

    assert table.use(dropped) == [40_000, 100_000]
