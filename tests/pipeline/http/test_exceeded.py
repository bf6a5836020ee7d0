"""A query that exceeds its limits in ClickHouse is refused with an error that SDKs know; others are not affected."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from botocore.exceptions import ClientError

from pipeline.config.settings import Settings
from pipeline.http.app import create_app
from pipeline.store.connection.client import connection
from tests.pipeline.http.runtime import sdk
from tests.pipeline.http.serving import serving

MANY = """
INSERT INTO conversations
    (bot_id, start, session_id, originating_request_id, end, duration_seconds, turns, mode, channel, bot_alias_id,
     bot_version, locale_id, intents, intent_path, end_state, version, is_deleted)
SELECT {bot:String}, start, toString(number), toString(number), start, 0, 1, 'Text', '', 'TSTALIASID', '1', 'en_US',
       ['BookHotel'], '/BookHotel', 'Success', 1, 0
FROM (SELECT number, toDateTime64('2026-01-01', 3, 'UTC') + number AS start FROM numbers({count:UInt64}))
"""
HEAVY, SMALL = "BOTAAAAAA1", "BOTBBBBBB2"
LITTLE = 1_000_000
"""Bytes: less than a sort of very many rows takes, and far more than one of a few."""
WINDOW = {"startDateTime": datetime(2025, 1, 1, tzinfo=UTC), "endDateTime": datetime(2027, 1, 1, tzinfo=UTC)}
BY_TURNS = {"name": "NumberOfTurns", "order": "Descending"}


@pytest.fixture
def filled(with_tables: Settings) -> Settings:
    """Settings of a database in which one bot has very many conversations, and another a few."""

    async def fill() -> None:
        async with connection(with_tables) as clickhouse:
            for bot, count in ((HEAVY, 300_000), (SMALL, 10)):
                await clickhouse.command(MANY, {"bot": bot, "count": count})

    asyncio.run(fill())
    return with_tables


@pytest.fixture
def bounded(filled: Settings) -> Iterator[str]:
    """The address of a query layer that lets a query take little memory."""
    with serving(create_app(msgspec.structs.replace(filled, query_memory=LITTLE))) as url:
        yield url


def listed(models: Any, bot: str, **asked: Any) -> int:
    return len(models.list_session_analytics_data(botId=bot, **WINDOW, **asked)["sessions"])


def test_a_list_that_takes_too_much_is_refused_and_the_next_one_answered(bounded: str, filled: Settings) -> None:
    with sdk("lexv2-models", bounded) as models:
        assert listed(models, SMALL) == 10
        with pytest.raises(models.exceptions.ServiceQuotaExceededException) as refused:
            listed(models, HEAVY, sortBy=BY_TURNS, maxResults=1000)
        answer = refused.value.response
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 402
        assert answer["Error"]["Message"] == (
            "the query would take more than 1,000,000 bytes of memory; "
            "ask for less, such as a shorter window or fewer filters"
        )
        assert listed(models, SMALL, sortBy=BY_TURNS) == 10
    with serving(create_app(filled)) as unbounded, sdk("lexv2-models", unbounded) as models:
        assert listed(models, HEAVY, sortBy=BY_TURNS, maxResults=1000) == 1000


def test_one_that_takes_too_long_is_refused_too(filled: Settings) -> None:
    hurried = msgspec.structs.replace(filled, query_seconds=0.001)
    with (
        serving(create_app(hurried)) as url,
        sdk("lexv2-models", url) as models,
        pytest.raises(models.exceptions.ServiceQuotaExceededException, match=r"more than 0\.001 s; ask for less"),
    ):
        listed(models, HEAVY, sortBy=BY_TURNS, maxResults=1000)


@pytest.mark.parametrize(
    ("service", "kind", "asked"),
    [
        ("lex-runtime", "LimitExceededException", {"botName": "a", "botAlias": "b", "userId": "cc"}),
        (
            "lexv2-runtime",
            "ThrottlingException",
            {"botId": HEAVY, "botAliasId": "b", "localeId": "en_US", "sessionId": "cc"},
        ),
    ],
)
def test_sessions_report_it_with_the_codes_of_their_services(
    filled: Settings, service: str, kind: str, asked: dict[str, str]
) -> None:
    """The archive is empty; what bounds a query there is too little for any."""
    hurried = msgspec.structs.replace(filled, query_seconds=0.000_001)
    with serving(create_app(hurried)) as url, sdk(service, url) as runtime:
        with pytest.raises(ClientError) as refused:
            runtime.get_session(**asked)
        assert refused.value.response["Error"]["Code"] == kind
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
