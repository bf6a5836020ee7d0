"""A token is let in by its hash, tells whose it is, and cannot be guessed."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.auth.key_factory import hash_of, is_token_of, key_id_of, new_token

IDS = st.from_regex(r"[A-Z0-9]{4,64}", fullmatch=True)


@given(IDS)
def test_a_token_tells_whose_it_is_and_is_that_of_its_hash_alone(key_id: str) -> None:
    token, kept = new_token(key_id)
    assert key_id_of(token) == key_id
    assert is_token_of(token, kept)
    assert not is_token_of(token, new_token(key_id)[1])


def test_what_is_kept_is_the_hash_and_nothing_of_the_token() -> None:
    token, kept = new_token("TFKA")
    assert kept == hashlib.sha256(token.encode()).hexdigest()
    assert token.rpartition("_")[2] not in kept


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
def test_what_has_not_the_form_of_one_is_nobodys(text: str) -> None:
    assert key_id_of(text) is None


@given(st.text(st.characters(max_codepoint=255)), st.text(st.characters(max_codepoint=255)))
def test_whatever_a_header_holds_is_answered(text: str, other: str) -> None:
    """Headers are decoded as Latin-1, so they hold no other characters."""
    assert key_id_of(text) is None
    assert is_token_of(text, hash_of(other)) == (text == other)
