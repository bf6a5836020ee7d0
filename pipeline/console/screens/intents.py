"""Intents: how often each was visited, and how these visits ended; of one intent its stages, and where users go."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from pipeline.console.measures import (
    COUNT,
    INTENT_METRICS,
    STAGE_METRICS,
    Metric,
    ask_all,
    keys_of,
    metric_list,
    value_of,
)
from pipeline.console.output.downloads import FORMATS, TableRow, download
from pipeline.console.questions import Question
from pipeline.console.screens.filter_bar import code_of, filter_bar
from pipeline.console.url_state.filters import INTENT_FILTERS, STAGE_FILTERS
from pipeline.console.visit import Screen, ScreenPart, Visit
from schemas.access_key import Right
from schemas.lex.analytics.metrics import MetricsResult

INTENT_STATES = ("Success", "Failure", "Switched", "Dropped")
STAGE_STATES = ("Success", "Failed", "Dropped")
RETRIES: Metric = ("Retry", "Sum")
MAX_RESULTS = 2_000
"""Intents, or stages, that a table shows: a locale of Lex has at most 1,000."""


@dataclass(frozen=True, slots=True)
class NamedResult:
    """A row of a table: a name, the visits, and how many of them ended in each state. Open ones are in no state."""

    name: str
    total: int
    states: Mapping[str, int]
    result: MetricsResult

    @property
    def is_open(self) -> int:
        """Return the number of visits that have not ended."""
        return self.total - sum(self.states.values())


def named_results(results: Sequence[MetricsResult], states: Sequence[str]) -> list[NamedResult]:
    """Read the results of a question that is grouped by one field, the most frequent first."""
    rows = [
        NamedResult(
            keys_of(result)[0],
            round(value_of(result, COUNT)),
            {state: round(value_of(result, (state, "Sum"))) for state in states},
            result,
        )
        for result in results
    ]
    return sorted(rows, key=lambda row: (-row.total, row.name))


def _sums(states: Sequence[str]) -> list[Metric]:
    return [COUNT, *((state, "Sum") for state in states)]


async def show_all(visit: Visit) -> Response:
    """Show the table of intents, or have it as a file."""
    metrics = metric_list(*_sums(INTENT_STATES))
    groups = [{"name": "IntentName"}]
    body = visit.state.request(INTENT_FILTERS, metrics=metrics, groupBy=groups, maxResults=1000)
    question = Question(INTENT_METRICS, visit.bot_id, body)
    results, is_cut = await ask_all(visit, question, MAX_RESULTS)
    rows = named_results(results, INTENT_STATES)
    if (file_format := visit.parameter("download")) in FORMATS:
        return download(
            f"intents-{visit.bot_id}", file_format, ("intent", "Count", *INTENT_STATES), _rows(rows, "intent")
        )
    return visit.page(
        "intents.html",
        **await filter_bar(visit, INTENT_FILTERS),
        rows=rows,
        states=INTENT_STATES,
        is_cut=is_cut,
        code=code_of(visit, question),
    )


async def _rows(rows: Sequence[NamedResult], name: str) -> AsyncIterator[TableRow]:
    for row in rows:
        yield {name: row.name, "Count": row.total, **row.states}


async def show_one(visit: Visit) -> Response:
    """Show one intent: how its visits ended, its stages, and where users switched to."""
    name = visit.path["name"]
    parts = [ScreenPart("switches", "intents/switches.html", lambda: _switches(visit, name), "where users switch to")]
    if answer := await visit.part(parts):
        return answer
    question = _stage_question(visit, name, "IntentStageName", *_sums(STAGE_STATES), RETRIES)
    stages, _ = await ask_all(visit, question, MAX_RESULTS)
    intent = await _intent(visit, name)
    return visit.page(
        "intent.html",
        **await filter_bar(visit, STAGE_FILTERS),
        name=name,
        intent=intent,
        states=INTENT_STATES,
        stages=named_results(stages, STAGE_STATES),
        stage_states=STAGE_STATES,
        parts=await visit.parts(parts),
        code=code_of(visit, question),
        section="Intents",
    )


async def _intent(visit: Visit, name: str) -> NamedResult:
    body = visit.state.request(
        INTENT_FILTERS, metrics=metric_list(*_sums(INTENT_STATES)), groupBy=[{"name": "IntentName"}]
    )
    question = Question(INTENT_METRICS, visit.bot_id, _about(body, name))
    results, _ = await ask_all(visit, question, 1)
    rows = named_results(results, INTENT_STATES)
    return rows[0] if rows else NamedResult(name, 0, {}, MetricsResult((), (), ()))


async def _switches(visit: Visit, name: str) -> Mapping[str, Any]:
    """Count the visits that were left for another intent, at which stage and for which."""
    question = _stage_question(visit, name, "IntentStageName", COUNT)
    question.body["groupBy"].append({"name": "SwitchedToIntent"})
    results, _ = await ask_all(visit, question, MAX_RESULTS)
    switches = [(*keys_of(result), round(value_of(result, COUNT))) for result in results if keys_of(result)[1]]
    return {"switches": sorted(switches, key=lambda each: (-each[2], each)), "name": name}


def _stage_question(visit: Visit, name: str, group: str, *wanted: Metric) -> Question:
    body = visit.state.request(STAGE_FILTERS, metrics=metric_list(*wanted), groupBy=[{"name": group}])
    return Question(STAGE_METRICS, visit.bot_id, _about(body, name))


def _about(body: dict[str, Any], intent: str) -> dict[str, Any]:
    """Ask about one intent alone."""
    only = {"name": "IntentName", "operator": "EQ", "values": [intent]}
    return {**body, "filters": [*body.get("filters", []), only]}


ALL = Screen("ConsoleIntents", "/bots/{botId}/intents", Right.LIST, show_all, label="Intents")
ONE = Screen("ConsoleIntent", "/bots/{botId}/intents/{name}", Right.LIST, show_one)
