import pytest
from starlette.exceptions import HTTPException

from pipeline.http.errors import ANALYTICS, BusyError, NotReadyError, error_response
from pipeline.query.errors import InvalidQueryError, PreconditionError
from pipeline.runtime.errors import StatementError, TransientError

BROKEN = "InternalServerException"


@pytest.mark.parametrize(
    ("error", "status", "kind", "message"),
    [
        (InvalidQueryError("filters[2].operator", "no"), 400, "ValidationException", "filters[2].operator: "),
        (PreconditionError("run this"), 412, "PreconditionFailedException", "run this"),
        (BusyError("wait"), 429, "ThrottlingException", "wait"),
        (NotReadyError("why"), 503, "ServiceUnavailableException", "why"),
        (TransientError("host x"), 500, BROKEN, "ClickHouse does not answer at the moment; try again"),
        (StatementError("Code: 60"), 500, BROKEN, "ClickHouse rejects the query; see GET /readyz"),
        (HTTPException(404), 404, "UnknownOperationException", "not found: GET /openapi.json"),
        (HTTPException(405), 405, "MethodNotAllowedException", "method not allowed: GET /openapi.json"),
        (HTTPException(418), 418, "HttpException", "i'm a teapot: GET /openapi.json"),
        (ValueError("inside"), 500, BROKEN, "internal error; the log of the query layer has it under id-1"),
    ],
)
def test_each_error_has_its_kind_status_and_message(error: Exception, status: int, kind: str, message: str) -> None:
    described = error_response(error, ANALYTICS, "id-1")
    assert (described.code.status, described.code.name) == (status, kind)
    assert described.message.startswith(message)
    response = described.response()
    assert response.status_code == status
    assert response.headers["x-amzn-errortype"] == kind
    assert response.headers["content-type"] == "application/json"


def test_a_throttled_client_gets_the_time_to_wait() -> None:
    assert error_response(BusyError("wait"), ANALYTICS, "id-1").response().headers["retry-after"] == "1"


def test_messages_of_clickhouse_go_to_the_log_and_not_to_the_client(caplog: pytest.LogCaptureFixture) -> None:
    described = error_response(StatementError("Code: 60. Unknown table"), ANALYTICS, "id-1")
    assert "Code" not in described.message
    assert "id-1: ClickHouse rejects its query: Code: 60. Unknown table" in caplog.text
