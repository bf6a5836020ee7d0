"""Serve the probes `/healthz` and `/readyz`, and the metrics of the process."""

from collections.abc import Sequence
from typing import Protocol

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipeline.auth.authenticator import AccessControl, check_right
from pipeline.http.body import read_body
from pipeline.http.errors import JSON, NotReadyError
from pipeline.http.operations.operation import read_request
from pipeline.metrics.process import TEXT, Metrics
from schemas.access_key import Right


class Probe(Protocol):
    """Looks whether what the process depends on answers."""

    async def problem(self) -> str:
        """Return why requests cannot be answered; empty if they can."""


def probes(probe: Probe, metrics: Metrics, access: AccessControl) -> Sequence[Route]:
    """Build the routes `/healthz` (the process is alive), `/readyz` (`probe` finds no problem), `/metrics`.

    The probes are for supervisors and reveal no data. Metrics require a key with the right `admin`.
    """

    async def healthz(_: Request) -> Response:
        return _status("alive")

    async def readyz(_: Request) -> Response:
        access.check()
        if reason := await probe.problem():
            raise NotReadyError(reason)
        return _status("ready")

    async def metrics_text(request: Request) -> Response:
        check_right(access.authenticate(read_request(request, await read_body(request.stream()))), Right.ADMIN)
        return Response(metrics.text(), headers={"content-type": TEXT})

    paths = {"/healthz": healthz, "/readyz": readyz, "/metrics": metrics_text}
    return [Route(path, endpoint, methods=["GET"]) for path, endpoint in paths.items()]


def _status(status: str) -> Response:
    return Response(orjson.dumps({"status": status}), media_type=JSON)
