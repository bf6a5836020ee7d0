"""Whether the process lives and whether it can answer: nothing in, a word or the reason why not out."""

from collections.abc import Sequence

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipeline.errors import TransientError
from pipeline.http.failures import JSON, NotReadyError
from pipeline.query.sessions import Rows
from pipeline.store.client import StatementError

TABLES = frozenset({"bots", "conversations", "turns"})
FIND = """
SELECT name FROM system.tables WHERE database = currentDatabase() AND name IN {tables:Array(String)}
"""


def probes(store: Rows) -> Sequence[Route]:
    """`/healthz`: the process is alive. `/readyz`: ClickHouse answers and the tables are there."""

    async def healthz(_: Request) -> Response:
        return _word("alive")

    async def readyz(_: Request) -> Response:
        await check(store)
        return _word("ready")

    return [Route("/healthz", healthz, methods=["GET"]), Route("/readyz", readyz, methods=["GET"])]


async def check(store: Rows) -> None:
    """Return where queries can be answered.

    Raises:
        NotReadyError: they cannot; the text says why and what would help.
    """
    try:
        found = {name for (name,) in await store.rows(FIND, {"tables": sorted(TABLES)})}
    except (TransientError, StatementError) as error:
        raise NotReadyError(f"ClickHouse cannot be asked: {str(error).splitlines()[0][:300]}") from error
    if missing := TABLES - found:
        raise NotReadyError(f"tables are missing: {', '.join(sorted(missing))}; run `turnfold migrate`")


def _word(status: str) -> Response:
    return Response(orjson.dumps({"status": status}), media_type=JSON)
