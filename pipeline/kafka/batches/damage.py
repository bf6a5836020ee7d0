"""Represent a batch or record that cannot be read as one record, which clients pass on like any other."""

import secrets
import time
from collections.abc import Sequence
from typing import Protocol

import msgspec

from pipeline.kafka.batches.record_batch import build_batch, empty_header, encode_record
from pipeline.runtime.errors import Reason

HEADER = f"turnfold-damage-{secrets.token_hex(16)}"
"""Name of the header that carries the damage. It differs in each process, so that no producer can forge it."""


class Damage(msgspec.Struct, frozen=True):
    """Why a batch, or a record in it, cannot be read, and the range of its offsets."""

    reason: Reason
    detail: str
    offset: int
    last_offset: int


class HasHeaders(Protocol):
    """A client's record, as far as this module uses it."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]] | None:
        """Return the names and values."""


def damaged_batch(damage: Damage, batch: bytes) -> bytes:
    """Build a batch of the same offsets; its only record has the bytes of the damaged batch and carries the damage."""
    header = empty_header(damage.offset, damage.last_offset, int(time.time() * 1000))
    return build_batch(header._replace(records=1), damage_record(damage, batch))


def damage_record(damage: Damage, value: bytes, offset_delta: int = 0) -> bytes:
    """Build a record that has the bytes of what is damaged and carries the damage."""
    return encode_record(value, [(HEADER, msgspec.json.encode(damage))], None, offset_delta)


def damage_of(record: HasHeaders) -> Damage | None:
    """Return the damage that a record carries, None if it is an ordinary record."""
    headers = record.headers
    if not headers or headers[0][0] != HEADER:
        return None
    return msgspec.json.decode(headers[0][1] or b"", type=Damage)
