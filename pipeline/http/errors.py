"""Turn exceptions into error responses that AWS's SDKs read: a status, a code in a header, a message in JSON."""

import logging
from dataclasses import dataclass, field, replace
from http import HTTPStatus

import orjson
from starlette.exceptions import HTTPException
from starlette.responses import Response

from pipeline.auth.errors import DeniedError, ThrottledError
from pipeline.auth.key_store import KeysUnavailableError
from pipeline.query.errors import InvalidQueryError, NotFoundError, PreconditionError
from pipeline.runtime.errors import ExceededError, StatementError, TransientError

JSON = "application/json"
CODE_HEADER = "x-amzn-ErrorType"

log = logging.getLogger(__name__)


class BusyError(Exception):
    """Too many requests are in progress, so this one is refused at once. `after` is seconds until a retry."""

    after = 1


class NotReadyError(Exception):
    """The process is alive but cannot answer queries yet; the text says why."""


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """A service's name for an error, from which SDKs make an exception, and its status."""

    name: str
    status: int


@dataclass(frozen=True, slots=True)
class ErrorCodes:
    """The error codes of one of Lex's services.

    `internal` also stands for an unavailable ClickHouse. These services list no 503; SDKs retry a 500 with growing
    pauses and then raise an exception that the service lists. `throttled` would not do, as it makes adaptive clients
    send less long after ClickHouse is back. `not_found` is None for a service without such an error. `exceeded` is a
    query that exceeds its limits in ClickHouse. `precondition` is a query that what is stored cannot answer yet.
    """

    invalid: ErrorCode
    throttled: ErrorCode
    internal: ErrorCode
    exceeded: ErrorCode
    not_found: ErrorCode | None = None
    precondition: ErrorCode | None = None


ANALYTICS = ErrorCodes(
    invalid=ErrorCode("ValidationException", 400),
    throttled=ErrorCode("ThrottlingException", 429),
    internal=ErrorCode("InternalServerException", 500),
    exceeded=ErrorCode("ServiceQuotaExceededException", 402),
    precondition=ErrorCode("PreconditionFailedException", 412),
)
AGGREGATED_UTTERANCES = replace(ANALYTICS, exceeded=ANALYTICS.throttled)
"""Of ListAggregatedUtterances, which has no error for a quota."""
BOTS = replace(ANALYTICS, precondition=None)
RUNTIME_V1 = ErrorCodes(
    invalid=ErrorCode("BadRequestException", 400),
    throttled=ErrorCode("LimitExceededException", 429),
    internal=ErrorCode("InternalFailureException", 500),
    exceeded=ErrorCode("LimitExceededException", 429),
    not_found=ErrorCode("NotFoundException", 404),
)
RUNTIME_V2 = ErrorCodes(
    invalid=ErrorCode("ValidationException", 400),
    throttled=ErrorCode("ThrottlingException", 429),
    internal=ErrorCode("InternalServerException", 500),
    exceeded=ErrorCode("ThrottlingException", 429),
    not_found=ErrorCode("ResourceNotFoundException", 404),
)
NOT_READY = ErrorCode("ServiceUnavailableException", 503)
DENIED_STATUS = 403
NO_ROUTE = {
    404: ErrorCode("UnknownOperationException", 404),
    405: ErrorCode("MethodNotAllowedException", 405),
}


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """An error as the client sees it."""

    code: ErrorCode
    message: str
    headers: dict[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        """Build the HTTP response."""
        body = orjson.dumps({"message": self.message})
        return Response(body, self.code.status, {**self.headers, CODE_HEADER: self.code.name}, JSON)


def error_response(error: Exception, error_codes: ErrorCodes, request_id: str) -> ErrorResponse:
    """Describe `error` to the client. Log errors that the client cannot fix, under `request_id`."""
    match error:
        case InvalidQueryError():
            response = ErrorResponse(error_codes.invalid, str(error))
        case NotFoundError() if error_codes.not_found:
            response = ErrorResponse(error_codes.not_found, str(error))
        case PreconditionError() if error_codes.precondition:
            response = ErrorResponse(error_codes.precondition, str(error))
        case DeniedError():
            response = ErrorResponse(ErrorCode(error.denial, DENIED_STATUS), str(error))
        case BusyError() | ThrottledError():
            response = ErrorResponse(error_codes.throttled, str(error), {"Retry-After": str(error.after)})
        case NotReadyError():
            response = ErrorResponse(NOT_READY, str(error))
        case HTTPException():
            response = _no_route(error)
        case _:
            response = _server_error(error, error_codes, request_id)
    return response


def _server_error(error: Exception, error_codes: ErrorCodes, request_id: str) -> ErrorResponse:
    """Describe and log an error of ClickHouse, of the key file, or of the query layer."""
    match error:
        case KeysUnavailableError():
            response = ErrorResponse(error_codes.internal, "the access keys cannot be read: all requests are refused")
        case TransientError():
            log.warning("request %s: %s", request_id, error)
            response = ErrorResponse(error_codes.internal, "ClickHouse does not answer at the moment; try again")
        case ExceededError():
            log.warning("request %s: %s", request_id, error)
            response = ErrorResponse(
                error_codes.exceeded, f"{error}; ask for less, such as a shorter window or fewer filters"
            )
        case StatementError():
            log.error("request %s: ClickHouse rejects its query: %s", request_id, error)
            response = ErrorResponse(error_codes.internal, "ClickHouse rejects the query; see GET /readyz and the log")
        case _:
            log.error("request %s failed", request_id, exc_info=error)
            response = ErrorResponse(
                error_codes.internal, f"internal error; the log of the query layer has it under {request_id}"
            )
    return response


def _no_route(error: HTTPException) -> ErrorResponse:
    code = NO_ROUTE.get(error.status_code) or ErrorCode("HttpException", error.status_code)
    text = HTTPStatus(error.status_code).phrase.lower()
    return ErrorResponse(code, f"{text}: GET /openapi.json lists paths and methods", dict(error.headers or {}))
