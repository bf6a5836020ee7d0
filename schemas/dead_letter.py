"""Define a dead letter, an input that is no valid turn event, and its Kafka record: raw bytes, with headers on top."""

from collections.abc import Iterable

import msgspec

PREFIX = "turnfold-"

Headers = list[tuple[str, bytes]]


class DeadLetter(msgspec.Struct, frozen=True):
    """The value of a record, or of one entry in it (`entry` counts from 0), that could not be read.

    `reason` is a value of `pipeline.runtime.errors.Reason`; `detail` says what is wrong and where. `last_offset` is
    set if the dead letter stands for a whole batch of records, which begins at `offset`. The last `lacking` bytes of
    the payload were dropped because they did not fit.
    """

    reason: str
    detail: str
    step: str
    topic: str
    partition: int
    offset: int
    payload: bytes
    entry: int = 0
    last_offset: int | None = None
    lacking: int | None = None

    @property
    def is_sendable(self) -> bool:
        """Return whether the payload is a complete input: neither an unreadable batch of records nor truncated."""
        return self.last_offset is None and self.lacking is None

    def truncate(self, size: int) -> "DeadLetter":
        """Return the dead letter with at most `size` bytes of payload; `lacking` counts the dropped ones."""
        dropped = len(self.payload) - size
        if dropped <= 0:
            return self
        return msgspec.structs.replace(self, payload=self.payload[:size], lacking=(self.lacking or 0) + dropped)

    def headers(self) -> Headers:
        """Return all fields but the payload as the headers of a Kafka record."""
        fields = msgspec.structs.asdict(self)
        del fields["payload"]
        present = ((name, value) for name, value in fields.items() if value is not None)
        return [(PREFIX + name.replace("_", "-"), str(value).encode()) for name, value in present]

    @classmethod
    def from_record(cls, payload: bytes, headers: Iterable[tuple[str, bytes]]) -> "DeadLetter":
        """Read the dead letter from a record of the dead-letter topic.

        Raises:
            msgspec.ValidationError: the record was not written by Turnfold.
        """
        fields = {k.removeprefix(PREFIX).replace("-", "_"): v.decode() for k, v in headers if k.startswith(PREFIX)}
        return msgspec.convert({**fields, "payload": payload}, cls, strict=False)
