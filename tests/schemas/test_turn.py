"""Turn events are identified and ordered within their conversation, and the archive's row extends them."""

import msgspec

from schemas.columns import columns
from schemas.turn import ArchivedTurn, Turn, content_digest
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


def test_a_digest_depends_on_every_byte_and_fits_its_column() -> None:
    digests = {content_digest(payload) for payload in (b"", b"{}", b"{} ", b"{ }")}
    assert len(digests) == 4
    assert all(0 < digest < 2**64 for digest in digests)
