"""Describe an operation of the API as data, and build the routes that authenticate and answer its requests."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableSequence, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
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
from pipeline.http.middleware.request_context import AuditRecord, request_context
from pipeline.query.analytics.context import QueryContext, RowSource
from pipeline.query.analytics.filters import RequestedFilter
from pipeline.query.analytics.page_token import PageTokens
from pipeline.query.errors import InvalidQueryError
from pipeline.query.get_session.archive import Archive
from pipeline.query.get_session.current import CurrentSessions
from pipeline.query.list_sessions.page_spans import PageSpans
from pipeline.runtime.clock import Now
from pipeline.runtime.tasks import SingleFlight
from schemas.access_key import AccessKey, Right
from schemas.lex.analytics.filters import SessionFilterName

Answer = TypeVar("Answer", bound=msgspec.Struct)

MAX_CONCURRENT = 64
"""Requests in progress at most; more would only wait for ClickHouse until they time out."""


class ConcurrencyLimiter:
    """Count the requests in progress, and refuse more than the limit.

    Args:
        limit: of requests in progress.
        counts: requests in progress in each process that shares the limit; by default this one is alone.
        own: the place of this process among them.
    """

    def __init__(
        self, limit: int = MAX_CONCURRENT, counts: MutableSequence[int] | memoryview | None = None, own: int = 0
    ) -> None:
        self._limit = limit
        self._counts = [0] if counts is None else counts
        self._own = own

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Count a request for the length of the block.

        Raises:
            BusyError: the limit is reached.
        """
        if sum(self._counts) >= self._limit:
            raise BusyError(f"{self._limit} requests are in progress already; try again in a moment")
        self._counts[self._own] += 1
        try:
            yield
        finally:
            self._counts[self._own] -= 1


@dataclass(frozen=True, slots=True)
class AppContext:
    """Services of the application that operations use."""

    settings: Settings
    store: RowSource
    tokens: PageTokens
    now: Now
    concurrency: ConcurrencyLimiter
    access: AccessControl
    page_spans: PageSpans = field(default_factory=PageSpans)
    in_progress: SingleFlight[Any] = field(default_factory=SingleFlight)

    def query_context(self, key: AccessKey) -> QueryContext:
        """Return what a query needs to answer a request with this access key."""
        return QueryContext(self.store, self.tokens, self.now, self.settings.idle_ttl_of, key.can_access_bot)

    def current_sessions(self, key: AccessKey) -> CurrentSessions:
        """Return the current sessions that this access key may see."""
        return CurrentSessions(Archive(self.store), self.now, self.settings.idle_ttl_of, key.can_access_bot)

    async def share(self, request: "OperationRequest", answer: Callable[[], Awaitable[Answer]]) -> Answer:
        """Return the answer to this request: that of an equal request in progress, if there is one, or `answer()`.

        Requests are equal if operation, path, body, and the bots and rights of their access keys are.
        """
        key = request.key
        equal = request.audit.operation, tuple(request.path.items()), request.body, key.bots, key.rights
        shared: Answer = await self.in_progress.call(equal, answer)
        return shared


@dataclass(frozen=True, slots=True)
class OperationRequest:
    """A request without its HTTP: parameters of path and query by name, body, access key, and audit record."""

    path: Mapping[str, str]
    query: Mapping[str, Any]
    body: bytes
    key: AccessKey
    audit: AuditRecord


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation: the data to route, answer and document it.

    Attributes:
        name: Lex's name.
        method: HTTP method.
        path: path with `{parameters}`.
        summary: one line for the OpenAPI document.
        parameters: path parameter -> its type, annotated with its limits and a description.
        request: type of the body; None for no body.
        response: type of the response.
        handle: answers a request.
        right: right that the access key must have.
        error_codes: codes of its errors.
        query: optional query parameter -> its type, as with `parameters`; other query parameters are ignored.
        other_paths: other spellings of the path, with the same parameters.
    """

    name: str
    method: str
    path: str
    summary: str
    parameters: Mapping[str, object]
    request: type[msgspec.Struct] | None
    response: type[msgspec.Struct]
    handle: Callable[[AppContext, OperationRequest], Awaitable[msgspec.Struct]]
    right: Right
    error_codes: ErrorCodes = ANALYTICS
    query: Mapping[str, object] = field(default_factory=dict)
    other_paths: tuple[str, ...] = ()

    def routes(self, app: AppContext) -> list[Route]:
        """Build its routes, one for each spelling of its path."""

        async def endpoint(request: Request) -> Response:
            context = request_context(request.scope)
            context.error_codes = self.error_codes
            context.operation = self.name
            context.audit = audit = AuditRecord(self.name)
            body = await read_body(request.stream())
            key = app.access.authenticate(read_request(request, body))
            audit.key = key.id
            check_right(key, self.right)
            operation_request = self._request(request, body, key, audit)
            async with app.access.slot(key):
                with app.concurrency.slot():
                    response = await self.handle(app, operation_request)
            return Response(orjson.dumps(msgspec.to_builtins(response)), media_type=JSON)

        return [Route(path, endpoint, methods=[self.method], name=self.name) for path in (self.path, *self.other_paths)]

    def _request(self, request: Request, body: bytes, key: AccessKey, audit: AuditRecord) -> OperationRequest:
        path = {name: _convert(name, text, self.parameters[name]) for name, text in request.path_params.items()}
        sent = request.query_params
        query = {
            name: _convert(name, sent[name], kind, quoted=False) for name, kind in self.query.items() if name in sent
        }
        audit.bot = path[next(iter(self.parameters))] if self.parameters else ""
        return OperationRequest(path, query, body, key, audit)


def read_request(request: Request, body: bytes) -> SignedRequest:
    """Return the request as it was sent, for checking its signature."""
    query = request.scope["query_string"].decode("latin-1")
    target = request.scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.scope["headers"]]
    return SignedRequest(request.method, target, headers, body)


def check_texts_right(key: AccessKey, filters: Sequence[RequestedFilter] | None) -> None:
    """Check the right to what was said where a filter of sessions is on that: its answers would tell.

    Raises:
        DeniedError: the key has no right to transcripts.
    """
    if any(requested.name == SessionFilterName.UTTERANCE_TEXT for requested in filters or ()):
        check_right(key, Right.TRANSCRIPTS)


def _convert(name: str, text: str, kind: object, *, quoted: bool = True) -> Any:
    """Convert the text of a parameter to its type."""
    try:
        return msgspec.convert(unquote(text, errors="strict") if quoted else text, kind, strict=False)
    except (msgspec.ValidationError, UnicodeDecodeError):
        raise InvalidQueryError(name, f"expected {msgspec.json.schema(kind)['description']}") from None
