import base64
import gzip
import time
from pathlib import Path

import orjson
import pytest

from schemas.access_key import Right
from tests.events import raw
from tests.pipeline.http.serving import Answer
from tests.pipeline.receive.receiving import Receiver, token_for
from tests.pipeline.receive.sending import CONTROL, REQUEST_ID, body_of, forms, headers

ENTRIES = [raw(requestId=f"request-{number}", sessionId=f"guest-{number % 3}") for number in range(12)]
BOMB = gzip.compress(b" " * 50_000_000)


def post(receiver: Receiver, body: bytes, *, method: str = "POST", **changes: str | None) -> Answer:
    """Send a request, and check that its response has the form that Firehose requires."""
    answer = receiver.client.ask(method, "/firehose", body, headers(receiver.token, **changes))
    assert answer.headers["content-length"]
    assert "content-encoding" not in answer.headers
    assert abs(answer.body["timestamp"] - time.time() * 1000) < 60_000
    assert answer.status != 413
    assert bool(answer.body.get("errorMessage")) == (answer.status != 200)
    return answer


@pytest.mark.parametrize("zipped", [False, True])
def test_entries_of_every_form_arrive_under_their_sessions(receiver: Receiver, *, zipped: bool) -> None:
    body = body_of(*forms(ENTRIES).values())
    answer = post(receiver, gzip.compress(body) if zipped else body, content_encoding="gzip" if zipped else None)
    assert (answer.status, answer.body["requestId"]) == (200, REQUEST_ID)
    assert receiver.entries() == sorted(ENTRIES * 4)
    assert receiver.dead() == []


def test_control_messages_and_empty_records_leave_nothing(receiver: Receiver) -> None:
    assert (
        post(receiver, body_of(gzip.compress(CONTROL), CONTROL, b"", b" \n", *forms(ENTRIES[:1]).values())).status
        == 200
    )
    assert receiver.entries() == ENTRIES[:1] * 4
    assert receiver.dead() == []


def test_a_poison_record_becomes_a_dead_letter_and_the_others_are_kept(receiver: Receiver) -> None:
    poison = [b"START RequestId: 5f0c", b"\x1f\x8b\x08broken", BOMB, b"\x00\x01", b"[" * 5_000]
    mixed = b"\n".join([ENTRIES[1], b"no entry", ENTRIES[2]])
    assert post(receiver, body_of(ENTRIES[0], *poison, mixed)).status == 200
    assert receiver.entries() == sorted(ENTRIES[:3])
    letters = [record.letter for record in receiver.dead()]
    assert [letter.payload for letter in letters if letter] == [*poison, b"no entry"]
    assert [(letter.topic, letter.offset, letter.step) for letter in letters if letter] == [
        *[("Firehose", number, "receive") for number in range(1, 6)],
        ("Firehose", 6, "receive"),
    ]


def test_what_is_no_record_of_firehose_is_a_dead_letter_as_it_was_sent(receiver: Receiver) -> None:
    whole = base64.b64encode(ENTRIES[0]).decode()
    records = [{"data": whole}, {"data": "no base64!"}, {"data": 7}, {}, None, 7, {"data": whole[:-1]}]
    assert post(receiver, orjson.dumps({"requestId": REQUEST_ID, "timestamp": 1, "records": records})).status == 200
    assert receiver.entries() == ENTRIES[:1]
    assert [record.reason for record in receiver.dead()] == ["bad-envelope"] * 6
    assert [record.value for record in receiver.dead()][1:5] == [b'{"data":7}', b"{}", b"null", b"7"]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"x_amz_firehose_access_key": "wrong"}, 403),
        ({"x_amz_firehose_access_key": None}, 403),
        ({"x_amz_firehose_access_key": "k" * 4097}, 403),
        ({"x_amz_firehose_protocol_version": None}, 400),
        ({"x_amz_firehose_protocol_version": "9.9"}, 400),
        ({"content_encoding": "br"}, 415),
        ({"content_encoding": "gzip"}, 400),
        ({"method": "GET"}, 405),
        ({"method": "PUT"}, 405),
    ],
)
def test_other_requests_are_refused_in_its_form(
    receiver: Receiver, changes: dict[str, str | None], status: int
) -> None:
    answer = post(receiver, body_of(ENTRIES[0]), **changes)  # type: ignore[arg-type]  # the method is among them
    assert (answer.status, answer.body["requestId"]) == (status, REQUEST_ID)
    assert receiver.entries() == []


@pytest.mark.parametrize("body", [b"", b"no JSON", b"[]", b'{"requestId":"x"}', body_of(b"a")[:-3]])
def test_other_bodies_are_refused_in_its_form(receiver: Receiver, body: bytes) -> None:
    assert post(receiver, body).status == 400


def test_a_bomb_as_a_body_is_refused(receiver: Receiver) -> None:
    bomb = gzip.compress(b'{"records":[' + b" " * 70_000_000 + b"]}")
    assert post(receiver, bomb, content_encoding="gzip").status == 400


def test_without_the_header_the_request_id_is_that_of_the_body(receiver: Receiver) -> None:
    answer = post(receiver, body_of(ENTRIES[0], requestId="own"), x_amz_firehose_request_id=None)
    assert (answer.status, answer.body["requestId"]) == (200, "own")


def test_a_key_without_the_right_to_write_is_refused(receiver: Receiver, tmp_path: Path) -> None:
    reading = token_for(tmp_path / "keys.json", Right.LIST, Right.ADMIN)
    answer = post(receiver, body_of(ENTRIES[0]), x_amz_firehose_access_key=reading)
    assert answer.status == 403
    assert "no right to write" in answer.body["errorMessage"]
