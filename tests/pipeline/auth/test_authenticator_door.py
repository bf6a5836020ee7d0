"""Without keys, whoever can reach the query layer may ask, so nobody from elsewhere must reach it."""

from pathlib import Path

import pytest

from pipeline.auth.authenticator import ANYONE, Gatekeeper, check_bot, check_right
from pipeline.auth.errors import Denial, DeniedError
from pipeline.auth.sigv4 import SignedRequest
from pipeline.config.settings import Settings
from pipeline.runtime.errors import UsageError
from schemas.access_key import Right
from tests.pipeline.auth.signing import NOW, bearing, kept, key

NOTHING = SignedRequest("GET", "/", [], b"")


def test_without_keys_anyone_may_do_anything() -> None:
    door = Gatekeeper(Settings(), lambda: NOW)
    assert door.admit(NOTHING) is ANYONE
    door.check()
    for right in Right:
        check_right(ANYONE, right)
    assert ANYONE.can_access_bot("BOTAAAAAA1")


def test_with_keys_nobody_may_without_one(tmp_path: Path) -> None:
    door = Gatekeeper(Settings(api_keys=str(kept(tmp_path / "keys", bearing()))), lambda: NOW)
    with pytest.raises(DeniedError):
        door.admit(NOTHING)


def test_a_file_without_keys_is_no_file_that_lets_all_in(tmp_path: Path) -> None:
    door = Gatekeeper(Settings(api_keys=str(kept(tmp_path / "keys"))), lambda: NOW)
    with pytest.raises(DeniedError):
        door.admit(NOTHING)


@pytest.mark.parametrize("right", Right)
def test_a_right_that_a_key_has_not_is_named(right: Right) -> None:
    with pytest.raises(DeniedError, match=right) as raised:
        check_right(key(rights=tuple(set(Right) - {right})), right)
    assert raised.value.denial is Denial.FORBIDDEN


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_loopback_needs_no_keys(host: str) -> None:
    check_bot(Settings(api_host=host))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "192.0.2.7", "no.such.host.invalid"])  # noqa: S104 - refused
def test_what_can_be_reached_from_elsewhere_needs_keys(host: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="turnfold keys add"):
        check_bot(Settings(api_host=host))
    check_bot(Settings(api_host=host, api_keys=str(tmp_path / "keys")))
