import base64
from collections.abc import Sequence
from itertools import pairwise

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ingest.unwrap import document
from pipeline.receive import record_scanner
from pipeline.receive.errors import BodyError
from pipeline.receive.record_scanner import MAX_DATA, MAX_RECORDS, MAX_VALUE, RecordScanner, ScannedRecord
from tests.pipeline.receive.sending import REQUEST_ID, body_of

BLANK = st.sampled_from([b"", b" ", b"\n\t", b"\r\n  "])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def scanned(*parts: bytes) -> tuple[str, list[ScannedRecord]]:
    scanner = RecordScanner()
    found = [record for part in parts for record in scanner.feed(part)]
    scanner.finish()
    assert scanner.held == 0
    return scanner.request_id, found


def cut(body: bytes, places: Sequence[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(body) + 1) for place in places), len(body)]
    return [body[begin:end] for begin, end in pairwise(edges)]


@given(st.lists(st.binary(max_size=40), max_size=8), st.lists(st.integers(0, 10_000), max_size=12))
def test_however_a_body_is_cut_it_has_the_same_records(datas: list[bytes], places: list[int]) -> None:
    request_id, records = scanned(*cut(body_of(*datas), places))
    assert request_id == REQUEST_ID
    assert [base64.b64decode(record.data) for record in records] == datas
    assert not any(record.problem for record in records)


@given(st.data())
def test_members_and_blanks_may_be_in_any_order(data: st.DataObject) -> None:
    """Whatever JSON may have around the records; only what is no record of Firehose has a problem."""
    elements = data.draw(st.lists(JSON | st.fixed_dictionaries({"data": st.text("ABC+/=", max_size=8)}), max_size=5))
    members = {**data.draw(st.dictionaries(st.text("xyz", min_size=1), JSON, max_size=3)), "records": elements}
    members["requestId"] = "the request"
    names = data.draw(st.permutations(list(members)))
    blank = data.draw(BLANK)
    written = [blank + orjson.dumps(name) + blank + b":" + blank + orjson.dumps(members[name]) for name in names]
    body = blank + b"{" + (blank + b",").join(written) + blank + b"}" + blank
    request_id, records = scanned(*cut(body, data.draw(st.lists(st.integers(0, 10_000), max_size=8))))
    assert request_id == "the request"
    assert len(records) == len(elements)
    for element, record in zip(elements, records, strict=True):
        if isinstance(element, dict) and isinstance(element.get("data"), str):
            assert record == ScannedRecord(element["data"].encode())
        else:
            assert record.problem
            assert orjson.loads(record.data) == element


def test_escaped_slashes_are_read() -> None:
    assert scanned(b'{"records":[{"data":"YQ\\/="}]}')[1] == [ScannedRecord(b"YQ/=")]


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b" ", b"no JSON", b"[]", b"null", b"7", b"{", b"{}", b"\xff\xfe", b"[" * 200_000),
        b'{"requestId":"x","timestamp":1}',
        b'{"requestId":"x","records":7}',
        b'{"requestId":7,"records":[]}',
        b'{"records":[{"data":"YQ=="}',
        b'{"records":[{"data":"YQ=="}]',
        b'{"records":[{"data":"YQ=="} {"data":"YQ=="}]}',
        b'{"records":[{"data":"YQ=="},]}',
        b'{"records":[]} x',
        b'{"records":[]"x":1}',
        b"{records:[]}",
        b'{"records":[{"data":"Y',
    ],
)
def test_what_is_no_request_of_firehose_is_refused(body: bytes) -> None:
    with pytest.raises(BodyError):
        scanned(body)
    with pytest.raises(BodyError):
        scanned(*cut(body, range(min(len(body), 500))))


def test_the_number_of_records_is_limited() -> None:
    assert len(scanned(body_of(*[b""] * MAX_RECORDS))[1]) == MAX_RECORDS
    with pytest.raises(BodyError, match="more than 10000 records"):
        scanned(body_of(*[b""] * (MAX_RECORDS + 1)))


def test_a_record_that_is_too_large_has_a_problem() -> None:
    (record,) = scanned(b'{"records":[{"data":"' + b"A" * (MAX_DATA + 4) + b'"}]}')[1]
    assert f"at most {MAX_DATA}" in record.problem


def test_no_more_than_a_record_is_kept() -> None:
    scanner, part = RecordScanner(), b"A" * 100_000
    assert list(scanner.feed(b'{"records":[{"data":"')) == []
    while scanner.held + len(part) <= MAX_VALUE:
        assert list(scanner.feed(part)) == []
    with pytest.raises(BodyError, match="more than"):
        list(scanner.feed(part))


def test_many_records_that_are_not_written_as_usual_take_no_longer_than_their_bytes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each is looked at once, and the rest of the body is not copied for it."""
    parsed: list[int] = []

    def counted(text: memoryview) -> tuple[document.Verdict, int]:
        parsed.append(len(text))
        return document.first_value(text)

    monkeypatch.setattr(record_scanner, "first_value", counted)
    body = b'{"records":[' + b",".join([b'{"data" : "YQ==", "x": 1}'] * 5_000) + b"]}"
    assert len(scanned(*cut(body, range(0, len(body), 65_536)))[1]) == 5_000
    assert len(parsed) <= 5_100
