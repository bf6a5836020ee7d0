"""One of Lex's operations, as data, and a backend in; the route that answers it, to whom it may, out."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import msgspec
import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipeline.auth.authenticator import AccessControl, check_right
from pipeline.auth.sigv4 import SignedRequest
from pipeline.config.settings import Settings
from pipeline.http.body import read_body
from pipeline.http.errors import ANALYTICS, JSON, BusyError, ErrorCodes
from pipeline.http.middleware.audit_log import AuditRecord
from pipeline.query.errors import InvalidQueryError
from pipeline.query.list_sessions.handler import RowSource
from pipeline.query.list_sessions.page_spans import PageSpans
from pipeline.query.list_sessions.page_token import PageTokens
from pipeline.runtime.clock import Now
from schemas.access_key import AccessKey, Right

AT_ONCE = 64
"""Requests that are answered at the same time; more would only wait for ClickHouse until they time out."""


class ConcurrencyLimiter:
    """Counts who is in, and turns away who is too many."""

    def __init__(self, most: int = AT_ONCE) -> None:
        self._most = most
        self._inside = 0

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Be counted for the length of the block.

        Raises:
            BusyError: there are too many already.
        """
        if self._inside >= self._most:
            raise BusyError(f"{self._most} requests are being answered already; try again in a moment")
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1


@dataclass(frozen=True, slots=True)
class AppContext:
    """What operations answer from."""

    settings: Settings
    store: RowSource
    tokens: PageTokens
    now: Now
    turnstile: ConcurrencyLimiter
    door: AccessControl
    page_spans: PageSpans = field(default_factory=PageSpans)


@dataclass(frozen=True, slots=True)
class OperationRequest:
    """A request, undone of HTTP: parameters of path and query by name, the body, who asks, and what is noted of it."""

    path: Mapping[str, str]
    query: Mapping[str, Any]
    body: bytes
    key: AccessKey
    entry: AuditRecord


@dataclass(frozen=True, slots=True)
class Operation:
    """What is known of an operation: enough to route it, answer it and describe it.

    Attributes:
        name: Lex's own.
        method: of HTTP.
        path: with `{parameters}`.
        summary: one line.
        parameters: name in the path -> its type, annotated with its limits and a description.
        request: what the body is; None where there is none.
        answered: what an answer is.
        answer: makes it.
        right: what a key needs to be allowed it.
        dialect: the names of its errors.
        query: name of an optional parameter in the query -> its type, as with `parameters`; others are ignored.
        also: other spellings of the path, with the same parameters.
    """

    name: str
    method: str
    path: str
    summary: str
    parameters: Mapping[str, object]
    request: type[msgspec.Struct] | None
    answered: type[msgspec.Struct]
    answer: Callable[[AppContext, OperationRequest], Awaitable[msgspec.Struct]]
    right: Right
    dialect: ErrorCodes = ANALYTICS
    query: Mapping[str, object] = field(default_factory=dict)
    also: tuple[str, ...] = ()

    def routes(self, backend: AppContext) -> list[Route]:
        """The routes that answer it from `backend`, one for each spelling of its path."""

        async def endpoint(request: Request) -> Response:
            request.scope["dialect"] = self.dialect
            request.scope["operation"] = self.name
            request.scope["entry"] = entry = AuditRecord(self.name)
            body = await read_body(request.stream())
            key = backend.door.authenticate(read_request(request, body))
            entry.key = key.id
            check_right(key, self.right)
            call = self._call(request, body, key, entry)
            async with backend.door.slot(key):
                with backend.turnstile.entered():
                    answered = await self.answer(backend, call)
            return Response(orjson.dumps(msgspec.to_builtins(answered)), media_type=JSON)

        return [Route(path, endpoint, methods=[self.method], name=self.name) for path in (self.path, *self.also)]

    def _call(self, request: Request, body: bytes, key: AccessKey, entry: AuditRecord) -> OperationRequest:
        path = {name: _read(name, text, self.parameters[name]) for name, text in request.path_params.items()}
        told = request.query_params
        query = {name: _read(name, told[name], kind, quoted=False) for name, kind in self.query.items() if name in told}
        entry.bot = path[next(iter(self.parameters))]
        return OperationRequest(path, query, body, key, entry)


def read_request(request: Request, body: bytes) -> SignedRequest:
    """The request as it was sent, whose body was read."""
    query = request.scope["query_string"].decode("latin-1")
    target = request.scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.scope["headers"]]
    return SignedRequest(request.method, target, headers, body)


def _read(name: str, text: str, kind: object, *, quoted: bool = True) -> Any:
    """A parameter's value; a number among them is text on its way."""
    try:
        return msgspec.convert(unquote(text, errors="strict") if quoted else text, kind, strict=False)
    except (msgspec.ValidationError, UnicodeDecodeError):
        raise InvalidQueryError(name, f"expected {msgspec.json.schema(kind)['description']}") from None
