"""Whether the process lives, whether it can answer, and how it fares: nothing in, a word, a reason or numbers out."""

from collections.abc import Sequence

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipeline.auth.authenticator import AccessControl, check_right
from pipeline.http.body import read_body
from pipeline.http.errors import JSON, NotReadyError
from pipeline.http.operations.operation import read_request
from pipeline.metrics.process import TEXT, Metrics
from pipeline.query.list_sessions.handler import RowSource
from pipeline.store.health import ReadyProbe
from schemas.access_key import Right


def probes(store: RowSource, metrics: Metrics, door: AccessControl) -> Sequence[Route]:
    """`/healthz`: the process is alive. `/readyz`: ClickHouse answers and the tables are there. `/metrics`.

    The first two are for whoever keeps it running, and say nothing of what it holds. Numbers are for who has a right.
    """
    probe = ReadyProbe(store)

    async def healthz(_: Request) -> Response:
        return _word("alive")

    async def readyz(_: Request) -> Response:
        door.check()
        if reason := await probe.trouble():
            raise NotReadyError(reason)
        return _word("ready")

    async def numbers(request: Request) -> Response:
        check_right(door.authenticate(read_request(request, await read_body(request.stream()))), Right.ADMIN)
        return Response(metrics.text(), headers={"content-type": TEXT})

    paths = {"/healthz": healthz, "/readyz": readyz, "/metrics": numbers}
    return [Route(path, endpoint, methods=["GET"]) for path, endpoint in paths.items()]


def _word(status: str) -> Response:
    return Response(orjson.dumps({"status": status}), media_type=JSON)
