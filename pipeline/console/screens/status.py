"""The pipeline behind the console: how far the workers are behind, how fresh the answers are, and dead letters."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from starlette.responses import Response

from pipeline.config.settings import Settings
from pipeline.console.questions import Question
from pipeline.console.visit import Screen, ScreenPart, Visit
from pipeline.http.operations import list_bots
from pipeline.kafka.partition_lag import PartitionLag
from pipeline.runtime.errors import TransientError, UsageError
from schemas.access_key import Right
from schemas.lex.list_bots import ListBotsResponse

PATIENCE_S = 5.0
"""Seconds that Kafka has for an answer."""


class TopicState(NamedTuple):
    """A topic: its partitions, the messages it holds, and those that no worker has finished; None for dead letters."""

    name: str
    partitions: int
    messages: int
    lag: int | None


async def show(visit: Visit) -> Response:
    """Show the state of the pipeline; its parts come by themselves."""
    parts = [
        ScreenPart("topics", "status/topics.html", lambda: _topics(visit), "what Kafka says"),
        ScreenPart("freshness", "status/freshness.html", lambda: _freshness(visit), "the latest conversation"),
    ]
    if answer := await visit.part(parts):
        return answer
    return visit.page("status.html", parts=await visit.parts(parts))


async def _topics(visit: Visit) -> Mapping[str, Any]:
    from pipeline.kafka.group import read_lag  # noqa: PLC0415 - the query layer starts sooner without Kafka's client

    settings = visit.console.app.settings
    try:
        lags = await visit.console.shared.get("topics", lambda: asyncio.to_thread(read_lag, settings, PATIENCE_S))
    except (TransientError, UsageError) as error:
        return {"topics": [], "problem": str(error)}
    return {"topics": topic_states(lags, settings), "problem": ""}


def topic_states(lags: Sequence[PartitionLag], settings: Settings) -> list[TopicState]:
    """Add up the partitions of each topic."""
    topics: dict[str, list[PartitionLag]] = {}
    for lag in lags:
        topics.setdefault(lag.topic, []).append(lag)
    return [
        TopicState(
            name,
            len(partitions),
            sum(each.end - each.beginning for each in partitions),
            None if name == settings.topic_dead else sum(each.lag for each in partitions),
        )
        for name, partitions in topics.items()
    ]


async def _freshness(visit: Visit) -> Mapping[str, Any]:
    listed = await visit.ask(Question(list_bots.OPERATION, "", {"maxResults": 1000}), ListBotsResponse)
    return {"latest": max((bot.last_updated_date_time for bot in listed.bot_summaries), default=None)}


SCREEN = Screen("ConsoleStatus", "/status", Right.ADMIN, show)
