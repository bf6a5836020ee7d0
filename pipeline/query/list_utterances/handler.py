"""Answer a ListUtteranceAnalyticsData request with one page of a bot's utterances."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from msgspec import UNSET

from pipeline.query.analytics.context import QueryContext
from pipeline.query.analytics.filters import UTTERANCE_FILTERS, conditions
from pipeline.query.analytics.fold_version import require_visits
from pipeline.query.analytics.items import OVERLAPPING, SETTINGS
from pipeline.query.analytics.page_token import fingerprint
from pipeline.query.analytics.time_range import TimeRange
from pipeline.query.list_utterances.archive import read_all_details
from pipeline.query.list_utterances.details import UtteranceDetails
from pipeline.query.list_utterances.sql import UtteranceCursor, UtteranceQuery, UtteranceRow, select
from schemas.lex.analytics.list_utterances import (
    ListUtteranceAnalyticsDataRequest,
    ListUtteranceAnalyticsDataResponse,
    UtteranceDataSortBy,
    UtteranceSortName,
    UtteranceSpecification,
)
from schemas.lex.analytics.operation import SortOrder

NEWEST_FIRST = UtteranceDataSortBy(UtteranceSortName.UTTERANCE_TIMESTAMP, SortOrder.DESCENDING)
PAGE_SIZE = 10
"""Utterances on a page where the request sets no maximum."""
MAX_CHARACTERS = 16 * 1024 * 1024
"""Characters of log entries after which a page ends early: each may be a megabyte."""
FIRST_PART = 3_600_000
"""Milliseconds of the part next to the edge: a page of a busy bot fits in an hour."""
GROWTH = 8
"""A part's length over that of the one before: a year takes six statements, the last of which reads most of it."""


@dataclass(frozen=True, slots=True)
class UtteranceLists:
    """List utterances, page by page."""

    context: QueryContext

    async def page(
        self, bot_id: str, window: TimeRange, request: ListUtteranceAnalyticsDataRequest
    ) -> ListUtteranceAnalyticsDataResponse:
        """Return the page of this bot's utterances that `request` asks for, of the `window` parsed from it.

        Raises:
            InvalidQueryError: a filter or the page token is invalid.
            PreconditionError: some rows were written before rows had utterances.
            TransientError: ClickHouse is unavailable.
        """
        context = self.context
        query = UtteranceQuery(
            bot_id=context.readable_bot(bot_id),
            window=window,
            conditions=tuple(conditions(request.filters or (), UTTERANCE_FILTERS)),
            descending=(request.sort_by or NEWEST_FIRST).order == SortOrder.DESCENDING,
        )
        token_key = fingerprint("ListUtteranceAnalyticsData", bot_id, window, request.filters, query.descending)
        cursor, as_of = context.read_token(request.next_token, token_key, UtteranceCursor)
        await require_visits(context.store, OVERLAPPING, query.bot_id, window)
        size = request.max_results or PAGE_SIZE
        rows = await self._rows(query, cursor, size + 1)  # one more tells whether a page follows
        utterances = await self._utterances(query.bot_id, rows[:size])
        more = len(rows) > len(utterances)
        return ListUtteranceAnalyticsDataResponse(
            bot_id=bot_id,
            utterances=tuple(utterances),
            next_token=context.tokens.issue(token_key, _cursor(rows[len(utterances) - 1], as_of)) if more else UNSET,
        )

    async def _rows(self, query: UtteranceQuery, cursor: UtteranceCursor | None, limit: int) -> Sequence[UtteranceRow]:
        """Read the first rows from the cursor on."""
        rows: list[UtteranceRow] = []
        for part in _parts(query, cursor):
            statement = select(query, part, cursor, limit - len(rows))
            found = await self.context.store.rows(statement.sql, statement.parameters, SETTINGS)
            rows += map(UtteranceRow._make, found)
            if len(rows) == limit:
                break
        return rows

    async def _utterances(self, bot_id: str, rows: Sequence[UtteranceRow]) -> list[UtteranceSpecification]:
        """Read the details of the rows, as many as are not too long in all."""
        utterances: list[UtteranceSpecification] = []
        characters = 0
        async for chunk in read_all_details(self.context.store, bot_id, rows):
            utterances += (_utterance(row, details) for row, details in chunk)
            characters += sum(details.size for _, details in chunk)
            if characters > MAX_CHARACTERS:
                break
        return utterances


def _parts(query: UtteranceQuery, cursor: UtteranceCursor | None) -> Iterable[TimeRange]:
    """Divide what is left of the window. Some conversations, which their key finds, are read from all of it at once."""
    after, before = query.window.after, query.window.before
    if cursor is not None:
        after, before = (after, cursor.time + 1) if query.descending else (cursor.time - 1, before)
    left = TimeRange(after, before)
    few = any(condition.on_key for condition in query.conditions)
    return [left] if few else widening(left, descending=query.descending)


def _cursor(row: UtteranceRow, as_of: int) -> UtteranceCursor:
    return UtteranceCursor(as_of, row.time, row.session_id, row.originating_request_id, row.request_id)


def _utterance(row: UtteranceRow, details: UtteranceDetails) -> UtteranceSpecification:
    return UtteranceSpecification(
        bot_alias_id=details.bot_alias_id,
        bot_version=details.bot_version,
        locale_id=details.locale_id,
        session_id=row.session_id,
        conversation_start_time=row.start / 1000,
        conversation_end_time=row.end / 1000,
        utterance=row.text,
        utterance_timestamp=row.time / 1000,
        utterance_request_id=row.request_id,
        utterance_understood=not row.is_missed,
        bot_responses=details.messages,
        channel=details.channel or UNSET,
        mode=row.mode or UNSET,
        input_type=details.input_type or UNSET,
        audio_voice_duration_millis=details.voice_millis,
        associated_intent_name=row.intent_name or UNSET,
        associated_slot_name=row.slot_name or UNSET,
        intent_state=details.intent_state or UNSET,
        dialog_action_type=details.dialog_action or UNSET,
        slots_filled_in_session=",".join(details.filled_slots) or UNSET,
    )


def widening(window: TimeRange, *, descending: bool) -> Iterator[TimeRange]:
    """Yield parts of `window`, in the direction of the order, that hold each of its milliseconds once."""
    after, before, length = window.after, window.before, FIRST_PART
    while before - after > 1:
        if descending:
            bound = max(after, before - 1 - length)
            yield TimeRange(bound, before)
            before = bound + 1
        else:
            bound = min(before, after + 1 + length)
            yield TimeRange(after, bound)
            after = bound - 1
        length *= GROWTH
