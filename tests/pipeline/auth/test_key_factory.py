"""Tokens and secrets are unguessable and shown once; only hashes of tokens are stored; a revoked key has neither."""

import hashlib
import re

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.auth.key_factory import (
    IssuedKey,
    create_bearer_key,
    create_signing_key,
    hash_of,
    is_token_of,
    key_id_of,
    new_id,
    new_token,
    with_revocation,
)
from schemas.access_key import AccessKey
from tests.pipeline.auth.signing import bearing, key, signing

IDS = st.from_regex(r"[A-Z0-9]{4,64}", fullmatch=True)


@settings(deadline=None)
@given(IDS)
def test_a_token_names_its_key_and_matches_only_its_hash(key_id: str) -> None:
    token, kept = new_token(key_id)
    assert key_id_of(token) == key_id
    assert is_token_of(token, kept)
    assert not is_token_of(token, new_token(key_id)[1])


def test_what_is_kept_is_the_hash_and_nothing_of_the_token() -> None:
    token, kept = new_token("TFKA")
    assert kept == hashlib.sha256(token.encode()).hexdigest()
    assert token.rpartition("_")[2] not in kept


@settings(deadline=None)
@given(IDS, st.data())
def test_one_character_changed_is_another_token(key_id: str, data: st.DataObject) -> None:
    token, kept = new_token(key_id)
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters(min_codepoint=33, max_codepoint=126).filter(lambda letter: letter != token[at]))
    assert not is_token_of(token[:at] + other + token[at + 1 :], kept)


def test_no_two_are_alike() -> None:
    tokens = {new_token("TFKA")[0] for _ in range(1000)}
    assert len(tokens) == 1000
    assert {len(token) for token in tokens} == {len("tf_TFKA_") + 43}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tf_",
        "tf_TFKA",
        "tf_TFKA_" + "a" * 42,
        "tf_TFKA_" + "a" * 44,
        "tf_TFKA_" + "a" * 43 + "\n",
        "tf_tfka_" + "a" * 43,
        "tf_TFK_" + "a" * 43,
        "tf_TFKÄ_" + "a" * 43,
        "tf_TFKA_" + "a" * 42 + "=",
        " tf_TFKA_" + "a" * 43,
    ],
)
def test_malformed_tokens_name_no_key(text: str) -> None:
    assert key_id_of(text) is None


@settings(deadline=None)
@given(st.text(st.characters(max_codepoint=255)), st.text(st.characters(max_codepoint=255)))
def test_whatever_a_header_holds_is_answered(text: str, other: str) -> None:
    """Headers are decoded as Latin-1, so they hold no other characters."""
    assert key_id_of(text) is None
    assert is_token_of(text, hash_of(other)) == (text == other)


def test_no_two_ids_are_alike_and_all_have_the_form_of_one() -> None:
    ids = {new_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(re.fullmatch("TFK[A-Z2-7]{17}", one) for one in ids)
    msgspec.convert([msgspec.structs.asdict(key(id=one)) for one in ids], list[AccessKey])


def test_a_signing_key_contains_the_secret_that_is_shown() -> None:
    issued = create_signing_key(key())
    assert issued.key.secret == issued.credential
    assert re.fullmatch(r"[A-Za-z0-9_-]{40}", issued.credential)
    assert issued.key.token_sha256 == ""


def test_a_bearer_key_contains_the_hash_of_the_token_that_is_shown() -> None:
    issued = create_bearer_key(key())
    assert issued.key.token_sha256 == hash_of(issued.credential)
    assert key_id_of(issued.credential) == issued.key.id
    assert issued.key.secret == ""


def test_no_two_secrets_are_alike() -> None:
    same = key()
    assert len({make(same).credential for make in (create_signing_key, create_bearer_key) for _ in range(100)}) == 200


@pytest.mark.parametrize("issued", [signing(), bearing()], ids=["signing", "bearer"])
def test_issuing_changes_only_the_credentials(issued: IssuedKey) -> None:
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
