"""An input that is no valid turn event, and the Kafka record that keeps it: raw bytes, headers say where and why."""

from collections.abc import Iterable

import msgspec

PREFIX = "turnfold-"

Headers = list[tuple[str, bytes]]


class DeadLetter(msgspec.Struct, frozen=True):
    """The value of a record, or of one entry inside it (`entry` counts from 0), that could not be read.

    `reason` is one of the words in `pipeline.runtime.errors.Reason`; `detail` says what was wrong and where.
    `last_offset` is there where it is the letter of a whole batch of records, which begins at `offset`. `lacking`
    bytes of the payload's end are not kept, as they fitted nowhere.
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
    def sendable(self) -> bool:
        """Whether its bytes are an input: those of a batch that cannot be read are none, nor is a part of one."""
        return self.last_offset is None and self.lacking is None

    def cut(self, size: int) -> "DeadLetter":
        """Keep no more than `size` bytes of the payload, and tell how many there were."""
        lost = len(self.payload) - size
        if lost <= 0:
            return self
        return msgspec.structs.replace(self, payload=self.payload[:size], lacking=(self.lacking or 0) + lost)

    def headers(self) -> Headers:
        """All but the payload, as the headers of a Kafka record."""
        fields = msgspec.structs.asdict(self)
        del fields["payload"]
        told = ((name, value) for name, value in fields.items() if value is not None)
        return [(PREFIX + name.replace("_", "-"), str(value).encode()) for name, value in told]

    @classmethod
    def from_record(cls, payload: bytes, headers: Iterable[tuple[str, bytes]]) -> "DeadLetter":
        """The dead letter that a record of the dead-letter topic keeps.

        Raises:
            msgspec.ValidationError: the record was written by something else.
        """
        fields = {k.removeprefix(PREFIX).replace("-", "_"): v.decode() for k, v in headers if k.startswith(PREFIX)}
        return msgspec.convert({**fields, "payload": payload}, cls, strict=False)
