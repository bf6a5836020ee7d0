"""The overview: what happened in numbers, against the time before, over time, and by channel, locale and version."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from starlette.responses import Response

from pipeline.console.charts.heat import heat_map
from pipeline.console.charts.timeline import timeline
from pipeline.console.measures import (
    COUNT,
    SESSION_METRICS,
    UTTERANCE_METRICS,
    Metric,
    ask_all,
    bin_of,
    keys_of,
    metric_list,
    value_of,
)
from pipeline.console.questions import Question
from pipeline.console.screens.filter_bar import code_of, filter_bar
from pipeline.console.url_state.filters import SESSION_FILTERS, UTTERANCE_FILTERS
from pipeline.console.url_state.span import Span
from pipeline.console.url_state.view_state import ViewState
from pipeline.console.visit import Screen, ScreenPart, Visit
from schemas.access_key import Right
from schemas.lex.analytics.metrics import MetricsResponse, MetricsResult

TILES: Sequence[Metric] = (COUNT, ("Success", "Avg"), ("Duration", "Avg"), ("TurnsPerConversation", "Avg"))
MISSED: Sequence[Metric] = (COUNT, ("Missed", "Sum"), ("Missed", "Avg"))
STATES = ("Success", "Failure", "Dropped", "")
MAX_RESULTS = 10_000
"""Results of a picture, such as hours of a year; a picture that has more says so."""
MAX_VALUES = 8
"""Rows of a small table; each is a question of its own."""

BREAKDOWNS = {"channel": "Channel", "locale": "LocaleId", "version": "BotVersion"}
"""Small table -> the filter whose values are its rows."""


class Breakdown(NamedTuple):
    """A row of a small table: a value, its conversations, and those of them that were a success."""

    value: str
    total: float
    success: float


async def show(visit: Visit) -> Response:
    """Show the overview, or a part of it."""
    parts = [
        ScreenPart(
            "tiles", "overview/tiles.html", lambda: _tiles(visit), "the change", meanwhile="overview/tiles_now.html"
        ),
        ScreenPart("timeline", "overview/timeline.html", lambda: _timeline(visit), "conversations over time"),
        ScreenPart("heat", "overview/heat.html", lambda: _heat(visit), "weekdays and hours"),
        *(
            ScreenPart(name, "overview/breakdown.html", partial(_breakdown, visit, name), f"by {name}")
            for name in BREAKDOWNS
        ),
    ]
    if visit.key.has_right(UTTERANCE_METRICS.right):
        parts.insert(1, ScreenPart("missed", "overview/missed.html", lambda: _missed(visit), "missed utterances"))
    if answer := await visit.part(parts):
        return answer
    question = _tile_question(visit, visit.state.span)
    tiles = await visit.ask(question, MetricsResponse)
    bar, loaded = await filter_bar(visit, SESSION_FILTERS), await visit.parts(parts)
    return visit.page("overview.html", **bar, now_tiles=tiles.results[0], parts=loaded, code=code_of(visit, question))


def _tile_question(visit: Visit, span: Span) -> Question:
    body = visit.state.request(SESSION_FILTERS, span, metrics=metric_list(*TILES))
    return Question(SESSION_METRICS, visit.bot_id, body)


async def _both(visit: Visit, question_of: Any) -> tuple[MetricsResult, MetricsResult]:
    """Ask about the span and the one before it."""
    span = visit.state.span
    asked = (visit.ask(question_of(visit, each), MetricsResponse) for each in (span, span.previous()))
    current, before = await asyncio.gather(*asked)
    return current.results[0], before.results[0]


async def _tiles(visit: Visit) -> Mapping[str, Any]:
    current, before = await _both(visit, _tile_question)
    return {"current": current, "before": before}


def _missed_question(visit: Visit, span: Span) -> Question:
    body = visit.state.request(UTTERANCE_FILTERS, span, metrics=metric_list(*MISSED))
    return Question(UTTERANCE_METRICS, visit.bot_id, body)


async def _missed(visit: Visit) -> Mapping[str, Any]:
    current, before = await _both(visit, _missed_question)
    return {"current": current, "before": before, "ignored": visit.state.ignored(UTTERANCE_FILTERS)}


async def _timeline(visit: Visit) -> Mapping[str, Any]:
    """Count by bin and end state."""
    span = visit.state.span
    results, is_cut = await _binned(visit, span.interval, groupBy=[{"name": "ConversationEndState"}])
    counts: dict[int, dict[str, int]] = {}
    for result in results:
        counts.setdefault(bin_of(result), {})[keys_of(result)[0]] = round(value_of(result, COUNT))
    drawn = timeline(counts, STATES, span.interval, (span.after, span.before), visit.state.zone)
    return {"timeline": drawn, "states": STATES, "is_cut": is_cut}


async def _heat(visit: Visit) -> Mapping[str, Any]:
    """Count by hour, and add up the hours of each weekday."""
    results, is_cut = await _binned(visit, "OneHour")
    counts = {bin_of(result): round(value_of(result, COUNT)) for result in results}
    return {"rows": heat_map(counts, visit.state.zone), "is_cut": is_cut}


async def _binned(visit: Visit, interval: str, **more: Any) -> tuple[Sequence[MetricsResult], bool]:
    bins = [{"name": "ConversationStartTime", "interval": interval}]
    body = visit.state.request(SESSION_FILTERS, metrics=metric_list(COUNT), binBy=bins, maxResults=1000, **more)
    return await ask_all(visit, Question(SESSION_METRICS, visit.bot_id, body), MAX_RESULTS)


async def _breakdown(visit: Visit, name: str) -> Mapping[str, Any]:
    """Count by the values of a filter: one question for each of them, as the API groups by none but locales."""
    filter_name = BREAKDOWNS[name]
    bar = await filter_bar(visit, SESSION_FILTERS)
    known = visit.state.filters.get(filter_name) or tuple(bar["choices"][filter_name])
    values = known[-MAX_VALUES:]
    states = (visit.state, *(visit.state.only(filter_name, value) for value in values))
    everything, *rows = await asyncio.gather(*map(partial(_row, visit), states, ("", *values)))
    others = Breakdown(
        "", everything.total - sum(row.total for row in rows), everything.success - sum(row.success for row in rows)
    )
    return {
        "name": name,
        "filter": filter_name,
        "rows": sorted((row for row in rows if row.total), key=lambda row: -row.total),
        "others": others,
        "are_more": len(known) > len(values),
    }


async def _row(visit: Visit, state: ViewState, value: str) -> Breakdown:
    metrics = metric_list(COUNT, ("Success", "Sum"))
    question = Question(SESSION_METRICS, visit.bot_id, state.request(SESSION_FILTERS, metrics=metrics))
    result = (await visit.ask(question, MetricsResponse)).results[0]
    return Breakdown(value, value_of(result, COUNT), value_of(result, ("Success", "Sum")))


SCREEN = Screen("ConsoleOverview", "/bots/{botId}/overview", Right.LIST, show, label="Overview")
