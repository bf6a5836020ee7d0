"""Denials are named as AWS names them, and errors carry what the response needs."""

import botocore.session
import pytest

from pipeline.auth.errors import Denial, DeniedError, ThrottledError


@pytest.mark.parametrize("denial", Denial)
def test_a_denied_error_carries_its_denial_and_text(denial: Denial) -> None:
    error = DeniedError(denial, "the key TFKA has expired")
    assert error.denial is denial
    assert str(error) == "the key TFKA has expired"


def test_denials_are_exceptions_by_aws_names() -> None:
    """SDKs show these names to users; they must be usable as a class name and differ."""
    assert all(denial.isidentifier() and denial.endswith("Exception") for denial in Denial)
    assert len(set(Denial)) == len(Denial.__members__) == 6


def test_forbidden_is_the_denial_that_the_lex_runtime_documents() -> None:
    model = botocore.session.get_session().get_service_model("lexv2-runtime")
    assert Denial.FORBIDDEN in model.operation_model("GetSession").service_model.shape_names


def test_a_throttled_client_may_retry_after_a_second_by_default() -> None:
    assert ThrottledError("too many requests").after == 1
    error = ThrottledError("more than 0.25 requests a second", after=4)
    assert (error.after, str(error)) == (4, "more than 0.25 requests a second")
