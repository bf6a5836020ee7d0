"""Quoted texts and names are read back as they were, whatever they contain."""

import asyncio

from pipeline.config.settings import Settings
from pipeline.store.connection.client import connection
from pipeline.store.schema.definitions import identifier, literal

TEXTS = ("plain", "", "it's", "`", "\\", "\\'", "' OR 1 --", "`) FROM system.one --", "{x:String}", "Grüß 😀", "\n\t")


def test_clickhouse_reads_back_what_was_quoted(clickhouse_settings: Settings) -> None:
    names = [identifier(f"column {text}") for text in TEXTS]
    columns = (f"{literal(text)} AS {name}" for text, name in zip(TEXTS, names, strict=True))
    statement = f"SELECT {', '.join(columns)}"

    async def query() -> list[tuple[str, ...]]:
        async with connection(clickhouse_settings) as clickhouse:
            (values,) = await clickhouse.rows(statement)
            (named,) = await clickhouse.rows(f"SELECT {', '.join(names)} FROM ({statement})")  # noqa: S608 - it is quoted
            return [tuple(values), tuple(named)]

    assert asyncio.run(query()) == [TEXTS, TEXTS]
