"""Only requests with a valid key are authenticated; a revoked key is refused at once; without keys, loopback only."""

from pathlib import Path

import pytest

from pipeline.auth.authenticator import ANYONE, AccessControl, Authenticator, check_exposure, check_right
from pipeline.auth.errors import Denial, DeniedError
from pipeline.auth.key_factory import with_revocation
from pipeline.auth.key_store import KeysUnavailableError, change_keys
from pipeline.auth.sigv4 import SKEW_MS, SignedRequest
from pipeline.config.settings import Settings
from pipeline.runtime.errors import UsageError
from schemas.access_key import Right
from tests.pipeline.auth.signing import NOW, bearing, kept, key, signed, signing


def shows(token: str, scheme: str = "Bearer") -> SignedRequest:
    return SignedRequest("GET", "/metrics", [("authorization", f"{scheme} {token}")], b"")


def denial(authenticator: Authenticator, asked: SignedRequest) -> DeniedError:
    with pytest.raises(DeniedError) as raised:
        authenticator.authenticate(asked)
    return raised.value


def test_a_signed_request_and_a_token_are_authenticated(tmp_path: Path) -> None:
    sdk, curl = signing(), bearing()
    authenticator = Authenticator(kept(tmp_path / "keys", sdk, curl), lambda: NOW)
    assert authenticator.authenticate(signed(sdk.key.id, sdk.credential)) == sdk.key
    for scheme in ("Bearer", "bearer", "BEARER"):
        assert authenticator.authenticate(shows(curl.credential, scheme)) == curl.key


def test_missing_credentials_are_reported_with_both_ways_to_send_them(tmp_path: Path) -> None:
    authenticator = Authenticator(kept(tmp_path / "keys"), lambda: NOW)
    wrong = denial(authenticator, SignedRequest("GET", "/", [], b""))
    assert wrong.denial is Denial.MISSING
    assert "Signature Version 4" in str(wrong)
    assert "Bearer" in str(wrong)


def test_repeated_authorization_headers_are_refused(tmp_path: Path) -> None:
    curl = bearing()
    authenticator = Authenticator(kept(tmp_path / "keys", curl), lambda: NOW)
    twice = SignedRequest("GET", "/", [*shows(curl.credential).headers, *shows(curl.credential).headers], b"")
    assert denial(authenticator, twice).denial is Denial.MISSING


def test_an_unknown_key_is_refused_whatever_is_signed(tmp_path: Path) -> None:
    authenticator = Authenticator(kept(tmp_path / "keys"), lambda: NOW)
    for stranger in (signed("TFKUNKNOWN", "s"), shows(bearing().credential), shows("x"), shows("tf_TFKA_" + "a" * 43)):
        assert denial(authenticator, stranger).denial is Denial.UNKNOWN


def test_keys_of_one_kind_are_refused_as_the_other(tmp_path: Path) -> None:
    """A bearer key has no secret to sign with: the empty one must not do."""
    sdk, curl = signing(), bearing()
    authenticator = Authenticator(kept(tmp_path / "keys", sdk, curl), lambda: NOW)
    assert denial(authenticator, signed(curl.key.id, "")).denial is Denial.UNKNOWN
    assert denial(authenticator, shows(f"tf_{sdk.key.id}_{'a' * 43}")).denial is Denial.UNKNOWN
    assert denial(authenticator, shows(f"tf_{sdk.key.id}_{sdk.credential}")).denial is Denial.UNKNOWN


def test_a_wrong_secret_is_a_wrong_signature(tmp_path: Path) -> None:
    sdk = signing()
    authenticator = Authenticator(kept(tmp_path / "keys", sdk), lambda: NOW)
    assert denial(authenticator, signed(sdk.key.id, "another")).denial is Denial.SIGNATURE


def test_an_expired_key_is_refused_and_only_its_holder_learns_why(tmp_path: Path) -> None:
    sdk, curl = signing(expires=NOW), bearing(expires=NOW)
    path = kept(tmp_path / "keys", sdk, curl)
    assert Authenticator(path, lambda: NOW - 1).authenticate(shows(curl.credential)) == curl.key
    authenticator = Authenticator(path, lambda: NOW)
    for holder in (signed(sdk.key.id, sdk.credential), shows(curl.credential)):
        assert denial(authenticator, holder).denial is Denial.EXPIRED
    assert denial(authenticator, signed(sdk.key.id, "another")).denial is Denial.SIGNATURE


