"""What can go wrong with a request in; how the OpenAPI document describes the answers to it out."""

from collections.abc import Iterable
from typing import Any

import msgspec

from pipeline.auth.errors import Denial
from pipeline.http.errors import ANALYTICS, JSON, NO_ROUTE, NOT_LET_IN, NOT_READY, ErrorCode, ErrorCodes
from schemas.lex.analytics import ErrorBody

REF = "#/components/schemas/{name}"
HEADERS = {
    "x-amzn-RequestId": {
        "description": "names this request, in the log too",
        "required": True,
        "schema": {"type": "string", "format": "uuid"},
    },
}
RETRY_AFTER = {
    "Retry-After": {
        "description": "seconds after which to ask again; absent where asking again would not help",
        "schema": {"type": "integer", "minimum": 1},
    },
}
DENIALS = {
    Denial.MISSING: "the request shows no key",
    Denial.INCOMPLETE: "the header Authorization is neither a signature nor a bearer token",
    Denial.UNKNOWN: "there is no such key, or it was revoked",
    Denial.SIGNATURE: "the signature is not that of this request by this key, is of another time, or was used before",
    Denial.EXPIRED: "the key has had its time",
    Denial.FORBIDDEN: "the key has no right to this; where no keys are asked for: the header Host names another server",
}
FOREIGN = (ErrorCode(Denial.FORBIDDEN, NOT_LET_IN), "no keys are asked for, and the header Host names another server")

Json = dict[str, Any]
Wrong = tuple[ErrorCode, str]
"""A kind of error, and when it is told."""


def success(schema: Json, media_type: str = JSON) -> Json:
    """The answer that was asked for."""
    return {"200": {"description": "OK", "headers": HEADERS, "content": {media_type: {"schema": schema}}}}


def failures(wrongs: Iterable[Wrong]) -> Json:
    """The other answers: one description for each status."""
    by_status: dict[int, list[Wrong]] = {}
    for kind, text in wrongs:
        by_status.setdefault(kind.status, []).append((kind, text))
    return {str(status): _failure(status, by_status[status]) for status in sorted(by_status)}


def no_keys(dialect: ErrorCodes = ANALYTICS) -> Wrong:
    """Nobody can be let in."""
    return dialect.broken, "the keys cannot be read at the moment; try again"


def unready() -> Wrong:
    """The process lives, and can do nothing yet."""
    return NOT_READY, "it cannot; the message says why"


def guarded(dialect: ErrorCodes = ANALYTICS) -> list[Wrong]:
    """What can be wrong before it is looked at what is asked for: its form, and who asks."""
    return [
        (ANALYTICS.invalid, "the request is no HTTP"),
        (dialect.invalid, "its body is too large, or did not arrive in time"),
        *((ErrorCode(denial, NOT_LET_IN), text) for denial, text in DENIALS.items()),
        no_keys(dialect),
    ]


def asked(dialect: ErrorCodes) -> list[Wrong]:
    """What can be wrong with a question, in the names of a service of Lex."""
    missing = [(dialect.missing, "there is no such session, or no longer")] if dialect.missing else []
    return [
        (dialect.invalid, "the message says what is wrong, where and what is right"),
        *missing,
        (NO_ROUTE[404], "the path leads nowhere, as where a parameter is empty"),
        (dialect.busy, "too many requests, with this key or at all; try again"),
        (dialect.exceeded, "it would take more of ClickHouse than it may; ask for less"),
        (dialect.broken, "ClickHouse does not answer, or a fault; try again"),
        *guarded(dialect),
    ]


def ref(shape: type[msgspec.Struct]) -> Json:
    """Where the document describes a struct."""
    return {"$ref": REF.format(name=shape.__name__)}


def _failure(status: int, wrongs: list[Wrong]) -> Json:
    kinds = list(dict.fromkeys(str(kind.name) for kind, _ in wrongs))
    error_type = {"description": "the kind of error", "required": True, "schema": {"type": "string", "enum": kinds}}
    headers = {**HEADERS, "x-amzn-ErrorType": error_type, **(RETRY_AFTER if status == ANALYTICS.busy.status else {})}
    return {
        "description": ". ".join(f"{kind.name}: {text}" for kind, text in wrongs),
        "headers": headers,
        "content": {JSON: {"schema": ref(ErrorBody)}},
    }
