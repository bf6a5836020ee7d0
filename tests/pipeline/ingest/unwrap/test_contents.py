"""What is broken in a list or wrapper costs none of its neighbours."""

import orjson

from pipeline.runtime.errors import Reason
from tests.pipeline.ingest.unwrap.wrapped_entries import ENTRY, TEXT, based, found


def test_valid_neighbours_of_broken_input_are_read() -> None:
    data = orjson.dumps({"Records": [{"kinesis": {"data": "%%%"}}, 5, {"kinesis": {"data": based(ENTRY)}}]})
    assert found(data) == [Reason.BAD_ENVELOPE, Reason.WRONG_SHAPE, ENTRY]
    assert found(b"[1," + ENTRY + b",{}]") == [Reason.WRONG_SHAPE, ENTRY, Reason.WRONG_SHAPE]
    events = b'{"messageType":"DATA_MESSAGE","logEvents":[{"message":5},{},7,{"message":%s}]}' % orjson.dumps(TEXT)
    assert found(events) == [*[Reason.BAD_ENVELOPE] * 3, ENTRY]
