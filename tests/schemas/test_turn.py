"""Turn events are identified and ordered within their conversation, and the archive's row extends them."""

import msgspec

from schemas.columns import columns, transpose
from schemas.turn import ArchivedTurn, ArchivedTurns, Turn, content_digest
from tests.events import turn


def test_the_key_names_the_conversation_and_the_identity_the_event() -> None:
    event = turn(timestamp=5, request_id="r", response_reason="why")
    assert event.key == ("BOTAAAAAA1", "session-1", "request-1")
    assert event.identity == (5, "r", "why")


def test_events_are_ordered_by_time_then_request_then_as_entries_happen() -> None:
    ordered = [
        turn(timestamp=1, request_id="b", response_reason="z"),
        turn(timestamp=2, request_id="a", response_reason="z"),
        turn(timestamp=2, request_id="b", response_reason=""),
        turn(timestamp=2, request_id="b", response_reason="StillWaitingResponse"),
        turn(timestamp=2, request_id="b", response_reason="FulfillmentStartedResponse"),
        turn(timestamp=2, request_id="b", response_reason="FulfillmentCompletedResponse"),
        turn(timestamp=2, request_id="b", response_reason="A"),
        turn(timestamp=2, request_id="b", response_reason="B"),
    ]
    shuffled = [ordered[place] for place in (3, 1, 0, 2, 7, 5, 4, 6)]
    assert sorted(shuffled, key=lambda event: event.order) == ordered


def test_the_archive_adds_the_payload_to_the_columns_of_the_event() -> None:
    assert columns(ArchivedTurn) == columns(Turn) | {"payload": "String"}
    archived = ArchivedTurn(**msgspec.structs.asdict(turn()), payload=b"{}")
    assert archived.key == turn().key


def test_archive_rows_are_the_same_one_by_one_in_slices_and_as_columns() -> None:
    turns = [turn(timestamp=n, request_id=f"r{n}", utterance=f"text {n}") for n in range(5)]
    payloads = [f"{n}".encode() for n in range(5)]
    plain = [ArchivedTurn(**msgspec.structs.asdict(turns[n]), payload=payloads[n]) for n in range(5)]
    rows = ArchivedTurns(turns, payloads)
    assert (len(rows), list(rows), list(rows[1:4]), rows[-1]) == (5, plain, plain[1:4], plain[-1])
    assert transpose(rows) == transpose(plain) != []
    assert len(transpose(rows)) == len(columns(ArchivedTurn))
    assert not ArchivedTurns([], [])


def test_a_digest_depends_on_every_byte_and_fits_its_column() -> None:
    digests = {content_digest(payload) for payload in (b"", b"{}", b"{} ", b"{ }")}
    assert len(digests) == 4
    assert all(0 < digest < 2**64 for digest in digests)
