"""Errors of AWS become sentences that say what to do, or errors that are worth a second try."""

import sys

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ProfileNotFound,
)

from pipeline.auth.key_factory import new_id
from pipeline.aws.client import error_code, open_client, translate_errors
from pipeline.runtime.errors import TransientError, UsageError
from tests.aws_server import Aws


def response(code: str, status: int = 400) -> ClientError:
    body = {"Error": {"Code": code, "Message": "why"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(body, "FilterLogEvents")


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (
            response("AccessDeniedException"),
            UsageError,
            "may not call FilterLogEvents on log group g: why; the policies",
        ),
        (response("ExpiredTokenException"), UsageError, "does not accept the credentials .* set AWS_PROFILE"),
        (response("ResourceNotFoundException"), UsageError, "AWS has no log group g: check its name, the region"),
        (response("PermanentRedirect", 301), UsageError, "is in another region: set AWS_DEFAULT_REGION"),
        (response("InvalidParameterException"), UsageError, r"refuses FilterLogEvents on log group g \(Invalid"),
        (response("ThrottlingException"), TransientError, "throttling"),
        (response("InternalFailure", 500), TransientError, "failing"),
        (NoRegionError(), UsageError, "no AWS region is set"),
        (NoCredentialsError(), UsageError, "no usable AWS credentials"),
        (ProfileNotFound(profile="p"), UsageError, "p"),
        (EndpointConnectionError(endpoint_url="http://x"), TransientError, "does not answer"),
    ],
)
def test_an_error_is_translated(error: BotoCoreError | ClientError, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message) as raised, translate_errors("log group g"):
        raise error
    assert error_code(raised.value.__cause__) == (
        error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
    )


def test_without_boto3_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(UsageError, match=r"pip install 'turnfold\[aws\]'"):
        open_client("logs")


def test_a_key_of_turnfold_is_not_sent_to_aws(aws_environment: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """`. data/env` of `turnfold up` sets one in the shell from which somebody then pulls."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", new_id())
    with pytest.raises(UsageError, match=r"access key of Turnfold's query layer, as `\. data/env` sets it"):
        open_client("logs")
    assert aws_environment.url


def test_an_endpoint_that_is_no_url_is_named(aws_environment: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "nonsense")
    with pytest.raises(UsageError, match="Invalid endpoint: nonsense; AWS_ENDPOINT_URL must be a URL"):
        open_client("logs")
    assert aws_environment.url


def test_a_region_is_needed_but_for_s3(aws_environment: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(UsageError, match="no AWS region is set"):
        open_client("logs")
    assert open_client("s3").list_buckets()["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert aws_environment.url
