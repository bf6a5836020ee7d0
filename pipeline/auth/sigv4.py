"""Verify that a request bears the AWS Signature Version 4 of a secret."""

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
    """The parts of a request. `target` is path and query as sent; names of `headers` are in lower case."""

    method: str
    target: str
    headers: Headers
    body: bytes

    def all(self, name: str) -> list[str]:
        """The values of a header, one for each time that it is there."""
        return [value for found, value in self.headers if found == name]

    def one(self, name: str) -> str | None:
        """The value of a header; None where it is not there, or more than once."""
        values = self.all(name)
        return values[0] if len(values) == 1 else None


SCHEME = "AWS4-HMAC-SHA256"
SKEW_MS = 300_000
"""How far a client's clock may be from ours: as with AWS, five minutes."""

ALWAYS = {"host", "x-amz-date"}
"""Headers that have to be signed. Others that change what a request means must be where they are sent."""

FORM = re.compile(
    rf"{SCHEME} Credential=(?P<key>[A-Z0-9]{{4,64}})/(?P<day>\d{{8}})/(?P<region>[a-z0-9-]{{1,64}})/lex/aws4_request, ?"
    r"SignedHeaders=(?P<names>[a-z0-9-]+(?:;[a-z0-9-]+)*), ?Signature=(?P<signature>[0-9a-f]{64})"
)


class Signature(NamedTuple):
    """What the header Authorization says: whose key, for which day and region, over which headers, and the proof."""

    key: str
    day: str
    region: str
    names: str
    signature: str


def read_signature(authorization: str) -> Signature:
    """The parts of the header.

    Raises:
        DeniedError: it is not of this form.
    """
    if found := FORM.fullmatch(authorization):
        return Signature(**found.groupdict())
    raise DeniedError(
        Denial.INCOMPLETE,
        f"the header Authorization is no signature of version 4 for service lex: expected {SCHEME} "
        "Credential=ID/YYYYMMDD/REGION/lex/aws4_request, SignedHeaders=..., Signature=...",
    )


def verify(asked: SignedRequest, shown: Signature, secret: str, now: int) -> None:
    """Let pass what was signed with `secret`, as it is, at about `now` (ms).

    Raises:
        DeniedError: it was not.
    """
    _check_time(asked, shown, now)
    _check_extent(asked, shown)
    if not hmac.compare_digest(_expected(asked, shown, secret), shown.signature):
        raise DeniedError(
            Denial.SIGNATURE,
            "the signature is not that of this request: it was signed with another secret, or changed on its way",
        )


def _check_time(asked: SignedRequest, shown: Signature, now: int) -> None:
    stamp = asked.one("x-amz-date") or ""
    try:
        moment = datetime.strptime(stamp, SIGV4_TIMESTAMP).replace(tzinfo=UTC)
    except ValueError:
        raise DeniedError(
            Denial.INCOMPLETE, "one header X-Amz-Date such as 20260609T021915Z is needed, and is signed"
        ) from None
    if moment.strftime(SIGV4_TIMESTAMP) != stamp or not stamp.startswith(shown.day):
        raise DeniedError(Denial.SIGNATURE, "X-Amz-Date is not of the day that the credential is for")
    if abs(moment.timestamp() * 1000 - now) > SKEW_MS:
        here = datetime.fromtimestamp(now / 1000, UTC).strftime(SIGV4_TIMESTAMP)
        raise DeniedError(
            Denial.SIGNATURE, f"the request is of {stamp} and it is {here} here: more than 5 minutes lie between"
        )


def _check_extent(asked: SignedRequest, shown: Signature) -> None:
    """The signature has to be about all that gives the request its meaning."""
    signed = set(shown.names.split(";"))
    sent = {name for name, _ in asked.headers}
    needed = ALWAYS | {name for name in sent if name == "content-type" or name.startswith("x-amz-")}
    if lacking := needed - (signed & sent):
        raise DeniedError(Denial.SIGNATURE, f"not signed or not sent, but needed: {', '.join(sorted(lacking))}")
    path = asked.target.partition("?")[0]
    if normalize_url_path(path) != path or "#" in asked.target:  # the signer takes all these for the same path
        raise DeniedError(Denial.SIGNATURE, "the path has empty parts, dots between slashes, or a #")
    hashes = asked.all("x-amz-content-sha256")
    if hashes and hashes != [hashlib.sha256(asked.body).hexdigest()]:
        raise DeniedError(Denial.SIGNATURE, "X-Amz-Content-SHA256 is not the hash of the body that was sent")


def _expected(asked: SignedRequest, shown: Signature, secret: str) -> str:
    signed = set(shown.names.split(";"))
    request = AWSRequest(asked.method, f"http://host{asked.target}", data=asked.body)
    for name, value in asked.headers:
        if name in signed:
            request.headers.add_header(name, value)
    request.context["timestamp"] = asked.one("x-amz-date")
    signer = SigV4Auth(Credentials(shown.key, secret), "lex", shown.region)
    text = signer.string_to_sign(request, signer.canonical_request(request))
    signature: str = signer.signature(text, request)
    return signature
