"""Compare two versions, aliases, locales, channels or spans, side by side."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from starlette.responses import Response

from pipeline.console.measures import COUNT, INTENT_METRICS, SESSION_METRICS, Metric, ask_all, metric_list, value_of
from pipeline.console.questions import Question
from pipeline.console.screens.filter_bar import CHOICE_FIELDS, code_of, filter_bar
from pipeline.console.screens.intents import INTENT_STATES, MAX_RESULTS, NamedResult, named_results
from pipeline.console.url_state.filters import INTENT_FILTERS, SESSION_FILTERS
from pipeline.console.url_state.view_state import ViewState
from pipeline.console.visit import Screen, ScreenPart, Visit
from schemas.access_key import Right
from schemas.lex.analytics.metrics import MetricsResponse, MetricsResult

SPAN = "span"
KINDS = {"BotVersion": "versions", "BotAliasId": "aliases", "LocaleId": "locales", "Channel": "channels", SPAN: "spans"}
"""What can be compared -> its name for people."""
METRICS: Sequence[Metric] = (
    COUNT,
    ("Success", "Avg"),
    ("Failure", "Avg"),
    ("Dropped", "Avg"),
    ("Duration", "Avg"),
    ("TurnsPerConversation", "Avg"),
)


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: its name, and the state that a view of it alone has."""

    name: str
    state: ViewState


async def show(visit: Visit) -> Response:
    """Show two sides, or a part of the page."""
    bar = await filter_bar(visit, SESSION_FILTERS, keep=("by", "a", "b"))
    by = visit.state.more.get("by", "BotVersion")
    by = by if by in KINDS else "BotVersion"
    values = bar["choices"][by] if by in CHOICE_FIELDS else []
    sides = _sides(visit, by, values)
    parts = []
    if sides:
        parts.append(
            ScreenPart("intents", "compare/intents.html", lambda: _intents(visit, sides), "intents side by side")
        )
    if answer := await visit.part(parts):
        return answer
    questions = [_question(visit, side) for side in sides]
    answers = await asyncio.gather(*(visit.ask(question, MetricsResponse) for question in questions))
    return visit.page(
        "compare.html",
        **bar,
        by=by,
        kinds=KINDS,
        values=values,
        sides=sides,
        rows=_rows([answer.results[0] for answer in answers]) if sides else [],
        parts=await visit.parts(parts),
        code=code_of(visit, questions[0]) if questions else {},
    )


def _sides(visit: Visit, by: str, values: Sequence[str]) -> list[Side]:
    """Return the two sides that the URL names, or else the last two; none where there are not two."""
    state = visit.state
    if by == SPAN:
        return [Side("the span before", replace(state, span=state.span.previous())), Side("the span", state)]
    wanted = [state.more[name] for name in ("a", "b") if state.more.get(name) in values]
    wanted += [value for value in reversed(values) if value not in wanted][: 2 - len(wanted)]
    if len(wanted) < 2:
        return []
    if not {"a", "b"} & state.more.keys():
        wanted.reverse()  # the newer one on the right
    return [Side(value, state.only(by, value)) for value in wanted]


def _question(visit: Visit, side: Side) -> Question:
    body = side.state.request(SESSION_FILTERS, metrics=metric_list(*METRICS))
    return Question(SESSION_METRICS, visit.bot_id, body)


def _rows(results: Sequence[MetricsResult]) -> list[tuple[Metric, float, float]]:
    first, second = results
    return [(metric, value_of(first, metric), value_of(second, metric)) for metric in METRICS]


async def _intents(visit: Visit, sides: Sequence[Side]) -> Mapping[str, Any]:
    """Pair the intents of both sides by name, the most frequent first."""
    first, second = await asyncio.gather(*(_of_side(visit, side) for side in sides))
    names = sorted({*first, *second}, key=lambda name: (-_total(first, name) - _total(second, name), name))
    return {"pairs": [(name, first.get(name), second.get(name)) for name in names], "sides": sides}


async def _of_side(visit: Visit, side: Side) -> dict[str, NamedResult]:
    metrics = metric_list(COUNT, *((state, "Sum") for state in INTENT_STATES))
    body = side.state.request(INTENT_FILTERS, metrics=metrics, groupBy=[{"name": "IntentName"}], maxResults=1000)
    results, _ = await ask_all(visit, Question(INTENT_METRICS, visit.bot_id, body), MAX_RESULTS)
    return {row.name: row for row in named_results(results, INTENT_STATES)}


def _total(side: Mapping[str, NamedResult], name: str) -> int:
    return side[name].total if name in side else 0


SCREEN = Screen(
    "ConsoleCompare", "/bots/{botId}/compare", Right.LIST, show, label="Compare", parameters=("by", "a", "b")
)
