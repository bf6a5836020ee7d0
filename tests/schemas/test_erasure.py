"""Erased events are known by digests, by offsets in topics, and by timestamps only where nothing else is known."""

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


def erasure(until: int, bot: str = ALL_BOTS, session: str = WHO) -> Erasure:
    return Erasure(bot, digest(session), until)


def test_a_digest_is_plain_sha_256() -> None:
    assert digest("guest-1") == hashlib.sha256(b"guest-1").hexdigest()
    assert digest("a", "b") == hashlib.sha256(b"a\0b").hexdigest()


@pytest.mark.parametrize(
    ("erasures", "counts"),
    [
        ([], []),
        ([erasure(5)], [5]),
        ([erasure(5, ONE)], [5]),
        ([erasure(5, TWO)], []),
        ([erasure(5, session="session-12")], []),
        ([erasure(5), erasure(3)], [5]),
        ([erasure(3), erasure(5), erasure(9, ONE), erasure(99, TWO)], [9, 5]),
    ],
)
def test_the_last_erasure_for_a_bot_and_the_last_for_all_bots_count(erasures: list[Erasure], counts: list[int]) -> None:
    assert [one.until for one in ErasureList(erasures).find(ONE, WHO)] == counts


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
        (RecordOrigin("turns", 0, 4, START + 2 * DAY_MS), False),  # in a topic that was recreated
        (ARCHIVE, False),
    ],
)
def test_records_of_known_topics_are_erased_by_offset_and_not_by_timestamp(
    moment: int,
    origin: RecordOrigin,
    covered: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    announced = msgspec.structs.replace(erasure(START), ends=ENDS)
    assert ErasureList([announced]).covers(turn(timestamp=moment), origin) is covered


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
def test_without_a_known_offset_the_timestamp_decides(
    ends: str,
    origin: RecordOrigin | None,
    moment: int,
    covered: bool,  # noqa: FBT001 - parameters of the test
) -> None:
    announced = msgspec.structs.replace(erasure(START), ends=ends)
    assert ErasureList([announced]).covers(turn(timestamp=START + moment), origin) is covered


@pytest.mark.parametrize("origin", [ARCHIVE, None, RecordOrigin("turns", 0, 99, START)])
def test_a_registered_event_is_erased_whatever_its_origin(origin: RecordOrigin | None) -> None:
    one = turn(timestamp=LATER)
    announced = msgspec.structs.replace(erasure(START), ends=ENDS)
    known = ErasureList([announced]).with_events([ErasedEvent(digest(WHO), event_digest(one))])
    assert known.covers(one, origin)
    assert known.covers(msgspec.structs.replace(one, content=1), origin), "whatever its content"
    others = [
        msgspec.structs.replace(one, **{name: "x"}) for name in ("request_id", "originating_request_id", "bot_id")
    ]
    assert [*known.without_erased([one, *others])] == others


def test_only_sessions_with_erasures_are_returned() -> None:
    known = ErasureList([erasure(5), erasure(7, TWO, "session-2")])
    keys = [(bot, session, "request") for bot in (ONE, TWO) for session in (WHO, "session-2", "session-3")]
    assert known.sessions(keys) == {(ONE, WHO), (TWO, WHO), (TWO, "session-2")}
    assert ErasureList().sessions(keys) == set()


def test_an_erasure_does_not_contain_the_session_id() -> None:
    assert WHO not in repr(erasure(5))
