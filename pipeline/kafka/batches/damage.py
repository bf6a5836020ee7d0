"""A batch that cannot be read, as the one record that stands for it: clients pass it on like any other."""

import secrets
import time
from collections.abc import Sequence
from typing import Protocol

import msgspec

from pipeline.kafka.batches.record_batch import build_batch, empty_header, encode_record
from pipeline.runtime.errors import Reason

HEADER = f"turnfold-damage-{secrets.token_hex(16)}"
"""The name of the header that says so. It is another one in each process, so that no producer can write it."""


class Damage(msgspec.Struct, frozen=True):
    """Why a batch cannot be read, or a record of it, and the offsets that it has."""

    reason: Reason
    detail: str
    offset: int
    last_offset: int


class HasHeaders(Protocol):
    """What is needed of a client's record."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]] | None:
        """Names and values."""


def damaged_batch(damage: Damage, batch: bytes) -> bytes:
    """A batch of the same offsets whose only record has the bytes of the damaged one, and says what is wrong."""
    header = empty_header(damage.offset, damage.last_offset, int(time.time() * 1000))
    return build_batch(header._replace(records=1), damage_record(damage, batch))


def damage_record(damage: Damage, value: bytes, offset_delta: int = 0, timestamp_delta: int = 0) -> bytes:
    """Build the record that has the bytes of what is damaged, and says what is wrong."""
    return encode_record(value, [(HEADER, msgspec.json.encode(damage))], None, offset_delta, timestamp_delta)


def damage_of(one: HasHeaders) -> Damage | None:
    """What is wrong with the batch that the record stands for; None where it is a record as any other."""
    headers = one.headers
    if not headers or headers[0][0] != HEADER:
        return None
    return msgspec.json.decode(headers[0][1] or b"", type=Damage)
