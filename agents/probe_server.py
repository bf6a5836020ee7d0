"""Serve a worker's /metrics, /healthz and /readyz on a port of its own."""

import logging
import socket
import time
from collections.abc import Callable
from functools import partial

import msgspec
import orjson
from aiohttp import web
from aiohttp.typedefs import Handler
from mode import Service

from agents.watchdog import StuckWatch
from pipeline.config.settings import Settings
from pipeline.metrics.process import TEXT
from pipeline.metrics.worker import WorkerMetrics
from pipeline.runtime.sockets import authority, bind_socket, is_loopback, is_own_host
from pipeline.runtime.tasks import SharedProbe
from pipeline.store.connection.lazy_client import LazyClickHouse
from pipeline.store.health import SECONDS, probe_store

JSON = "application/json"
CLOSING_SECONDS = 1.0
"""Seconds that responses in progress have to finish when the worker stops."""

log = logging.getLogger(__name__)


class Readiness:
    """Checks Kafka and ClickHouse: reports the worker's last error, or else probes their current state."""

    def __init__(self, settings: Settings, metrics: WorkerMetrics, kafka: Callable[[], str]) -> None:
        """Create the check; `kafka` returns why Kafka cannot be read at the moment, empty if it can."""
        self._metrics, self._kafka = metrics, kafka
        seconds = min(SECONDS, settings.clickhouse_timeout)
        self._store = LazyClickHouse(msgspec.structs.replace(settings, clickhouse_timeout=seconds))
        self._probe = SharedProbe(partial(probe_store, self._store))

    async def reasons(self) -> list[str]:
        """Return every reason why the worker is not ready."""
        kafka = self._metrics.kafka.problem or self._kafka()
        clickhouse = self._metrics.clickhouse.problem or await self._probe.problem()
        return [reason for reason in (kafka, clickhouse) if reason]

    async def close(self) -> None:
        """Close the connection to ClickHouse."""
        await self._store.close()


class ProbeServer(Service):
    """Serves probes from before the first connection to Kafka until everything else has stopped.

    It runs in the agents' event loop, so a response shows that this loop is not blocked.
    """

    mundane_level = "debug"

    def __init__(self, settings: Settings, metrics: WorkerMetrics, readiness: Readiness, stuck: StuckWatch) -> None:
        super().__init__()
        self._settings, self._metrics, self._readiness, self._stuck = settings, metrics, readiness, stuck
        self._socket: socket.socket | None = None
        self._runner: web.AppRunner | None = None

    def listen(self) -> socket.socket:
        """Return the socket, which the first call binds.

        Raises:
            UsageError: the address is in use or is not one of this machine's.
        """
        if self._socket is None:
            host, port = self._settings.worker_host, self._settings.worker_port
            self._socket = bind_socket(host, port, "TURNFOLD_WORKER_PORT or TURNFOLD_WORKER_HOST")
        return self._socket

    async def on_start(self) -> None:
        """Start serving."""
        app = web.Application(middlewares=[self._refuse_strangers])
        app.add_routes(
            [
                web.get("/metrics", self._answer_metrics),
                web.get("/healthz", self._answer_healthz),
                web.get("/readyz", self._answer_readyz),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=CLOSING_SECONDS)
        await self._runner.setup()
        listening = self.listen()
        await web.SockSite(self._runner, listening).start()
        log.info("metrics and probes on http://%s", authority(self._settings.worker_host, listening.getsockname()[1]))

    async def on_stop(self) -> None:
        """Stop serving."""
        if self._runner is not None:
            await self._runner.cleanup()
        await self._readiness.close()

    @web.middleware
    async def _refuse_strangers(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse requests of web pages whose host name was rebound to loopback.

        On other addresses than loopback, a scraper may use any name for this host.
        """
        host = self._settings.worker_host
        if is_loopback(host) and not is_own_host(request.headers.getall("Host", []), [host]):
            return _json({"error": "only requests to localhost are answered"}, 403)
        return await handler(request)

    async def _answer_metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=self._metrics.text(), headers={"Content-Type": TEXT})

    async def _answer_healthz(self, _: web.Request) -> web.Response:
        reasons = self._stuck.reasons(time.monotonic())
        return _json({"status": "stuck", "reasons": reasons}, 503) if reasons else _json({"status": "alive"}, 200)

    async def _answer_readyz(self, _: web.Request) -> web.Response:
        reasons = await self._readiness.reasons()
        return _json({"status": "waiting", "reasons": reasons}, 503) if reasons else _json({"status": "ready"}, 200)


def _json(body: dict[str, object], status: int) -> web.Response:
    return web.Response(body=orjson.dumps(body), status=status, content_type=JSON)
