"""Paths: which intents follow one another, level by level, and where conversations end."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from starlette.responses import Response

from pipeline.console.charts.flow import HEIGHT, FlowColumn, FlowNode, layout, read_nodes, rows
from pipeline.console.output.downloads import FORMATS, TableRow, download
from pipeline.console.questions import Question
from pipeline.console.screens.filter_bar import code_of, filter_bar
from pipeline.console.url_state.filters import PATH_FILTERS
from pipeline.console.visit import Screen, ScreenPart, Visit
from pipeline.http.operations import list_intent_paths
from schemas.access_key import Right
from schemas.lex.analytics.list_intent_paths import ListIntentPathsResponse, NodeType

ROOT = "/"
LEVELS = 3
"""Columns at least, where so many intents follow one another."""
MAX_LEVELS = 6
"""Columns at most, the last ones of a longer path: each is a question of its own."""
COLUMNS = ("path", "conversations", "ended")


async def show(visit: Visit) -> Response:
    """Show the levels along the path in the URL, and along the most frequent one from there on."""
    path = visit.state.more.get("path") or ROOT
    parts = [ScreenPart("flow", "paths/flow.html", lambda: _flow(visit, path), "the flow")]
    if answer := await visit.part(parts):
        return answer
    if (file_format := visit.parameter("download")) in FORMATS:
        return download(f"paths-{visit.bot_id}", file_format, COLUMNS, _all_rows(await _columns(visit, path)))
    return visit.page(
        "paths.html",
        **await filter_bar(visit, PATH_FILTERS, keep=("path",)),
        steps=_prefixes(path)[1:],
        parts=await visit.parts(parts),
        code=code_of(visit, _question(visit, path)),
    )


def _question(visit: Visit, path: str) -> Question:
    return Question(list_intent_paths.OPERATION, visit.bot_id, visit.state.request(PATH_FILTERS, intentPath=path))


def _prefixes(path: str) -> list[str]:
    """Return the root, each beginning of a path, and the path itself."""
    names = path.removeprefix(ROOT).split(ROOT) if path != ROOT else []
    return [ROOT, *(ROOT + ROOT.join(names[: number + 1]) for number in range(len(names)))]


async def _children(visit: Visit, path: str) -> tuple[FlowNode, ...]:
    answer = await visit.ask(_question(visit, path), ListIntentPathsResponse)
    summaries = [
        (node.intent_name, node.intent_path, node.intent_count, node.node_type == NodeType.EXIT)
        for node in answer.node_summaries
    ]
    return tuple(read_nodes(summaries, path))


async def _columns(visit: Visit, path: str) -> list[FlowColumn]:
    """Ask for each level along the path, then along what follows most often."""
    opened = _prefixes(path)[-MAX_LEVELS:]
    columns: list[FlowColumn] = []
    while opened:
        nodes = await _children(visit, opened.pop(0))
        if not opened and len(columns) + 1 < LEVELS:
            opened = [node.path for node in nodes if node.goes_on][:1]
        columns.append(FlowColumn(nodes, opened[0] if opened else ""))
    return [column for column in columns if column.nodes]


async def _flow(visit: Visit, path: str) -> Mapping[str, Any]:
    columns = await _columns(visit, path)
    total = sum(node.count for node in columns[0].nodes) if columns else 0
    return {"picture": layout(columns), "height": HEIGHT, "rows": rows(columns), "total": total, "path": path}


async def _all_rows(columns: Sequence[FlowColumn]) -> AsyncIterator[TableRow]:
    for _, node in rows(columns):
        yield {"path": node.path or node.name, "conversations": node.count, "ended": node.ended}


SCREEN = Screen("ConsolePaths", "/bots/{botId}/paths", Right.LIST, show, label="Paths", parameters=("path",))
