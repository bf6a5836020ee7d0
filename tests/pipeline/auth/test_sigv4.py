"""A request as AWS's SDK signs it is valid at its time; with one byte changed it is not."""

import hashlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.auth.errors import Denial, DeniedError
from pipeline.auth.sigv4 import SKEW_MS, SignedRequest, read_signature, verify
from tests.pipeline.auth.signing import BODY, NOW, PATH, signed

KEY, SECRET = "TFKAAAAAAAAAAAAAAAAA", "s3cret-s3cret-s3cret"
QUERIED = "/bot/Tr%2Fa%20v/alias/%24LATEST/user/a%3Ab/session/?checkpointLabelFilter=a-b"

FORM = "AWS4-HMAC-SHA256 Credential=TFKA/{}/us-east-1/{}/aws4_request, SignedHeaders=host, Signature={}"
visible = st.characters(min_codepoint=33, max_codepoint=126)
texts = st.text(visible, min_size=1, max_size=20)


def check(asked: SignedRequest, now: int = NOW, secret: str = SECRET) -> None:
    shown = read_signature(asked.one("authorization") or "")
    verify(asked, shown, secret if shown.key == KEY else "of another key", now)


def refused(asked: SignedRequest, now: int = NOW, secret: str = SECRET) -> str:
    with pytest.raises(DeniedError) as raised:
        check(asked, now, secret)
    return str(raised.value)


def with_header(asked: SignedRequest, name: str, change: Callable[[str], str]) -> SignedRequest:
    headers = [(found, change(value) if found == name else value) for found, value in asked.headers]
    return SignedRequest(asked.method, asked.target, headers, asked.body)


@settings(deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["POST", "GET", "PUT"]), texts)
def test_signatures_of_botocore_are_valid(body: bytes, method: str, value: str) -> None:
    check(signed(KEY, SECRET, method=method, body=body, X_Amz_Meta=value))
    check(signed(KEY, SECRET, method="GET", target=QUERIED, body=b""))


@settings(deadline=None)
@given(st.data())
def test_one_byte_changed_anywhere_in_what_is_signed_is_refused(data: st.DataObject) -> None:
    """Method, path, query, each signed header, body, and the signature itself."""
    asked = signed(KEY, SECRET, target=PATH + "?a=1&b=2", X_Amz_Meta="some value")
    parts = {"method": asked.method, "target": asked.target, "body": asked.body.decode("latin-1")} | dict(asked.headers)
    name = data.draw(st.sampled_from(sorted(parts)))
    text = parts[name]
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(visible.filter(lambda character: character.lower() != text[at].lower()))
    parts[name] = text[:at] + other + text[at + 1 :]
    headers = [(found, parts[found]) for found, _ in asked.headers]
    with pytest.raises(DeniedError):
        check(SignedRequest(parts["method"], parts["target"], headers, parts["body"].encode("latin-1")))


@settings(deadline=None)
@given(st.integers(0, len(BODY)), st.binary(min_size=1, max_size=3))
def test_nothing_can_be_added_to_a_body(at: int, more: bytes) -> None:
    asked = signed(KEY, SECRET)
    refused(SignedRequest(asked.method, asked.target, asked.headers, BODY[:at] + more + BODY[at:]))


def test_another_secret_is_refused() -> None:
    assert "another secret" in refused(signed(KEY, "another"))


@pytest.mark.parametrize("off", [-SKEW_MS - 1000, SKEW_MS + 1000])
def test_a_clock_may_be_five_minutes_off_and_no_more(off: int) -> None:
    near = off - 2000 if off > 0 else off + 2000
    check(signed(KEY, SECRET, NOW + near))
    assert "more than 5 minutes" in refused(signed(KEY, SECRET, NOW + off))


def test_a_hash_that_is_sent_must_be_that_of_the_body() -> None:
    """Else the body could be anything under it: the signer takes the header's word."""
    check(signed(KEY, SECRET, X_Amz_Content_SHA256=hashlib.sha256(BODY).hexdigest()))
    assert "hash" in refused(signed(KEY, SECRET, X_Amz_Content_SHA256="UNSIGNED-PAYLOAD"))
    honest = signed(KEY, SECRET, X_Amz_Content_SHA256=hashlib.sha256(BODY).hexdigest())
    assert "hash" in refused(SignedRequest(honest.method, honest.target, honest.headers, BODY + b" "))


@pytest.mark.parametrize("name", ["x-amz-meta", "x-amz-content-sha256", "x-amz-security-token"])
def test_a_header_that_means_something_must_be_signed(name: str) -> None:
    asked = signed(KEY, SECRET)
    assert name in refused(SignedRequest(asked.method, asked.target, [*asked.headers, (name, "added")], asked.body))


def test_a_signed_header_must_be_present() -> None:
    asked = signed(KEY, SECRET)
    headers = [(name, value) for name, value in asked.headers if name != "content-type"]
    refused(SignedRequest(asked.method, asked.target, headers, asked.body))
    refused(
        SignedRequest(asked.method, asked.target, [pair for pair in asked.headers if pair[0] != "host"], asked.body)
    )


@pytest.mark.parametrize("name", ["host", "x-amz-date", "content-type"])
def test_a_header_that_comes_twice_is_refused(name: str) -> None:
    asked = signed(KEY, SECRET)
    refused(SignedRequest(asked.method, asked.target, [*asked.headers, (name, asked.all(name)[0])], asked.body))


@pytest.mark.parametrize(
    "spelling", [PATH.replace("/BOT", "//BOT"), PATH.replace("/BOT", "/./BOT"), f"/x/..{PATH}", f"{PATH}#"]
)
def test_other_spellings_of_a_signed_path_are_refused(spelling: str) -> None:
    asked = signed(KEY, SECRET)
    assert "path" in refused(SignedRequest(asked.method, spelling, asked.headers, asked.body))


def test_the_day_of_the_credential_is_that_of_the_request() -> None:
    asked = signed(KEY, SECRET)
    assert "day" in refused(with_header(asked, "x-amz-date", lambda text: "20200101" + text[8:]))


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Basic dXNlcjpwYXNz",
        "AWS4-HMAC-SHA256 Credential=K/20260101/us-east-1/lex/aws4_request",
        "AWS4-HMAC-SHA256 Credential=TFKA/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature="
        + "a" * 64,
        "AWS4-HMAC-SHA256 Credential=TFKA/20260101/us-east-1/lex/aws4_request, SignedHeaders=host, Signature="
        + "A" * 64,
        "AWS4-HMAC-SHA256 Credential=TFKA/2026/us-east-1/lex/aws4_request, SignedHeaders=host, Signature=" + "a" * 64,
    ],
)
def test_malformed_signatures_are_reported_with_the_expected_form(authorization: str) -> None:
    with pytest.raises(DeniedError, match="SignedHeaders") as raised:
        read_signature(authorization)
    assert raised.value.denial is Denial.INCOMPLETE


@settings(deadline=None)
@given(st.text(max_size=200))
def test_whatever_stands_there_is_answered(authorization: str) -> None:
    with pytest.raises(DeniedError):
        read_signature(authorization)
