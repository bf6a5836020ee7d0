"""Describe the responses to a request, errors above all, for the OpenAPI document."""

from collections.abc import Iterable
from typing import Any

import msgspec

from pipeline.auth.errors import Denial
from pipeline.http.errors import ANALYTICS, DENIED_STATUS, JSON, NO_ROUTE, NOT_READY, ErrorCode, ErrorCodes
from schemas.lex.analytics.operation import ErrorBody

REF = "#/components/schemas/{name}"
HEADERS = {
    "x-amzn-RequestId": {
        "description": "id of this request, also in the log",
        "required": True,
        "schema": {"type": "string", "format": "uuid"},
    },
}
RETRY_AFTER = {
    "Retry-After": {
        "description": "seconds to wait before a retry; absent where a retry would not help",
        "schema": {"type": "integer", "minimum": 1},
    },
}
DENIALS = {
    Denial.MISSING: "the request has no credentials",
    Denial.INCOMPLETE: "the Authorization header is neither a signature nor a bearer token",
    Denial.UNKNOWN: "the access key is unknown or was revoked",
    Denial.SIGNATURE: "the signature does not match this request and key, or its time is too far off",
    Denial.EXPIRED: "the key has expired",
    Denial.FORBIDDEN: "the key lacks the right; without access keys: the Host header names another server",
}
FOREIGN_HOST = (ErrorCode(Denial.FORBIDDEN, DENIED_STATUS), "without access keys: the Host header names another server")

Json = dict[str, Any]
ErrorCase = tuple[ErrorCode, str]
"""An error code, and when it is returned."""


def success(schema: Json, media_type: str = JSON) -> Json:
    """Describe the response to a successful request."""
    return {"200": {"description": "OK", "headers": HEADERS, "content": {media_type: {"schema": schema}}}}


def error_responses(cases: Iterable[ErrorCase]) -> Json:
    """Describe the error responses, one for each status."""
    by_status: dict[int, list[ErrorCase]] = {}
    for code, text in cases:
        by_status.setdefault(code.status, []).append((code, text))
    return {str(status): _error_response(status, by_status[status]) for status in sorted(by_status)}


def keys_unavailable(error_codes: ErrorCodes = ANALYTICS) -> ErrorCase:
    """Return the error of an unreadable key file."""
    return error_codes.internal, "the keys cannot be read at the moment; try again"


def not_ready() -> ErrorCase:
    """Return the error of a process that is alive but not ready."""
    return NOT_READY, "not ready; the message says why"


def authentication_errors(error_codes: ErrorCodes = ANALYTICS) -> list[ErrorCase]:
    """Return the errors of any request: its form and its authentication."""
    return [
        (ANALYTICS.invalid, "the request is not HTTP/1.1"),
        (error_codes.invalid, "its body is too large, or did not arrive in time"),
        *((ErrorCode(denial, DENIED_STATUS), text) for denial, text in DENIALS.items()),
        keys_unavailable(error_codes),
    ]


def operation_errors(error_codes: ErrorCodes) -> list[ErrorCase]:
    """Return the errors of an operation, by the codes of one of Lex's services."""
    not_found = [(error_codes.not_found, "the session does not exist, or no longer")] if error_codes.not_found else []
    precondition = (
        [(error_codes.precondition, "what is stored cannot answer this yet; the message says what to run")]
        if error_codes.precondition
        else []
    )
    return [
        (error_codes.invalid, "the message says what is wrong, where, and what would be right"),
        *not_found,
        *precondition,
        (NO_ROUTE[404], "the path is unknown, for instance because a parameter is empty"),
        (error_codes.throttled, "too many requests, with this key or in total; try again"),
        (error_codes.exceeded, "the query exceeds its limits in ClickHouse; ask for less"),
        (error_codes.internal, "ClickHouse does not answer, or an internal error; try again"),
        *authentication_errors(error_codes),
    ]


def ref(struct: type[msgspec.Struct]) -> Json:
    """Return the reference to a struct's schema."""
    return {"$ref": REF.format(name=struct.__name__)}


def _error_response(status: int, cases: list[ErrorCase]) -> Json:
    names = list(dict.fromkeys(str(code.name) for code, _ in cases))
    error_type = {"description": "the error code", "required": True, "schema": {"type": "string", "enum": names}}
    headers = {
        **HEADERS,
        "x-amzn-ErrorType": error_type,
        **(RETRY_AFTER if status == ANALYTICS.throttled.status else {}),
    }
    return {
        "description": ". ".join(f"{code.name}: {text}" for code, text in cases),
        "headers": headers,
        "content": {JSON: {"schema": ref(ErrorBody)}},
    }
