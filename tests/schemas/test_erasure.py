"""What is forgotten is known by digests, of one bot or of all, up to a moment and not later."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.erasure import ALL_BOTS, Erasure, ErasureList, digest
from schemas.turn import Turn
from tests.events import START, turn, turns

ONE, TWO = "BOTAAAAAA1", "BOTBBBBBB2"
WHO = "session-1"


def word(until: int, bot: str = ALL_BOTS, session: str = WHO) -> Erasure:
    return Erasure(bot, digest(session), until)


def test_a_digest_is_sha_256_which_others_can_compute_too() -> None:
    assert digest("guest-1") == hashlib.sha256(b"guest-1").hexdigest()
    assert digest("a", "b") == hashlib.sha256(b"a\0b").hexdigest()


@pytest.mark.parametrize(
    ("words", "until"),
    [
        ([], None),
        ([word(5)], 5),
        ([word(5, ONE)], 5),
        ([word(5, TWO)], None),
        ([word(5, session="session-12")], None),
        ([word(5), word(3)], 5),
        ([word(3), word(5)], 5),
        ([word(5), word(9, ONE), word(99, TWO)], 9),
        ([word(9), word(5, ONE)], 9),
    ],
)
def test_the_word_that_goes_furthest_counts(words: list[Erasure], until: int | None) -> None:
    found = ErasureList(words).word(ONE, WHO)
    assert (found.until if found else None) == until


@pytest.mark.parametrize(("moment", "covered"), [(-1, True), (0, True), (1, False)])
def test_events_up_to_the_moment_are_forgotten(moment: int, covered: bool) -> None:  # noqa: FBT001 - a parameter of the test
    assert ErasureList([word(START)]).covers(turn(timestamp=START + moment)) is covered


@given(st.lists(turns()), st.integers(START - 1, START + 4000), st.sampled_from(["session-0", "session-1"]))
def test_what_is_kept_are_the_places_of_all_others_in_their_order(log: list[Turn], until: int, who: str) -> None:
    forgotten = ErasureList([word(until, session=who)])
    kept = forgotten.kept(log)
    assert [log[place] for place in kept] == [one for one in log if one.session_id != who or one.timestamp > until]
    assert list(ErasureList().kept(log)) == list(range(len(log)))


def test_only_sessions_of_which_there_are_words_are_looked_for() -> None:
    forgotten = ErasureList([word(5), word(7, TWO, "session-2")])
    keys = [(bot, session, "request") for bot in (ONE, TWO) for session in (WHO, "session-2", "session-3")]
    assert {session: word.until for session, word in forgotten.of(keys).items()} == {
        (ONE, WHO): 5,
        (TWO, WHO): 5,
        (TWO, "session-2"): 7,
    }
    assert ErasureList().of(keys) == {}


def test_a_word_does_not_tell_who_it_is_about() -> None:
    assert WHO not in repr(word(5))
