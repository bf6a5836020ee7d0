"""Settings and a store in, the query layer as an ASGI application out: this list of routes is all of it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from pipeline.auth.authenticator import AccessControl
from pipeline.config.settings import Settings
from pipeline.http.middleware.audit_log import AuditMiddleware, audit_log
from pipeline.http.middleware.cors import cors
from pipeline.http.middleware.metrics import MetricsMiddleware
from pipeline.http.middleware.request_context import RequestContextMiddleware, on_no_route
from pipeline.http.middleware.trusted_host import trusted_host
from pipeline.http.openapi.document import description
from pipeline.http.operations import get_session, get_transcript, list_sessions
from pipeline.http.operations.operation import AppContext, ConcurrencyLimiter, Operation
from pipeline.http.probes import probes
from pipeline.metrics.query import QueryMetrics
from pipeline.query.list_sessions.page_token import PageTokens
from pipeline.runtime.clock import Now, now_ms
from pipeline.store.lazy_client import LazyClickHouse

OPERATIONS: Sequence[Operation] = (
    list_sessions.OPERATION,
    get_session.GET_SESSION_V1,
    get_session.GET_SESSION_V2,
    get_transcript.OPERATION,
)


def create_app(settings: Settings, *, now: Now = now_ms) -> Starlette:
    """The query layer. ClickHouse is asked for the first time with the first request that needs it.

    Raises:
        UsageError: the file of keys cannot be read, or that of the audit not be written.
    """
    store = LazyClickHouse(settings)
    metrics = QueryMetrics()
    door = AccessControl(settings, now)
    audit = audit_log(settings)
    backend = AppContext(settings, store, PageTokens(settings.token_key), now, ConcurrencyLimiter(), door)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await store.close()
            for handler in audit.handlers:
                handler.close()

    app = Starlette(
        routes=[
            *(route for operation in OPERATIONS for route in operation.routes(backend)),
            *probes(store, metrics, door),
            description(OPERATIONS),
        ],
        middleware=[
            Middleware(MetricsMiddleware, metrics=metrics),
            Middleware(AuditMiddleware, log=audit),
            *cors(settings.api_origins),  # around the envelope: pages may read what went wrong, too
            Middleware(RequestContextMiddleware),
            *trusted_host(settings),
        ],
        exception_handlers={HTTPException: on_no_route},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # a redirect is an answer no SDK expects
    return app
