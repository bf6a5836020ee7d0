"""Offsets of dead letters that were sent again in; the record that remembers them in their partition out, and back."""

from collections.abc import Iterable

import msgspec
import orjson

KEY = b"turnfold-retried"
"""The key of such a record; a dead letter has none."""

_offsets = msgspec.json.Decoder(list[int])


def mark(offsets: Iterable[int]) -> bytes:
    """The value of the record that says of these letters of its partition that they were sent again.

    Kafka cannot change or take out a record, so that what became of a letter has to be a record of its own. Lying
    behind the letters in their own partition, it is kept as long as they are, and found by whoever reads them.
    """
    return orjson.dumps(sorted(offsets))


def marked(key: bytes | None, value: bytes | None) -> list[int] | None:
    """The offsets that a record of the dead-letter topic marks; None where it is no mark."""
    if key != KEY:
        return None
    try:
        return _offsets.decode(value or b"")
    except msgspec.DecodeError:
        return None
