"""Requests signed by AWS's own SDK, and keys to sign them with."""

import datetime as dt
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec
from botocore.auth import SIGV4_TIMESTAMP, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from pipeline.auth.key_factory import IssuedKey, create_bearer_key, create_signing_key, new_id
from pipeline.auth.key_store import change_keys
from pipeline.auth.sigv4 import SignedRequest
from schemas.access_key import AccessKey, Right

NOW = 1_780_000_000_000
HOST = "127.0.0.1:8080"
PATH = "/bots/BOTAAAAAA1/analytics/sessions"
BODY = b'{"startDateTime": 1, "endDateTime": 2}'


def key(**changes: Any) -> AccessKey:
    """A key that may do everything, for ever."""
    known = AccessKey(id=new_id(), name="test", bots=("*",), rights=tuple(Right), created=NOW)
    return msgspec.structs.replace(known, **changes)


def kept(path: Path, *issued: IssuedKey) -> Path:
    """The file at `path`, which now has these keys and no others."""
    change_keys(path, lambda _: [one.key for one in issued])
    return path


def signing(**changes: Any) -> IssuedKey:
    """A signing key and its secret."""
    return create_signing_key(key(**changes))


def bearing(**changes: Any) -> IssuedKey:
    """A bearer key and its token."""
    return create_bearer_key(key(**changes))


def signed(  # noqa: PLR0917 - a request has so many parts
    key_id: str,
    secret: str,
    now: int = NOW,
    method: str = "POST",
    target: str = PATH,
    body: bytes = BODY,
    **headers: str,
) -> SignedRequest:
    """The request as botocore signs it at `now` (ms); `headers` are signed too, `_` in their names stands for `-`."""
    sent = {"Host": HOST, "Content-Type": "application/json"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    request = AWSRequest(method, f"http://{HOST}{target}", data=body, headers=sent)
    clock = dt.datetime.fromtimestamp(now / 1000, dt.UTC)
    with mock.patch("botocore.auth.get_current_datetime", return_value=clock):
        SigV4Auth(Credentials(key_id, secret), "lex", "us-east-1").add_auth(request)
    assert request.headers["X-Amz-Date"] == clock.strftime(SIGV4_TIMESTAMP)
    return SignedRequest(method, target, [(name.lower(), value) for name, value in request.headers.items()], body)
