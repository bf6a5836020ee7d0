"""Verify the AWS Signature Version 4 of a request."""

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from botocore.auth import SIGV4_TIMESTAMP, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.utils import normalize_url_path

from pipeline.auth.errors import Denial, DeniedError

Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """The signed parts of a request. `target` is path and query as sent; names of `headers` are in lower case."""

    method: str
    target: str
    headers: Headers
    body: bytes

    def all(self, name: str) -> list[str]:
        """Return the values of a header, one for each occurrence."""
        return [value for header, value in self.headers if header == name]

    def one(self, name: str) -> str | None:
        """Return the value of a header, or None where it is absent or repeated."""
        values = self.all(name)
        return values[0] if len(values) == 1 else None


SCHEME = "AWS4-HMAC-SHA256"
SKEW_MS = 300_000
"""Milliseconds that a client's clock may differ from ours: five minutes, as with AWS."""

REQUIRED_HEADERS = {"host", "x-amz-date"}
"""Headers that must be signed. Others that change the meaning of a request must be signed where they are sent."""

AUTHORIZATION_PATTERN = re.compile(
    rf"{SCHEME} Credential=(?P<key>[A-Z0-9]{{4,64}})/(?P<day>\d{{8}})/(?P<region>[a-z0-9-]{{1,64}})/lex/aws4_request, ?"
    r"SignedHeaders=(?P<names>[a-z0-9-]+(?:;[a-z0-9-]+)*), ?Signature=(?P<signature>[0-9a-f]{64})"
)


class Signature(NamedTuple):
    """The parsed Authorization header: key id, day, region, names of the signed headers, and the signature."""

    key: str
    day: str
    region: str
    names: str
    signature: str


def read_signature(authorization: str) -> Signature:
    """Parse the Authorization header.

    Raises:
        DeniedError: it does not have the form of a signature.
    """
    if match := AUTHORIZATION_PATTERN.fullmatch(authorization):
        return Signature(**match.groupdict())
    raise DeniedError(
        Denial.INCOMPLETE,
        f"the Authorization header is not a version 4 signature for service lex: expected {SCHEME} "
        "Credential=ID/YYYYMMDD/REGION/lex/aws4_request, SignedHeaders=..., Signature=...",
    )


def verify(request: SignedRequest, signature: Signature, secret: str, now: int) -> None:
    """Check that `request` was signed with `secret`, is unchanged, and is at most SKEW_MS away from `now` (ms).

    Raises:
        DeniedError: it was not signed so.
    """
    _check_time(request, signature, now)
    _check_extent(request, signature)
    if not hmac.compare_digest(_expected(request, signature, secret), signature.signature):
        raise DeniedError(
            Denial.SIGNATURE,
            "the signature does not match this request: it was signed with another secret, or changed in transit",
        )


def _check_time(request: SignedRequest, signature: Signature, now: int) -> None:
    stamp = request.one("x-amz-date") or ""
    try:
        moment = datetime.strptime(stamp, SIGV4_TIMESTAMP).replace(tzinfo=UTC)
    except ValueError:
        raise DeniedError(
            Denial.INCOMPLETE, "exactly one X-Amz-Date header, such as 20260609T021915Z, is required"
        ) from None
    if moment.strftime(SIGV4_TIMESTAMP) != stamp or not stamp.startswith(signature.day):
        raise DeniedError(Denial.SIGNATURE, "X-Amz-Date is not on the day of the credential")
    if abs(moment.timestamp() * 1000 - now) > SKEW_MS:
        here = datetime.fromtimestamp(now / 1000, UTC).strftime(SIGV4_TIMESTAMP)
        raise DeniedError(
            Denial.SIGNATURE,
            f"the request is dated {stamp} and the server time is {here}: they differ by more than 5 minutes",
        )


def _check_extent(request: SignedRequest, signature: Signature) -> None:
    """Check that the signature covers everything that gives the request its meaning."""
    signed = set(signature.names.split(";"))
    sent = {name for name, _ in request.headers}
    required = REQUIRED_HEADERS | {name for name in sent if name == "content-type" or name.startswith("x-amz-")}
    if missing := required - (signed & sent):
        raise DeniedError(Denial.SIGNATURE, f"these headers must be sent and signed: {', '.join(sorted(missing))}")
    path = request.target.partition("?")[0]
    if normalize_url_path(path) != path or "#" in request.target:  # the signer normalises all these to the same path
        raise DeniedError(Denial.SIGNATURE, "the path has empty segments, dot segments, or a #")
    hashes = request.all("x-amz-content-sha256")
    if hashes and hashes != [hashlib.sha256(request.body).hexdigest()]:
        raise DeniedError(Denial.SIGNATURE, "X-Amz-Content-SHA256 is not the hash of the body")


def _expected(request: SignedRequest, signature: Signature, secret: str) -> str:
    signed = set(signature.names.split(";"))
    to_sign = AWSRequest(request.method, f"http://host{request.target}", data=request.body)
    for name, value in request.headers:
        if name in signed:
            to_sign.headers.add_header(name, value)
    to_sign.context["timestamp"] = request.one("x-amz-date")
    signer = SigV4Auth(Credentials(signature.key, secret), "lex", signature.region)
    text = signer.string_to_sign(to_sign, signer.canonical_request(to_sign))
    expected: str = signer.signature(text, to_sign)
    return expected
