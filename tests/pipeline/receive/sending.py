"""Requests as Amazon Data Firehose sends them."""

import base64
import gzip
from collections.abc import Mapping, Sequence

import orjson

REQUEST_ID = "ed4acda5-034f-9f42-bba1-f29aea6d7d8f"


def body_of(*records: bytes, **members: object) -> bytes:
    """The body with these records."""
    datas = [{"data": base64.b64encode(record).decode()} for record in records]
    return orjson.dumps({"requestId": REQUEST_ID, "timestamp": 1_578_090_901_599, "records": datas, **members})


def headers(key: str = "", **changes: str | None) -> dict[str, str]:
    """The headers; a change of None leaves one out. Underscores stand for hyphens."""
    usual: Mapping[str, str | None] = {
        "x-amz-firehose-protocol-version": "1.0",
        "x-amz-firehose-request-id": REQUEST_ID,
        "x-amz-firehose-access-key": key or None,
        "content-type": "application/json",
    }
    changed = {**usual, **{name.replace("_", "-"): value for name, value in changes.items()}}
    return {name: value for name, value in changed.items() if value is not None}


def forms(entries: Sequence[bytes]) -> dict[str, bytes]:
    """The entries in a record of each form that a delivery stream may have."""
    events = [{"id": str(n), "timestamp": n, "message": entry.decode()} for n, entry in enumerate(entries)]
    envelope = orjson.dumps({"messageType": "DATA_MESSAGE", "logGroup": "g", "logStream": "s", "logEvents": events})
    return {
        "envelope": gzip.compress(envelope),
        "decompressed": envelope,
        "messages": b"\n".join(entries) + b"\n",
        "joined": b"".join(entries),
    }


CONTROL = orjson.dumps(
    {"messageType": "CONTROL_MESSAGE", "logEvents": [{"id": "", "timestamp": 1, "message": "CWL CONTROL MESSAGE"}]}
)
