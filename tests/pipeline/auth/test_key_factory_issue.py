"""A new key has a secret that nobody can guess, told once; a key that is taken back has none."""

import re

import msgspec
import pytest

from pipeline.auth.key_factory import (
    IssuedKey,
    create_bearer_key,
    create_signing_key,
    hash_of,
    key_id_of,
    new_id,
    with_revocation,
)
from schemas.access_key import AccessKey
from tests.pipeline.auth.signing import bearing, key, signing


def test_no_two_ids_are_alike_and_all_have_the_form_of_one() -> None:
    ids = {new_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(re.fullmatch("TFK[A-Z2-7]{17}", one) for one in ids)
    msgspec.convert([msgspec.structs.asdict(key(id=one)) for one in ids], list[AccessKey])


def test_a_signing_key_holds_the_secret_that_is_told() -> None:
    issued = create_signing_key(key())
    assert issued.key.secret == issued.told
    assert re.fullmatch(r"[A-Za-z0-9_-]{40}", issued.told)
    assert issued.key.token_sha256 == ""


def test_a_bearer_key_holds_the_hash_of_the_token_that_is_told() -> None:
    issued = create_bearer_key(key())
    assert issued.key.token_sha256 == hash_of(issued.told)
    assert key_id_of(issued.told) == issued.key.id
    assert issued.key.secret == ""


def test_no_two_secrets_are_alike() -> None:
    same = key()
    assert len({make(same).told for make in (create_signing_key, create_bearer_key) for _ in range(100)}) == 200


@pytest.mark.parametrize("issued", [signing(), bearing()], ids=["signing", "bearer"])
def test_all_else_about_a_key_is_as_it_was_asked_for(issued: IssuedKey) -> None:
    bare = msgspec.structs.replace(issued.key, secret="", token_sha256="")
    for make in (create_signing_key, create_bearer_key):
        assert msgspec.structs.replace(make(bare).key, secret="", token_sha256="") == bare


@pytest.mark.parametrize("issued", [signing(), bearing()], ids=["signing", "bearer"])
def test_what_is_revoked_has_nothing_that_lets_in_and_is_still_known(issued: IssuedKey) -> None:
    gone = with_revocation(issued.key, 7)
    assert (gone.secret, gone.token_sha256, gone.revoked) == ("", "", 7)
    assert (gone.id, gone.name, gone.rights) == (issued.key.id, issued.key.name, issued.key.rights)


def test_revoked_twice_it_was_revoked_the_first_time() -> None:
    assert with_revocation(with_revocation(key(), 7), 9).revoked == 7
