"""Build the ASGI application of the query layer from routes and middlewares, and run it until a signal stops it."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from pipeline.auth.authenticator import AccessControl
from pipeline.auth.rate_limit import KeySlots
from pipeline.config.settings import Settings
from pipeline.http.middleware.audit_log import AuditMiddleware, audit_log
from pipeline.http.middleware.cors import cors
from pipeline.http.middleware.disconnect import DisconnectMiddleware
from pipeline.http.middleware.request_context import MetricsMiddleware, RequestContextMiddleware, on_no_route
from pipeline.http.middleware.trusted_host import trusted_host
from pipeline.http.openapi.document import openapi_route
from pipeline.http.operations import (
    get_session,
    get_transcript,
    list_aggregated_utterances,
    list_bots,
    list_intent_paths,
    list_sessions,
    list_utterances,
    metrics,
)
from pipeline.http.operations.operation import AppContext, ConcurrencyLimiter, Operation
from pipeline.http.probes import probes
from pipeline.http.server.run import query_layer_address, run_server
from pipeline.metrics.http import QueryMetrics
from pipeline.query.analytics.page_token import PageTokens
from pipeline.runtime.clock import Now, now_ms
from pipeline.runtime.tasks import SharedProbe
from pipeline.store.connection.lazy_client import LazyClickHouse
from pipeline.store.health import probe_store

OPERATIONS: Sequence[Operation] = (
    list_sessions.OPERATION,
    *metrics.OPERATIONS,
    list_intent_paths.OPERATION,
    list_utterances.OPERATION,
    list_aggregated_utterances.OPERATION,
    list_bots.OPERATION,
    get_session.GET_SESSION_V1,
    get_session.GET_SESSION_V2,
    get_transcript.OPERATION,
)

Pages = Callable[[AppContext], Sequence[BaseRoute]]
"""Routes of pages for people, which ask the operations as clients do."""


def no_pages(_: AppContext) -> Sequence[BaseRoute]:
    """Serve the API alone."""
    return ()


@dataclass(frozen=True, slots=True)
class Counters:
    """What a query layer counts, alone or together with other processes.

    Attributes:
        metrics: of requests.
        concurrency: the limit of requests in progress.
        slots: the limits of access keys; None for those of this process alone.
        running: is entered while requests are answered.
    """

    metrics: QueryMetrics = field(default_factory=QueryMetrics)
    concurrency: ConcurrencyLimiter = field(default_factory=ConcurrencyLimiter)
    slots: KeySlots | None = None
    running: Callable[[], AbstractAsyncContextManager[None]] = nullcontext


def create_app(
    settings: Settings, *, now: Now = now_ms, pages: Pages = no_pages, counters: Counters | None = None
) -> Starlette:
    """Build the query layer. It connects to ClickHouse with the first request that needs it.

    Raises:
        UsageError: the key file cannot be read, or the audit log cannot be written.
    """
    store = LazyClickHouse(settings)
    counters = counters or Counters()
    access = AccessControl(settings, now, counters.slots)
    audit = audit_log(settings)
    context = AppContext(settings, store, PageTokens(settings.token_key), now, counters.concurrency, access)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        try:
            async with counters.running():
                yield
        finally:
            await store.close()
            for handler in audit.handlers:
                handler.close()

    app = Starlette(
        routes=[
            *(route for operation in OPERATIONS for route in operation.routes(context)),
            *probes(SharedProbe(partial(probe_store, store)), counters.metrics, access),
            openapi_route(OPERATIONS),
            *pages(context),
        ],
        middleware=[
            Middleware(MetricsMiddleware, metrics=counters.metrics),
            Middleware(AuditMiddleware, log=audit),
            *cors(settings.api_origins),  # outside of error handling, so that pages can read error responses
            Middleware(RequestContextMiddleware),
            Middleware(DisconnectMiddleware),
            *trusted_host(settings),
        ],
        exception_handlers={HTTPException: on_no_route},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # SDKs do not expect redirects
    return app


def serve(settings: Settings, pages: Pages = no_pages) -> None:
    """Answer queries until SIGTERM or SIGINT, then finish those in progress within `settings.stop_seconds`.

    Raises:
        UsageError: as `run_server`.
    """
    run_server(partial(create_app, pages=pages), settings, query_layer_address(settings))
