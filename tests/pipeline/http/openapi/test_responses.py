"""Error responses of the OpenAPI document: one for each status, with every code that it may carry."""

import pytest

from pipeline.auth.errors import Denial
from pipeline.http.errors import ANALYTICS, RUNTIME_V1, RUNTIME_V2, ErrorCode, ErrorCodes
from pipeline.http.openapi.responses import (
    authentication_errors,
    error_responses,
    keys_unavailable,
    not_ready,
    operation_errors,
    ref,
    success,
)
from schemas.lex.analytics.operation import ErrorBody

NO = ErrorCode("NoException", 400)
NEVER = ErrorCode("NeverException", 400)
SLOW = ErrorCode("SlowException", 429)


def codes(responses: dict[str, dict[str, dict[str, dict[str, dict[str, list[str]]]]]], status: str) -> list[str]:
    return responses[status]["headers"]["x-amzn-ErrorType"]["schema"]["enum"]


def test_cases_of_one_status_are_one_response() -> None:
    responses = error_responses([(SLOW, "too many"), (NO, "wrong"), (NEVER, "impossible"), (NO, "odd")])
    assert list(responses) == ["400", "429"], "in order of status"
    assert codes(responses, "400") == ["NoException", "NeverException"], "each code once"
    description = "NoException: wrong. NeverException: impossible. NoException: odd"
    assert responses["400"]["description"] == description
    assert responses["400"]["content"] == {"application/json": {"schema": ref(ErrorBody)}}


def test_only_throttling_says_when_to_retry() -> None:
    responses = error_responses([(SLOW, "too many"), (NO, "wrong")])
    assert "Retry-After" in responses["429"]["headers"]
    assert "Retry-After" not in responses["400"]["headers"]


@pytest.mark.parametrize("error_codes", [ANALYTICS, RUNTIME_V1, RUNTIME_V2], ids=["analytics", "v1", "v2"])
def test_an_operation_has_the_errors_of_its_service(error_codes: ErrorCodes) -> None:
    cases = operation_errors(error_codes)
    described = {code for code, _ in cases}
    assert described >= {error_codes.invalid, error_codes.throttled, error_codes.internal, error_codes.exceeded}
    assert (error_codes.not_found in described) == (error_codes.not_found is not None)
    assert all(case in cases for case in authentication_errors(error_codes))


def test_every_denial_is_described() -> None:
    assert {code.name for code, _ in authentication_errors() if code.status == 403} == set(Denial)


def test_unavailable_keys_are_an_internal_error_and_not_being_ready_is_a_503() -> None:
    assert keys_unavailable(RUNTIME_V1)[0] == RUNTIME_V1.internal
    assert not_ready()[0].status == 503


def test_a_success_has_its_schema_and_media_type() -> None:
    response = success({"type": "string"}, "text/plain")["200"]
    assert response["content"] == {"text/plain": {"schema": {"type": "string"}}}
    assert "x-amzn-RequestId" in response["headers"]
