"""Open clients of AWS, and translate their errors into sentences; boto3 is imported only here."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pipeline.runtime.errors import TransientError, UsageError
from schemas.access_key import is_issued_id

CONNECT_SECONDS, READ_SECONDS = 5, 20
ATTEMPTS = 4
"""Attempts of a request. Between them the SDK waits, and in its adaptive mode slows down after each throttled one."""
MESSAGE_LENGTH = 300
"""Characters of a message of AWS that are shown."""
CONNECTIONS = 16
"""Connections of a client, at least as many as threads that use it."""

DENIED = {"AccessDenied", "AccessDeniedException", "AllAccessDisabled", "Forbidden", "UnauthorizedOperation", "403"}
INVALID_CREDENTIALS = {
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
MISSING = {"ResourceNotFoundException", "NoSuchBucket", "NoSuchKey", "NotFound", "404"}
OTHER_REGION = {"PermanentRedirect", "IllegalLocationConstraintException", "301"}
THROTTLED = {
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}
NO_REGION = "no AWS region is set: set AWS_DEFAULT_REGION, or `region` in the profile"
OWN_KEY = (
    "AWS_ACCESS_KEY_ID is an access key of Turnfold's query layer, as `. data/env` sets it, and AWS does not know it: "
    "use a shell without it"
)
HOW_TO_LOG_IN = "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run where a role is attached"


def open_client(service: str) -> Any:
    """Open a client of `service`, with the credentials, region and endpoint that the AWS SDK finds by itself.

    Raises:
        UsageError: boto3 is not installed, there is no region or profile, or the credentials or the endpoint cannot be
            those of AWS.
    """
    try:
        import boto3  # noqa: PLC0415 - an extra
        from botocore.config import Config  # noqa: PLC0415 - as boto3
    except ModuleNotFoundError:
        raise UsageError("reading from AWS needs `pip install 'turnfold[aws]'`") from None
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "adaptive", "total_max_attempts": ATTEMPTS},
        max_pool_connections=CONNECTIONS,
    )
    with translate_errors("the AWS SDK"):
        session = boto3.session.Session()
        if not session.region_name and service != "s3":
            raise UsageError(NO_REGION)
        credentials = session.get_credentials()
        if credentials and is_issued_id(credentials.access_key):
            raise UsageError(OWN_KEY)
        try:
            return session.client(service, config=config)
        except ValueError as error:  # of botocore: a URL that is none
            raise UsageError(f"{error}; AWS_ENDPOINT_URL must be a URL such as https://HOST, or not set") from error


@contextmanager
def translate_errors(what: str) -> Iterator[None]:
    """Translate the errors of a request about `what`, such as "log group X", in a `with` block.

    Raises:
        UsageError: credentials, rights, region or `what` are missing or wrong.
        TransientError: AWS does not answer, or asks to slow down.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - slow to import

    try:
        yield
    except ClientError as error:
        raise _from_response(what, error.operation_name, error.response) from error
    except BotoCoreError as error:
        raise _from_sdk(what, error) from error


def error_code(error: BaseException | None) -> str:
    """Return AWS's code of the response that has caused an error; "" if none has."""
    response = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))


def _from_response(what: str, operation: str, response: dict[str, Any]) -> UsageError | TransientError:
    code = str(response.get("Error", {}).get("Code", ""))
    message = " ".join(str(response.get("Error", {}).get("Message", "")).split())[:MESSAGE_LENGTH]
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in DENIED:
        return UsageError(
            f"the AWS credentials may not call {operation} on {what}: {message or code}; "
            "the policies in deploy/aws list the rights that are needed"
        )
    if code in INVALID_CREDENTIALS:
        return UsageError(f"AWS does not accept the credentials ({code}: {message}); {HOW_TO_LOG_IN}")
    if code in MISSING:
        return UsageError(f"AWS has no {what}: check its name, the region (AWS_DEFAULT_REGION) and the account")
    if code in OTHER_REGION:
        return UsageError(f"{what} is in another region: set AWS_DEFAULT_REGION to that one")
    if code in THROTTLED or status >= 500:
        return TransientError(f"AWS is throttling or failing {operation} on {what} ({code}: {message})")
    return UsageError(f"AWS refuses {operation} on {what} ({code}: {message})")


def _from_sdk(what: str, error: Exception) -> UsageError | TransientError:
    kind = type(error).__name__
    if kind == "NoRegionError":
        return UsageError(NO_REGION)
    if "Credential" in kind or "Token" in kind or "SSO" in kind:
        return UsageError(f"no usable AWS credentials ({error}); {HOW_TO_LOG_IN}")
    if kind in {"ProfileNotFound", "ParamValidationError", "InvalidRegionError", "ConfigParseError"}:
        return UsageError(f"{what}: {' '.join(str(error).split())}")
    if isinstance(error, ValueError):
        return UsageError(f"{what}: {error}")
    return TransientError(f"AWS does not answer about {what}: {error}")
