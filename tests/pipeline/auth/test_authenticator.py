"""Whoever holds a key that counts is let in, and nobody else; a key that is taken back counts no more at once."""

from pathlib import Path

import pytest

from pipeline.auth.authenticator import Authenticator
from pipeline.auth.errors import Denial, DeniedError
from pipeline.auth.key_factory import with_revocation
from pipeline.auth.key_store import KeysUnavailableError, change_keys
from pipeline.auth.sigv4 import SKEW_MS, SignedRequest
from pipeline.runtime.errors import UsageError
from tests.pipeline.auth.signing import NOW, bearing, kept, signed, signing


def shows(token: str, scheme: str = "Bearer") -> SignedRequest:
    return SignedRequest("GET", "/metrics", [("authorization", f"{scheme} {token}")], b"")


def denial(gate: Authenticator, asked: SignedRequest) -> DeniedError:
    with pytest.raises(DeniedError) as raised:
        gate.admit(asked)
    return raised.value


def test_a_signed_request_and_a_token_are_let_in_as_the_keys_they_are_of(tmp_path: Path) -> None:
    sdk, curl = signing(), bearing()
    gate = Authenticator(kept(tmp_path / "keys", sdk, curl), lambda: NOW)
    assert gate.admit(signed(sdk.key.id, sdk.told)) == sdk.key
    for scheme in ("Bearer", "bearer", "BEARER"):
        assert gate.admit(shows(curl.told, scheme)) == curl.key


def test_who_shows_no_key_is_told_how_to(tmp_path: Path) -> None:
    gate = Authenticator(kept(tmp_path / "keys"), lambda: NOW)
    wrong = denial(gate, SignedRequest("GET", "/", [], b""))
    assert wrong.denial is Denial.MISSING
    assert "Signature Version 4" in str(wrong)
    assert "Bearer" in str(wrong)


def test_two_headers_of_authorization_are_as_none(tmp_path: Path) -> None:
    curl = bearing()
    gate = Authenticator(kept(tmp_path / "keys", curl), lambda: NOW)
    twice = SignedRequest("GET", "/", [*shows(curl.told).headers, *shows(curl.told).headers], b"")
    assert denial(gate, twice).denial is Denial.MISSING


def test_a_key_that_is_not_there_is_not_known_whatever_is_signed(tmp_path: Path) -> None:
    gate = Authenticator(kept(tmp_path / "keys"), lambda: NOW)
    for stranger in (signed("TFKUNKNOWN", "s"), shows(bearing().told), shows("x"), shows("tf_TFKA_" + "a" * 43)):
        assert denial(gate, stranger).denial is Denial.UNKNOWN


def test_neither_kind_of_key_does_for_the_other(tmp_path: Path) -> None:
    """A bearer key has no secret to sign with: the empty one must not do."""
    sdk, curl = signing(), bearing()
    gate = Authenticator(kept(tmp_path / "keys", sdk, curl), lambda: NOW)
    assert denial(gate, signed(curl.key.id, "")).denial is Denial.UNKNOWN
    assert denial(gate, shows(f"tf_{sdk.key.id}_{'a' * 43}")).denial is Denial.UNKNOWN
    assert denial(gate, shows(f"tf_{sdk.key.id}_{sdk.told}")).denial is Denial.UNKNOWN


def test_a_wrong_secret_is_a_wrong_signature(tmp_path: Path) -> None:
    sdk = signing()
    gate = Authenticator(kept(tmp_path / "keys", sdk), lambda: NOW)
    assert denial(gate, signed(sdk.key.id, "another")).denial is Denial.SIGNATURE


def test_a_key_counts_until_it_expires_and_only_its_holder_learns_that(tmp_path: Path) -> None:
    sdk, curl = signing(expires=NOW), bearing(expires=NOW)
    path = kept(tmp_path / "keys", sdk, curl)
    assert Authenticator(path, lambda: NOW - 1).admit(shows(curl.told)) == curl.key
    gate = Authenticator(path, lambda: NOW)
    for holder in (signed(sdk.key.id, sdk.told), shows(curl.told)):
        assert denial(gate, holder).denial is Denial.EXPIRED
    assert denial(gate, signed(sdk.key.id, "another")).denial is Denial.SIGNATURE


def test_a_revoked_key_counts_no_more_at_once(tmp_path: Path) -> None:
    sdk, curl = signing(), bearing()
    path = kept(tmp_path / "keys", sdk, curl)
    gate = Authenticator(path, lambda: NOW)
    gate.admit(shows(curl.told))
    change_keys(path, lambda known: [with_revocation(key, NOW) for key in known])
    for holder in (signed(sdk.key.id, sdk.told), signed(sdk.key.id, ""), shows(curl.told)):
        assert denial(gate, holder).denial is Denial.UNKNOWN


def test_a_new_key_counts_at_once(tmp_path: Path) -> None:
    gate = Authenticator(path := kept(tmp_path / "keys"), lambda: NOW)
    curl = bearing()
    kept(path, curl)
    assert gate.admit(shows(curl.told)) == curl.key


def test_a_request_may_come_again_while_its_time_counts(tmp_path: Path) -> None:
    """Two equal calls of one second have the same signature, and so has a retry of some clients."""
    sdk, clock = signing(), [NOW]
    gate = Authenticator(kept(tmp_path / "keys", sdk), lambda: clock[0])
    asked = signed(sdk.key.id, sdk.told)
    for clock[0] in (NOW, NOW, NOW + SKEW_MS):
        assert gate.admit(asked) == sdk.key
    clock[0] = NOW + SKEW_MS + 1
    assert denial(gate, asked).denial is Denial.SIGNATURE


@pytest.mark.parametrize("trouble", ["gone", "open", "broken"])
def test_nobody_is_let_in_while_the_keys_cannot_be_read(tmp_path: Path, trouble: str) -> None:
    """Who was revoked meanwhile is not known then."""
    curl = bearing()
    path = kept(tmp_path / "keys", curl)
    gate = Authenticator(path, lambda: NOW)
    if trouble == "gone":
        path.unlink()
    elif trouble == "open":
        path.chmod(0o644)
    else:
        path.write_text("{")
    for _ in range(2):
        with pytest.raises(KeysUnavailableError):
            gate.admit(shows(curl.told))
    with pytest.raises(KeysUnavailableError):
        gate.check()
    with pytest.raises(UsageError):
        Authenticator(path, lambda: NOW)
    path.unlink(missing_ok=True)
    kept(path, curl)
    assert gate.admit(shows(curl.told)) == curl.key
