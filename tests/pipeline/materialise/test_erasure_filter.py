"""The filter finds erased events by offset and by digest, and registers those found by offset."""

from collections.abc import Callable

import msgspec

from pipeline.materialise.erasure_filter import ErasureFilter
from pipeline.store.writer_state import WriterState
from schemas.erasure import Erasure, RecordOrigin, TopicEnds, digest, event_digest
from tests.events import START, turn
from tests.pipeline.materialise.actors import TOPIC, actor, finish
from tests.pipeline.materialise.model import LIVE, Server

TURNS = [turn(request_id=f"r{n}") for n in range(3)]
OTHER = turn(session_id="session-2")
SESSION = digest(TURNS[0].session_id)
ERASURE = Erasure("", SESSION, START - 1, msgspec.json.encode(TopicEnds({TOPIC: [2]})).decode())


def state(server: Server) -> WriterState:
    return WriterState(server.clock, server.written, server.forgot, server.said, ())


def refresh(server: Server, erasures: ErasureFilter) -> bool:
    changed: list[bool] = []

    async def work() -> None:
        changed.append(await erasures.refresh(server.client(LIVE), state(server)))

    finish(actor(work))
    return changed[0]


def announce(server: Server, erasure: Erasure = ERASURE) -> None:
    async def work() -> None:
        await server.client(LIVE).insert("forgotten", [erasure])

    finish(actor(work))


def test_without_erasures_all_events_are_kept() -> None:
    server = Server()
    erasures = ErasureFilter(TURNS, lambda place: RecordOrigin(TOPIC, 0, place, START))
    assert not refresh(server, erasures)
    assert (erasures.kept, erasures.sessions, erasures.keys) == ([0, 1, 2], set(), set())


def test_events_before_the_end_offset_are_erased_and_their_digests_registered() -> None:
    server = Server()
    announce(server)
    erasures = ErasureFilter([*TURNS, OTHER], lambda place: RecordOrigin(TOPIC, 0, place, START))
    assert refresh(server, erasures)
    assert erasures.erased == {0, 1}
    assert erasures.kept == [2, 3]
    assert erasures.keys == {TURNS[0].key}
    assert server.erased[SESSION] == {event_digest(one) for one in TURNS[:2]}
    assert not refresh(server, erasures), "no erasure was announced since"
    again = ErasureFilter(TURNS, lambda place: RecordOrigin(TOPIC, 0, place + 9, START))
    assert refresh(server, again)
    assert again.erased == {0, 1}, "known by their digests, wherever they are read again"


def test_events_of_unknown_origin_are_erased_by_date_and_not_registered() -> None:
    server = Server()
    announce(server)
    late = [msgspec.structs.replace(TURNS[0], timestamp=START - 5), TURNS[1]]
    erasures = ErasureFilter(late, lambda _: None)
    assert refresh(server, erasures)
    assert erasures.erased == {0}
    assert not server.erased[SESSION]


ONE, OTHER_ONE = "1a", "2a"
OF_ONE = msgspec.structs.replace(ERASURE, ends=msgspec.json.encode(TopicEnds({ONE: [2]})).decode())


def of_topic(topic_id: str) -> Callable[[int], RecordOrigin]:
    return lambda place: RecordOrigin(TOPIC, 0, place, START, topic_id)


def test_events_of_a_topic_that_was_recreated_since_the_erasure_are_kept() -> None:
    server = Server()
    announce(server, OF_ONE)
    erasures = ErasureFilter(TURNS, of_topic(OTHER_ONE))
    assert refresh(server, erasures)
    assert erasures.erased == set()
    assert refresh(server, again := ErasureFilter(TURNS, of_topic(ONE)))
    assert again.erased == {0, 1}


def test_events_that_may_be_of_a_recreated_topic_are_dropped_and_not_registered() -> None:
    """They are read again from its beginning, with its id."""
    server, asked = Server(), list[tuple[str, str]]()

    async def is_recreated(topic: str, topic_id: str) -> bool:
        asked.append((topic, topic_id))
        return True

    assert not refresh(server, ErasureFilter(TURNS, of_topic(ONE), is_recreated))
    announce(server, OF_ONE)
    erasures = ErasureFilter([*TURNS, OTHER], of_topic(ONE), is_recreated)
    assert refresh(server, erasures)
    assert erasures.kept == [3]
    assert not server.erased[SESSION]
    assert asked == [(TOPIC, ONE)], "only for sessions that have erasures, and once for all events"
    assert refresh(server, again := ErasureFilter(TURNS, of_topic(OTHER_ONE)))
    assert again.erased == set()


def test_events_that_were_written_already_are_of_the_topic_that_they_were_read_from() -> None:
    server = Server()

    async def is_recreated(*_: str) -> bool:
        return True

    erasures = ErasureFilter(TURNS, of_topic(ONE), is_recreated)
    assert not refresh(server, erasures), "before the write there is no erasure"
    announce(server, OF_ONE)
    assert refresh(server, erasures)
    assert erasures.erased == {0, 1}
    assert len(server.erased[SESSION]) == 2