def test_a_revoked_key_is_refused_at_once(tmp_path: Path) -> None:
    sdk, curl = signing(), bearing()
    path = kept(tmp_path / "keys", sdk, curl)
    authenticator = Authenticator(path, lambda: NOW)
    authenticator.authenticate(shows(curl.credential))
    change_keys(path, lambda known: [with_revocation(key, NOW) for key in known])
    for holder in (signed(sdk.key.id, sdk.credential), signed(sdk.key.id, ""), shows(curl.credential)):
        assert denial(authenticator, holder).denial is Denial.UNKNOWN


def test_a_new_key_is_valid_at_once(tmp_path: Path) -> None:
    authenticator = Authenticator(path := kept(tmp_path / "keys"), lambda: NOW)
    curl = bearing()
    kept(path, curl)
    assert authenticator.authenticate(shows(curl.credential)) == curl.key


def test_a_request_may_be_repeated_within_the_time_limit(tmp_path: Path) -> None:
    """Two equal calls of one second have the same signature, and so has a retry of some clients."""
    sdk, clock = signing(), [NOW]
    authenticator = Authenticator(kept(tmp_path / "keys", sdk), lambda: clock[0])
    asked = signed(sdk.key.id, sdk.credential)
    for clock[0] in (NOW, NOW, NOW + SKEW_MS):
        assert authenticator.authenticate(asked) == sdk.key
    clock[0] = NOW + SKEW_MS + 1
    assert denial(authenticator, asked).denial is Denial.SIGNATURE


@pytest.mark.parametrize("problem", ["gone", "open", "broken"])
def test_all_requests_are_refused_while_the_keys_cannot_be_read(tmp_path: Path, problem: str) -> None:
    """Who was revoked meanwhile is not known then."""
    curl = bearing()
    path = kept(tmp_path / "keys", curl)
    authenticator = Authenticator(path, lambda: NOW)
    if problem == "gone":
        path.unlink()
    elif problem == "open":
        path.chmod(0o644)
    else:
        path.write_text("{")
    for _ in range(2):
        with pytest.raises(KeysUnavailableError):
            authenticator.authenticate(shows(curl.credential))
    with pytest.raises(KeysUnavailableError):
        authenticator.check()
    with pytest.raises(UsageError):
        Authenticator(path, lambda: NOW)
    path.unlink(missing_ok=True)
    kept(path, curl)
    assert authenticator.authenticate(shows(curl.credential)) == curl.key


NOTHING = SignedRequest("GET", "/", [], b"")


def test_without_keys_anyone_may_do_anything() -> None:
    access = AccessControl(Settings(), lambda: NOW)
    assert access.authenticate(NOTHING) is ANYONE
    access.check()
    for right in Right:
        check_right(ANYONE, right)
    assert ANYONE.can_access_bot("BOTAAAAAA1")


def test_with_keys_a_request_without_one_is_refused(tmp_path: Path) -> None:
    access = AccessControl(Settings(api_keys=str(kept(tmp_path / "keys", bearing()))), lambda: NOW)
    with pytest.raises(DeniedError):
        access.authenticate(NOTHING)


def test_a_file_without_keys_refuses_all_requests(tmp_path: Path) -> None:
    access = AccessControl(Settings(api_keys=str(kept(tmp_path / "keys"))), lambda: NOW)
    with pytest.raises(DeniedError):
        access.authenticate(NOTHING)


@pytest.mark.parametrize("right", Right)
def test_a_right_that_a_key_has_not_is_named(right: Right) -> None:
    with pytest.raises(DeniedError, match=right) as raised:
        check_right(key(rights=tuple(set(Right) - {right})), right)
    assert raised.value.denial is Denial.FORBIDDEN


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_loopback_needs_no_keys(host: str) -> None:
    check_exposure(Settings(api_host=host))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "192.0.2.7", "no.such.host.invalid"])  # noqa: S104 - refused
def test_other_addresses_require_keys(host: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="turnfold keys add"):
        check_exposure(Settings(api_host=host))
    check_exposure(Settings(api_host=host, api_keys=str(tmp_path / "keys")))
