"""An exception in; the error that an AWS SDK reads out: status, kind in a header, one message in JSON."""

import logging
from dataclasses import dataclass, field
from http import HTTPStatus

import orjson
from starlette.exceptions import HTTPException
from starlette.responses import Response

from pipeline.auth.errors import DeniedError, ThrottledError
from pipeline.auth.key_store import KeysUnavailableError
from pipeline.query.errors import InvalidQueryError, NotFoundError
from pipeline.runtime.errors import ExceededError, StatementError, TransientError

JSON = "application/json"
KIND_HEADER = "x-amzn-ErrorType"

log = logging.getLogger(__name__)


class BusyError(Exception):
    """More requests are being answered than can be: this one is turned away at once. `after` is in seconds."""

    after = 1


class NotReadyError(Exception):
    """The process lives but cannot answer queries yet; the text says why."""


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """A service's name for an error, which SDKs turn into an exception of that name, and its status."""

    name: str
    status: int


@dataclass(frozen=True, slots=True)
class ErrorCodes:
    """How one of Lex's services names what can go wrong.

    `broken` stands also for a ClickHouse that is away. These services list no 503; SDKs try a 500 again
    with growing pauses and then raises an exception that the service lists. `busy` would not do, as it makes
    adaptive clients send less long after ClickHouse is back. `missing` is None where nothing can be.
    `exceeded` is a query that would take more of ClickHouse than it may.
    """

    invalid: ErrorCode
    busy: ErrorCode
    broken: ErrorCode
    exceeded: ErrorCode
    missing: ErrorCode | None = None


ANALYTICS = ErrorCodes(
    invalid=ErrorCode("ValidationException", 400),
    busy=ErrorCode("ThrottlingException", 429),
    broken=ErrorCode("InternalServerException", 500),
    exceeded=ErrorCode("ServiceQuotaExceededException", 402),
)
RUNTIME_V1 = ErrorCodes(
    invalid=ErrorCode("BadRequestException", 400),
    busy=ErrorCode("LimitExceededException", 429),
    broken=ErrorCode("InternalFailureException", 500),
    exceeded=ErrorCode("LimitExceededException", 429),
    missing=ErrorCode("NotFoundException", 404),
)
RUNTIME_V2 = ErrorCodes(
    invalid=ErrorCode("ValidationException", 400),
    busy=ErrorCode("ThrottlingException", 429),
    broken=ErrorCode("InternalServerException", 500),
    exceeded=ErrorCode("ThrottlingException", 429),
    missing=ErrorCode("ResourceNotFoundException", 404),
)
NOT_READY = ErrorCode("ServiceUnavailableException", 503)
NOT_LET_IN = 403
NO_ROUTE = {
    404: ErrorCode("UnknownOperationException", 404),
    405: ErrorCode("MethodNotAllowedException", 405),
}


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """What a client is told."""

    kind: ErrorCode
    message: str
    headers: dict[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        """As HTTP."""
        body = orjson.dumps({"message": self.message})
        return Response(body, self.kind.status, {**self.headers, KIND_HEADER: self.kind.name}, JSON)


def error_response(error: Exception, dialect: ErrorCodes, request_id: str) -> ErrorResponse:
    """What a client is told of `error`; what it cannot mend itself is logged under `request_id`."""
    match error:
        case InvalidQueryError():
            told = ErrorResponse(dialect.invalid, str(error))
        case NotFoundError() if dialect.missing:
            told = ErrorResponse(dialect.missing, str(error))
        case DeniedError():
            told = ErrorResponse(ErrorCode(error.denial, NOT_LET_IN), str(error))
        case BusyError() | ThrottledError():
            told = ErrorResponse(dialect.busy, str(error), {"Retry-After": str(error.after)})
        case NotReadyError():
            told = ErrorResponse(NOT_READY, str(error))
        case HTTPException():
            told = _no_route(error)
        case _:
            told = _trouble(error, dialect, request_id)
    return told


def _trouble(error: Exception, dialect: ErrorCodes, request_id: str) -> ErrorResponse:
    """What lies with ClickHouse, the keys or ourselves; it is logged."""
    match error:
        case KeysUnavailableError():
            told = ErrorResponse(dialect.broken, "who may ask is not known at the moment: nobody is let in")
        case TransientError():
            log.warning("request %s: %s", request_id, error)
            told = ErrorResponse(dialect.broken, "ClickHouse does not answer at the moment; try again")
        case ExceededError():
            log.warning("request %s: %s", request_id, error)
            told = ErrorResponse(dialect.exceeded, f"{error}; ask for less, such as a shorter window or fewer filters")
        case StatementError():
            log.error("request %s: ClickHouse refuses its query: %s", request_id, error)
            told = ErrorResponse(dialect.broken, "ClickHouse refuses the query; GET /readyz may say why, the log does")
        case _:
            log.error("request %s failed", request_id, exc_info=error)
            told = ErrorResponse(dialect.broken, f"a fault in the query layer; its log has it under {request_id}")
    return told


def _no_route(error: HTTPException) -> ErrorResponse:
    kind = NO_ROUTE.get(error.status_code) or ErrorCode("HttpException", error.status_code)
    text = HTTPStatus(error.status_code).phrase.lower()
    return ErrorResponse(kind, f"{text}: GET /openapi.json lists paths and methods", dict(error.headers or {}))
