"""Answer a ListBots request with one page of the bots that have conversations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import UNSET

from pipeline.query.analytics.context import QueryContext
from pipeline.query.analytics.page_token import PageCursor, fingerprint
from schemas.lex.analytics.operation import SortOrder
from schemas.lex.list_bots import (
    BotFilter,
    BotFilterName,
    BotFilterOperator,
    BotSummary,
    ListBotsRequest,
    ListBotsResponse,
)

PAGE_SIZE = 1000
"""Bots on a page where the request sets no maximum."""
BOTS = "SELECT DISTINCT bot_id FROM conversations WHERE is_deleted = 0"
# Versions of a row only grow by events, and the row of a superseded start is taken back after its conversation has
# another: the last of all ends is that of a current row, and FINAL, which reads ten times as much, would find the same.
LAST_ENDS = """\
SELECT bot_id, toUnixTimestamp64Milli(max(end))
FROM conversations
WHERE bot_id IN {bots:Array(String)} AND is_deleted = 0
GROUP BY bot_id"""
NAMES = "SELECT bot_id, groupUniqArray(bot_name) FROM bots WHERE bot_id IN {bots:Array(String)} GROUP BY bot_id"
LAST_NAMES = """\
SELECT bot_id, max(bot_name)
FROM turns
WHERE bot_id IN {bots:Array(String)} AND bot_name != ''
  AND timestamp >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')
  AND (bot_id, toUnixTimestamp64Milli(timestamp)) IN {ends:Array(Tuple(String, Int64))}
GROUP BY bot_id"""
"""Names in the last events of bots."""


class BotCursor(PageCursor, frozen=True, array_like=True):
    """Name and id of the last bot of a page."""

    bot_name: str
    bot_id: str


@dataclass(frozen=True, slots=True)
class BotLists:
    """List bots, page by page. There are few of them, and a key may know of some only: they are filtered here."""

    context: QueryContext

    async def page(self, request: ListBotsRequest) -> ListBotsResponse:
        """Return the page of bots that `request` asks for.

        Raises:
            InvalidQueryError: the page token is invalid.
            TransientError: ClickHouse is unavailable.
        """
        context = self.context
        descending = request.sort_by is not None and request.sort_by.order == SortOrder.DESCENDING
        token_key = fingerprint("ListBots", request.filters, descending)
        cursor, as_of = context.read_token(request.next_token, token_key, BotCursor)
        bots = [bot for bot in await self._bots() if all(_matches(bot, each) for each in request.filters or ())]
        bots.sort(key=_position, reverse=descending)
        if cursor is not None:
            last = (cursor.bot_name, cursor.bot_id)
            bots = [bot for bot in bots if (_position(bot) < last if descending else _position(bot) > last)]
        size = request.max_results or PAGE_SIZE
        page, more = bots[:size], len(bots) > size
        return ListBotsResponse(
            bot_summaries=tuple(page),
            next_token=context.tokens.issue(token_key, BotCursor(as_of, *_position(page[-1]))) if more else UNSET,
        )

    async def _bots(self) -> list[BotSummary]:
        """Return all bots that the key may know of."""
        bots = [bot_id for (bot_id,) in await self._rows(BOTS) if self.context.can_access_bot(bot_id)]
        ends: dict[str, int] = dict(await self._rows(LAST_ENDS, bots=bots))
        names = await self._names(ends)
        return [BotSummary(bot_id, names.get(bot_id, bot_id), end / 1000) for bot_id, end in ends.items()]

    async def _names(self, ends: Mapping[str, int]) -> dict[str, str]:
        """Return the name of each bot that has one: of a renamed one, that of its last event, else any."""
        names = {bot_id: sorted(known) for bot_id, known in await self._rows(NAMES, bots=[*ends])}
        if renamed := [bot_id for bot_id, known in names.items() if len(known) > 1]:
            last = [(bot_id, ends[bot_id]) for bot_id in renamed]
            since = min(end for _, end in last)
            names |= {
                bot_id: [name] for bot_id, name in await self._rows(LAST_NAMES, bots=renamed, since=since, ends=last)
            }
        return {bot_id: known[-1] for bot_id, known in names.items()}

    async def _rows(self, statement: str, **parameters: object) -> Sequence[tuple[Any, ...]]:
        return await self.context.store.rows(statement, parameters)


def _position(bot: BotSummary) -> tuple[str, str]:
    return bot.bot_name, bot.bot_id


def _matches(bot: BotSummary, requested: BotFilter) -> bool:
    actual = bot.bot_name if requested.name is BotFilterName.BOT_NAME else bot.bot_type
    (value,) = requested.values
    match requested.operator:
        case BotFilterOperator.EQ:
            return actual == value
        case BotFilterOperator.NE:
            return actual != value
        case BotFilterOperator.CO:
            return value in actual
