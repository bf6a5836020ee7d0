"""Build the ASGI application of the receiver: its routes, and the middlewares that it shares with the query layer."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipeline.auth.authenticator import AccessControl
from pipeline.config.settings import Settings
from pipeline.http.middleware.audit_log import AuditMiddleware, audit_log
from pipeline.http.middleware.request_context import MetricsMiddleware, RequestContextMiddleware, request_context
from pipeline.http.middleware.trusted_host import trusted_host
from pipeline.http.probes import probes
from pipeline.kafka.producer.deliveries import DeliveryProducer
from pipeline.metrics.receive import ReceiveMetrics
from pipeline.receive import events, firehose
from pipeline.receive.door import Door
from pipeline.receive.errors import describe_error
from pipeline.receive.kafka_probe import KafkaProbe
from pipeline.receive.publisher import MAX_RECORD, Publisher, replacement
from pipeline.receive.reception import Reception
from pipeline.runtime.clock import Now, now_ms

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
"""Methods that Firehose's path answers, all but POST with an error of Firehose's form."""


def create_app(settings: Settings, *, now: Now = now_ms) -> Starlette:
    """Build the receiver; Kafka need not answer yet.

    Raises:
        UsageError: the key file or a certificate cannot be read, or the audit log cannot be written.
    """
    metrics = ReceiveMetrics()
    access = AccessControl(settings, now)
    audit = audit_log(settings)
    # half of the bytes for bodies, half for what waits for Kafka
    producer = DeliveryProducer(settings, settings.receive_bytes // 2, partial(replacement, settings))
    reception = Reception(settings.receive_bytes // 2)
    metrics.watch(lambda: reception.held, lambda: producer.in_flight)
    door = Door(access, reception, metrics)
    to_firehose = firehose.FirehoseEndpoint(door, Publisher(settings, producer, MAX_RECORD), now)
    max_bytes = settings.max_message_bytes
    to_events = events.EventsEndpoint(door, Publisher(settings, producer, max_bytes), max_bytes)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            reception.close()
            await asyncio.to_thread(producer.close)
            for handler in audit.handlers:
                handler.close()

    app = Starlette(
        routes=[
            Route(firehose.PATH, _endpoint(to_firehose), methods=METHODS),
            Route(events.PATH, _endpoint(to_events), methods=["POST"]),
            *probes(KafkaProbe(producer), metrics, access),
        ],
        middleware=[
            Middleware(MetricsMiddleware, metrics=metrics),
            Middleware(AuditMiddleware, log=audit),
            Middleware(RequestContextMiddleware, describe=describe_error),
            *trusted_host(settings, settings.receive_host),
        ],
        exception_handlers={HTTPException: _on_no_route},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # senders do not expect redirects
    return app


def _endpoint(handle: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """Return a function: Starlette takes other callables for ASGI applications."""

    async def endpoint(request: Request) -> Response:
        return await handle(request)

    return endpoint


async def _on_no_route(request: Request, error: Exception) -> Response:
    context = request_context(request.scope)
    return describe_error(error, context.error_codes, context.request_id).response()
