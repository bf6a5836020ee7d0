import logging

import pytest
from starlette.exceptions import HTTPException

from pipeline.http.errors import BusyError
from pipeline.kafka.producer.deliveries import KafkaSlowError
from pipeline.receive.errors import (
    RECEIVER,
    RETRY_S,
    BodyError,
    BodyLateError,
    EncodingError,
    MethodError,
    describe_error,
)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (BodyError("x"), 400),
        (MethodError("x"), 405),
        (BodyLateError("x"), 408),
        (EncodingError("x"), 415),
        (KafkaSlowError("x"), 503),
        (BusyError("x"), 503),
        (HTTPException(404), 404),
        (ValueError("x"), 500),
    ],
)
def test_every_error_has_a_status_and_none_makes_firehose_drop_the_data(error: Exception, status: int) -> None:
    response = describe_error(error, RECEIVER, "request-1")
    assert response.code.status == status
    assert status != 413


def test_a_sender_is_told_when_to_come_back_and_the_operator_why(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        response = describe_error(KafkaSlowError("Kafka is slow"), RECEIVER, "request-1")
    assert response.headers == {"Retry-After": str(RETRY_S)}
    assert "request request-1: Kafka is slow" in caplog.text


def test_a_fault_of_ours_is_not_told_to_the_sender() -> None:
    response = describe_error(ValueError("secret of the house"), RECEIVER, "request-1")
    assert "secret" not in response.message
