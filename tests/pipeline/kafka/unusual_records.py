"""Build batches of three records of which no client would write the second."""

from collections.abc import Sequence

from pipeline.kafka.batches.record_batch import build_batch, empty_header, varint

TIME = 1_780_000_000_000
NO_HEADERS = varint(0)
LARGEST = 2**63 - 1


def record(
    value: bytes, *, delta: int, headers: bytes = NO_HEADERS, later: int = 0, key: bytes = varint(-1), tail: bytes = b""
) -> bytes:
    """Build a record of these bytes."""
    content = b"\0" + varint(later) + varint(delta) + key + varint(len(value)) + value + headers + tail
    return varint(len(content)) + content


def headers(*headers: tuple[int, bytes]) -> bytes:
    """Build headers whose names have these lengths and bytes."""
    return varint(len(headers)) + b"".join(varint(length) + name + varint(1) + b"v" for length, name in headers)


def around(odd: bytes, values: Sequence[bytes], first_time: int = TIME) -> bytes:
    """Build a batch of the first value, the unusual record, and the second value."""
    records = record(values[0], delta=0) + odd + record(values[1], delta=2)
    return build_batch(empty_header(0, 2, first_time)._replace(records=3), records)


def living(value: bytes) -> dict[str, bytes]:
    """Build records whose value can be read and must be kept."""
    return {
        "name not UTF-8": record(value, delta=1, headers=headers((2, b"\xff\xfe"))),
        "name null": record(value, delta=1, headers=headers((1, b"a"), (-1, b""))),
        "name of negative length": record(value, delta=1, headers=headers((-7, b""))),
        "key of negative length": record(value, delta=1, key=varint(-7)),
        "name longer than all": record(value, delta=1, headers=headers((LARGEST, b"a"))),
        "name of which the length is not all": record(value, delta=1, headers=headers((-2, b"a"))),
        "headers in negative number": record(value, delta=1, headers=varint(-3)),
        "headers that are not there": record(value, delta=1, headers=varint(2**31 - 1)),
        "too many headers": record(value, delta=1, headers=varint(200_000) + b"\0\x01" * 200_000),
        "number without an end": record(value, delta=1, headers=b"\xff" * 12),
        "more than a record": record(value, delta=1, tail=b"more"),
        "before 1970": record(value, delta=1, later=-2 * TIME),
        "behind 9999": record(value, delta=1, later=10**15),
        "behind all times": record(value, delta=1, later=LARGEST),
    }


LOST = {
    "key longer than all": record(b"lost", delta=1, key=varint(LARGEST)),
    "offset behind the batch": record(b"lost", delta=2**31),
    "key without an end": record(b"lost", delta=1, key=b"\xff" * 12),
    "offset before the batch": record(b"lost", delta=-5),
    "offset of its neighbour": record(b"lost", delta=0),
}
"""Records that cannot be read."""
