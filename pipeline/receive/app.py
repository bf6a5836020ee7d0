"""Build the receiver: routes, a probe of Kafka, the middlewares of the query layer; and run it until a signal."""

import asyncio
from collections.abc import AsyncIterator
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
from pipeline.http.server.protocol import BoundedProtocol
from pipeline.http.server.run import Address, run_server
from pipeline.kafka.producer.deliveries import DeliveryProducer
from pipeline.metrics.http import ReceiveMetrics
from pipeline.receive import events, firehose
from pipeline.receive.errors import describe_error
from pipeline.receive.firehose import MAX_BODY
from pipeline.receive.publisher import MAX_RECORD, Publisher, replacement
from pipeline.receive.reception import AuthorizedReception, Reception
from pipeline.runtime.clock import Now, now_ms
from pipeline.runtime.tasks import SharedProbe

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
"""Methods that Firehose's path answers, all but POST with an error of Firehose's form."""
PROBE_SECONDS = 3.0
"""Seconds that Kafka has to answer a probe."""


class ReceiverProtocol(BoundedProtocol):
    """The query layer's protocol, for bodies of Firehose's size."""

    body_bytes = MAX_BODY + 8 * 1024 * 1024
    """Bytes of a body at most, with some room, so that what is too large is refused with a response."""
    frame_bytes = 4 * 1024 * 1024


def serve(settings: Settings) -> None:
    """Receive events until SIGTERM or SIGINT, then answer the requests in progress within `settings.stop_seconds`.

    Raises:
        UsageError: the address cannot be bound, or the certificate or the key file cannot be used.
    """
    address = Address("the receiver", settings.receive_host, settings.receive_port, "TURNFOLD_RECEIVE")
    run_server(create_app, settings, address, ReceiverProtocol)


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
    authorized = AuthorizedReception(access, reception, metrics)
    to_firehose = firehose.FirehoseEndpoint(authorized, Publisher(settings, producer, MAX_RECORD), now)
    max_bytes = settings.max_message_bytes
    to_events = events.EventsEndpoint(authorized, Publisher(settings, producer, max_bytes), max_bytes)

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
            Route(firehose.PATH, to_firehose.answer, methods=METHODS),
            Route(events.PATH, to_events.answer, methods=["POST"]),
            *probes(SharedProbe(partial(asyncio.to_thread, producer.problem, PROBE_SECONDS)), metrics, access),
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


async def _on_no_route(request: Request, error: Exception) -> Response:
    context = request_context(request.scope)
    return describe_error(error, context.error_codes, context.request_id).response()
