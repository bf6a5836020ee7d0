"""What is forgotten is known by digests, by places in topics, and by dates only where nothing else tells."""

import hashlib

import msgspec
import pytest

from schemas.erasure import (
    ALL_BOTS,
    ARCHIVE,
    ErasedEvent,
    Erasure,
    ErasureList,
    RecordOrigin,
    TopicEnds,
    digest,
    event_digest,
)
from schemas.topics import DAY_MS
from tests.events import START, turn

ONE, TWO = "BOTAAAAAA1", "BOTBBBBBB2"
WHO = "session-1"


def word(until: int, bot: str = ALL_BOTS, session: str = WHO) -> Erasure:
    return Erasure(bot, digest(session), until)


def test_a_digest_is_sha_256_which_others_can_compute_too() -> None:
    assert digest("guest-1") == hashlib.sha256(b"guest-1").hexdigest()
    assert digest("a", "b") == hashlib.sha256(b"a\0b").hexdigest()


@pytest.mark.parametrize(
    ("words", "counts"),
    [
        ([], []),
        ([word(5)], [5]),
        ([word(5, ONE)], [5]),
        ([word(5, TWO)], []),
        ([word(5, session="session-12")], []),
        ([word(5), word(3)], [5]),
        ([word(3), word(5), word(9, ONE), word(99, TWO)], [9, 5]),
    ],
)
def test_the_last_word_on_a_bot_and_the_last_on_all_count(words: list[Erasure], counts: list[int]) -> None:
    assert [one.until for one in ErasureList(words).find(ONE, WHO)] == counts


ENDS = msgspec.json.encode(TopicEnds({"turns": [5, 0], "raw": [9]})).decode()
LATE = msgspec.json.encode(TopicEnds({"turns": [5]}, late=True)).decode()
EARLIER, LATER = START - 10**12, START + 10**12


@pytest.mark.parametrize("moment", [EARLIER, LATER])
@pytest.mark.parametrize(
    ("origin", "covered"),
    [
        (RecordOrigin("turns", 0, 4, START), True),
        (RecordOrigin("turns", 0, 5, START), False),
        (RecordOrigin("turns", 1, 0, START), False),
        (RecordOrigin("turns", 2, 0, START), False),  # a partition that was added
        (RecordOrigin("raw", 0, 8, START), True),
        (RecordOrigin("turns", 0, 4, START + 2 * DAY_MS), False),  # in a topic that was made anew
        (ARCHIVE, False),
    ],
)
def test_what_lay_in_a_topic_is_known_by_its_place_and_not_by_its_date(
    moment: int,
    origin: RecordOrigin,
    covered: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    said = msgspec.structs.replace(word(START), ends=ENDS)
    assert ErasureList([said]).covers(turn(timestamp=moment), origin) is covered


@pytest.mark.parametrize(("moment", "covered"), [(-1, True), (0, True), (1, False)])
@pytest.mark.parametrize(
    ("ends", "origin"),
    [
        ("", RecordOrigin("turns", 0, 9, START)),
        (ENDS, RecordOrigin("other", 0, 0, START)),
        (ENDS, None),
        (LATE, RecordOrigin("turns", 0, 9, START)),
    ],
)
def test_where_nobody_knows_its_place_the_date_decides(
    ends: str,
    origin: RecordOrigin | None,
    moment: int,
    covered: bool,  # noqa: FBT001 - parameters of the test
) -> None:
    said = msgspec.structs.replace(word(START), ends=ends)
    assert ErasureList([said]).covers(turn(timestamp=START + moment), origin) is covered


@pytest.mark.parametrize("origin", [ARCHIVE, None, RecordOrigin("turns", 0, 99, START)])
def test_what_was_archived_is_known_by_its_digest_wherever_it_comes_from(origin: RecordOrigin | None) -> None:
    one = turn(timestamp=LATER)
    said = msgspec.structs.replace(word(START), ends=ENDS)
    forgotten = ErasureList([said]).with_events([ErasedEvent(digest(WHO), event_digest(one))])
    assert forgotten.covers(one, origin)
    assert forgotten.covers(msgspec.structs.replace(one, content=1), origin), "whatever its content"
    others = [
        msgspec.structs.replace(one, **{name: "x"}) for name in ("request_id", "originating_request_id", "bot_id")
    ]
    assert [*forgotten.without_erased([one, *others])] == others


def test_only_sessions_of_which_there_are_words_are_looked_for() -> None:
    forgotten = ErasureList([word(5), word(7, TWO, "session-2")])
    keys = [(bot, session, "request") for bot in (ONE, TWO) for session in (WHO, "session-2", "session-3")]
    assert forgotten.sessions(keys) == {(ONE, WHO), (TWO, WHO), (TWO, "session-2")}
    assert ErasureList().sessions(keys) == set()


def test_a_word_does_not_tell_who_it_is_about() -> None:
    assert WHO not in repr(word(5))
