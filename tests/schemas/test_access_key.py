"""A key gives access to its bots only, and a wrong key file is refused rather than guessed at."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.access_key import ALL, ID_LENGTH, ID_PREFIX, AccessKey, KeyFile, Right, is_issued_id

IDS = st.text("ABCDEFGHIJ0123456789abcdefghij", min_size=1, max_size=10)
KNOWN: dict[str, Any] = {"id": "TFKA", "name": "test", "created": 1}


def key(**members: Any) -> AccessKey:
    return msgspec.convert(KNOWN | members, AccessKey)


@given(IDS, st.lists(IDS | IDS.map(lambda start: start + ALL), max_size=4))
def test_it_sees_the_bots_that_are_named_or_begin_so_and_no_others(bot: str, patterns: list[str]) -> None:
    named = bot in patterns
    begun = any(bot[:length] + ALL in patterns for length in range(len(bot) + 1))
    assert key(bots=patterns).can_access_bot(bot) == (named or begun)


def test_an_issued_id_is_told_from_one_of_aws() -> None:
    assert is_issued_id(ID_PREFIX + "A" * ID_LENGTH)
    assert not is_issued_id("AKIAIOSFODNN7EXAMPLE")
    assert not is_issued_id(ID_PREFIX + "A" * ID_LENGTH + "\n")


@given(IDS)
def test_a_star_alone_is_every_bot_and_nothing_is_none(bot: str) -> None:
    assert key(bots=[ALL]).can_access_bot(bot)
    assert not key().can_access_bot(bot)


@pytest.mark.parametrize(
    ("pattern", "bot", "seen"),
    [
        ("BOTA", "BOTA", True),
        ("BOTA", "BOTAB", False),
        ("BOTA", "bota", False),
        ("BOTA*", "BOTA", True),
        ("BOTA*", "BOTAB", True),
        ("BOTA*", "XBOTA", False),
        ("B*A", "BOTA", False),
        ("*A", "BOTA", False),
        ("BOT.", "BOTA", False),
        ("", "BOTA", False),
    ],
)
def test_a_star_means_something_at_the_end_only(pattern: str, bot: str, *, seen: bool) -> None:
    assert key(bots=[pattern]).can_access_bot(bot) == seen


@given(st.sets(st.sampled_from(Right)))
def test_it_may_do_what_it_has_a_right_to(rights: set[Right]) -> None:
    told = key(rights=list(rights))
    assert {right for right in Right if told.has_right(right)} == rights


def test_a_text_of_it_lets_nobody_in() -> None:
    told = key(secret="s3cret", token_sha256="a" * 64)
    for text in (repr(told), str(told), repr(KeyFile((told,))), f"{[told]}"):
        assert "TFKA" in text
        assert "s3cret" not in text
        assert "aaaa" not in text


@given(
    st.builds(
        AccessKey,
        id=st.from_regex(r"[A-Z0-9]{4,64}", fullmatch=True),
        name=st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
        secret=st.text(st.characters(exclude_categories=["Cs"])),
        token_sha256=st.just("") | st.just("0f" * 32),
        bots=st.lists(IDS).map(tuple),
        rights=st.lists(st.sampled_from(Right)).map(tuple),
        created=st.integers(0, 10**14),
        expires=st.none() | st.integers(0, 10**14),
        revoked=st.none() | st.integers(0, 10**14),
        rate=st.none() | st.floats(0.001, 1_000_000),
        concurrent=st.none() | st.integers(1, 100),
    )
)
def test_a_file_gives_back_what_was_put_into_it(kept: AccessKey) -> None:
    file = KeyFile((kept,))
    assert msgspec.json.decode(msgspec.json.encode(file), type=KeyFile) == file


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"id": "tfka"}, "$.id"),
        ({"id": "TFKA\n"}, "$.id"),
        ({"id": "TFK"}, "$.id"),
        ({"name": ""}, "$.name"),
        ({"rights": ["lists"]}, "$.rights[0]"),
        ({"token_sha256": "0F" * 32}, "$.token_sha256"),
        ({"token_sha256": "grüße"}, "$.token_sha256"),
        ({"expires": -1}, "$.expires"),
        ({"expires": 10**15}, "$.expires"),
        ({"rate": 0}, "$.rate"),
        ({"rate": float("nan")}, "$.rate"),
        ({"concurrent": 0}, "$.concurrent"),
    ],
)
def test_what_would_not_do_is_named(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(msgspec.ValidationError) as raised:
        key(**wrong)
    assert told in str(raised.value)


@pytest.mark.parametrize("misspelt", ["expire", "Expires", "bot", "revoked_at"])
def test_a_misspelt_limit_is_not_taken_for_none(misspelt: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=misspelt):
        key(**{misspelt: 1})
    with pytest.raises(msgspec.ValidationError, match=misspelt):
        msgspec.convert({"keys": [], misspelt: 1}, KeyFile)


def test_a_file_of_a_later_version_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="version"):
        msgspec.convert({"keys": [], "version": 2}, KeyFile)
