"""Decoded turns stay parallel to their payloads and origins, with and without erased events."""

from pipeline.materialise.decoded_batch import DecodedBatch
from schemas.erasure import RecordOrigin
from tests.events import turn

TURNS = [turn(session_id=session, request_id=f"r{n}") for n, session in enumerate(["s2", "s1", "s2"])]
BATCH = DecodedBatch(TURNS, [b"0", b"1", b"2"], [RecordOrigin("turns", 0, n, 0) for n in range(3)])


def test_keys_are_in_the_order_in_which_they_first_occur() -> None:
    assert BATCH.keys == [TURNS[0].key, TURNS[1].key]


def test_origins_are_those_of_the_turns_until_they_are_dropped() -> None:
    assert BATCH.origin(1) == RecordOrigin("turns", 0, 1, 0)
    assert DecodedBatch(TURNS, [b""] * 3).origin(1) is None


def test_erased_events_are_removed_with_their_payloads() -> None:
    erasures = BATCH.erasure_filter()
    assert BATCH.without_erased(erasures) is BATCH
    erasures.erased = frozenset([1])
    kept = BATCH.without_erased(erasures)
    assert (kept.turns, kept.payloads, kept.sources) == ([TURNS[0], TURNS[2]], [b"0", b"2"], [])


def test_archive_rows_have_the_payloads_of_their_turns() -> None:
    rows = BATCH.archived([2, 0])
    assert [(row.request_id, row.payload) for row in rows] == [("r2", b"2"), ("r0", b"0")]
