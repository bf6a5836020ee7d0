"""Turn errors of receiving into statuses and messages: none of them is 413, after which Firehose drops the data."""

import logging

from starlette.exceptions import HTTPException

from pipeline.http.errors import ErrorCode, ErrorCodes, ErrorResponse, error_response
from pipeline.kafka.producer.deliveries import KafkaSlowError

RETRY_S = 5
"""Seconds after which a sender may try again where Kafka is slow."""

RECEIVER = ErrorCodes(
    invalid=ErrorCode("ValidationException", 400),
    throttled=ErrorCode("ServiceUnavailableException", 503),
    internal=ErrorCode("InternalServerException", 500),
    exceeded=ErrorCode("InternalServerException", 500),
)
"""The codes of its errors; too many requests are as temporary as a slow Kafka."""

log = logging.getLogger(__name__)


class BodyError(Exception):
    """The request is not one that its path takes; the text says why, and what would be right."""

    status = 400


class MethodError(BodyError):
    """The request has another method than POST."""

    status = 405


class BodyLateError(BodyError):
    """The body did not arrive in time."""

    status = 408


class EncodingError(BodyError):
    """The body has an encoding other than gzip."""

    status = 415


def describe_error(error: Exception, error_codes: ErrorCodes, request_id: str) -> ErrorResponse:
    """Describe `error` to the sender; log what the sender cannot mend, under `request_id`."""
    match error:
        case HTTPException():
            code = ErrorCode("UnknownOperationException", error.status_code)
            return ErrorResponse(code, "POST /firehose and POST /events are answered here", dict(error.headers or {}))
        case BodyError():
            return ErrorResponse(ErrorCode(RECEIVER.invalid.name, error.status), str(error))
        case KafkaSlowError():
            log.warning("request %s: %s", request_id, error)
            return ErrorResponse(RECEIVER.throttled, str(error), {"Retry-After": str(RETRY_S)})
        case _:
            return error_response(error, error_codes, request_id)
