"""Utterances: what users typed or said, what was not understood first; of one text, where it was said."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from starlette.responses import Response

from pipeline.console.measures import COUNT, UTTERANCE_METRICS, Metric, keys_of, metric_list, value_of
from pipeline.console.output.downloads import FORMATS, MAX_ROWS, TableRow, download
from pipeline.console.questions import Question
from pipeline.console.screens.filter_bar import code_of, filter_bar
from pipeline.console.url_state.filters import UTTERANCE_FILTERS
from pipeline.console.visit import Screen, ScreenPart, Visit
from pipeline.http.operations import list_utterances
from schemas.access_key import Right
from schemas.lex.analytics.list_utterances import ListUtteranceAnalyticsDataResponse
from schemas.lex.analytics.metrics import MetricsResponse, MetricsResult

ROWS, DOWNLOAD_ROWS = 100, 1000
OCCURRENCES = 50
MISSED: Metric = ("Missed", "Sum")
LAST: Metric = ("UtteranceTimestamp", "Max")
COLUMNS = ("utterance", "missed", "count", "lastSeen", "lastUsedIntent")


class TextCounts(NamedTuple):
    """A text: how often it was not understood, how often it was said, when last, and the intent it last led to."""

    text: str
    missed: float
    said: float
    last: float
    intent: str


async def show(visit: Visit) -> Response:
    """Show a page of texts, the part of a page that says where one was said, or all texts as a file."""
    if (file_format := visit.parameter("download")) in FORMATS:
        return download(f"utterances-{visit.bot_id}", file_format, COLUMNS, _all_rows(visit))
    parts = []
    if visit.state.filters.get("UtteranceText"):
        parts.append(
            ScreenPart("occurrences", "utterances/occurrences.html", lambda: _occurrences(visit), "where it was said")
        )
    if answer := await visit.part(parts):
        return answer
    token = visit.state.more.get("token")
    question = _question(visit, ROWS, token)
    answered = await visit.ask(question, MetricsResponse)
    values: dict[str, Any] = {"rows": list(_read(answered.results)), "next_token": answered.next_token or ""}
    if visit.parameter("part") == "rows":
        return visit.page("utterances/table.html", **values)
    bar, loaded = await filter_bar(visit, UTTERANCE_FILTERS), await visit.parts(parts)
    return visit.page("utterances.html", **bar, **values, parts=loaded, code=code_of(visit, question))


def _question(visit: Visit, rows: int, token: str | None) -> Question:
    missed, *others = metric_list(MISSED, COUNT, LAST)
    body = visit.state.request(
        UTTERANCE_FILTERS,
        metrics=[{**missed, "order": "Descending"}, *others],
        groupBy=[{"name": "UtteranceText"}],
        attributes=[{"name": "LastUsedIntent"}],
        maxResults=rows,
    )
    if token:
        body["nextToken"] = token
    return Question(UTTERANCE_METRICS, visit.bot_id, body)


def _read(results: Sequence[MetricsResult]) -> Iterator[TextCounts]:
    for result in results:
        attributes = result.attribute_results or ()
        yield TextCounts(
            keys_of(result)[0],
            value_of(result, MISSED),
            value_of(result, COUNT),
            value_of(result, LAST),
            attributes[0].last_used_intent if attributes else "",
        )


async def _occurrences(visit: Visit) -> Mapping[str, Any]:
    """List where the texts that the filter names were said last."""
    body = visit.state.request(UTTERANCE_FILTERS, maxResults=OCCURRENCES)
    listed = await visit.ask(
        Question(list_utterances.OPERATION, visit.bot_id, body), ListUtteranceAnalyticsDataResponse
    )
    return {"utterances": listed.utterances, "are_more": bool(listed.next_token)}


async def _all_rows(visit: Visit) -> AsyncIterator[TableRow]:
    """Yield the rows of all pages, at most MAX_ROWS."""
    token, count = None, 0
    while count < MAX_ROWS:
        async with visit.console.app.access.slot(visit.key):
            page = await visit.ask(_question(visit, DOWNLOAD_ROWS, token), MetricsResponse)
        for row in _read(page.results):
            yield dict(zip(COLUMNS, row, strict=True))
        count += len(page.results)
        if not page.next_token:
            return
        token = page.next_token


SCREEN = Screen(
    "ConsoleUtterances",
    "/bots/{botId}/utterances",
    Right.TRANSCRIPTS,
    show,
    label="Utterances",
    parameters=("token",),
)
