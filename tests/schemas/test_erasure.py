"""Erased events are known by digests, by offsets in topics, and by timestamps only where nothing else is known."""

import hashlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from schemas.turn import Turn
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


IDS = msgspec.json.encode(TopicEnds({"1a": [5, 0]})).decode()
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
        (RecordOrigin("turns", 0, 4, START, "2a"), True),  # ends of a former version, which saved no ids
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
        (IDS, RecordOrigin("turns", 0, 0, START, "2a")),
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


def test_only_offsets_register_an_event_as_erased() -> None:
    """A date may be wrong, and whatever is registered is erased from the archive, too."""
    one = turn(timestamp=EARLIER)
    known = ErasureList([msgspec.structs.replace(erasure(START), ends=IDS)])
    for origin, by_offset in [
        (RecordOrigin("turns", 0, 4, START, "1a"), True),
        (RecordOrigin("turns", 0, 4, START, "2a"), False),
        (RecordOrigin("turns", 0, 4, START), False),
        (None, False),
    ]:
        assert known.covers(one, origin)
        assert known.covers_by_offset(one, origin) is by_offset
    assert not known.covers_by_offset(one, RecordOrigin("turns", 0, 5, START, "1a"))
    assert not ErasureList().covers_by_offset(one, RecordOrigin("turns", 0, 0, START, "1a"))


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.integers(0, 1), st.integers(-3, 3)),
        st.tuples(st.just("erase"), st.integers(0, 3), st.just(0)),
        st.tuples(st.just("recreate"), st.just(0), st.just(0)),
    ),
    max_size=30,
)
"""A record into a partition with an event of some days ago or ahead; an erasure by a clock, which may go backwards; the
topic deleted and recreated."""


@given(STEPS)
def test_whatever_is_recreated_the_records_before_an_erasure_are_erased_and_no_newer_ones(
    steps: list[tuple[str, int, int]],
) -> None:
    """Only in another topic than the erasure has seen does the date of an event decide."""
    ends, number, latest = [0, 0], 0, None
    sent: list[tuple[RecordOrigin, Turn, int]] = []
    erased_at = -1
    for at, (step, of, days) in enumerate(steps):
        match step:
            case "send":
                origin = RecordOrigin("turns", of, ends[of], START, f"{number:032x}")
                sent.append((origin, turn(timestamp=START + days * DAY_MS), at))
                ends[of] += 1
            case "recreate":
                ends, number = [0, 0], number + 1
            case "erase":
                saved = msgspec.json.encode(TopicEnds({f"{number:032x}": list(ends)})).decode()
                announced = msgspec.structs.replace(erasure(START + of), ends=saved)
                latest = announced.superseding([latest] if latest else [])
                erased_at = at
    known = ErasureList([latest] if latest else [])
    for origin, event, at in sent:
        if latest and latest.knows(origin):
            assert known.covers(event, origin) == (at < erased_at)
        else:
            assert known.covers(event, origin) == bool(latest and event.timestamp <= latest.until)
    if latest and {origin.topic_id for origin, *_ in sent} == {f"{number:032x}"} and number == 0:
        assert all(latest.knows(origin) for origin, *_ in sent)
