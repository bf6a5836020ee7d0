"""Decode and redact entries as the settings ask for it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import msgspec

from pipeline.config.fold_rules import redaction_labels
from pipeline.config.settings import Settings
from pipeline.ingest.decode import decode_entry
from pipeline.ingest.unwrap.envelope import unwrap
from pipeline.ingest.unwrap.opening import Unreadable
from pipeline.runtime.errors import InvalidEventError, Reason
from pipeline.runtime.half_characters import UTF8_BOM, mended
from schemas.turn import Turn, content_digest

if TYPE_CHECKING:
    from pipeline.ingest.redaction.redactor import Redactor


@dataclass(frozen=True, slots=True)
class EventDecoder:
    """Bytes that a message of the raw topic, and a log entry in it, may have; and what is not kept of them."""

    message_bytes: int
    event_bytes: int
    redaction: "Redactor | None" = None
    """None where nothing is redacted: then all is kept as it came, and that costs nothing."""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """As the settings have it."""
        return cls(settings.max_message_bytes, settings.max_event_bytes, _redaction(settings))

    def entry(self, raw: bytes) -> tuple[Turn, bytes]:
        """The turn of a log entry, and what is kept of the entry: all of it, byte for byte, unless it is redacted.

        A byte order mark before it is no part of it.

        Raises:
            InvalidEventError: it is no log entry, or redacted too large for one.
        """
        try:
            turn = decode_entry(raw, self.event_bytes)
        except InvalidEventError:
            if not raw.startswith(UTF8_BOM):
                raise
            raw = raw.lstrip(UTF8_BOM)  # however many there are; no JSON begins with one of its bytes
            turn = decode_entry(raw, self.event_bytes)
        if self.redaction is None:
            return turn, raw
        kept = self.redaction.entry(mended(raw))
        if len(kept) > self.event_bytes:  # where it is read again, it would be too large
            wrong = f"{len(kept)} bytes once it is redacted, where {self.event_bytes} are allowed"
            raise InvalidEventError(Reason.TOO_LARGE, wrong)
        return msgspec.structs.replace(turn, content=content_digest(kept)), kept

    def letter(self, invalid: InvalidEventError, raw: bytes) -> tuple[InvalidEventError, bytes]:
        """What is kept of an input that is none: why, and its bytes."""
        if self.redaction is None:
            return invalid, raw
        kept = self.redaction.letter(raw)
        if len(kept) > max(len(raw), self.message_bytes):
            kept = self.redaction.withheld(raw)
        return self.error(invalid), kept

    def error(self, invalid: InvalidEventError) -> InvalidEventError:
        """What is told of it."""
        return invalid if self.redaction is None else self.redaction.error(invalid)


DecodedInput = tuple[Turn, bytes] | Unreadable
"""A turn with the bytes of its entry that are kept, or bytes that are no log entry."""


def read_entries(raw: bytes, decoder: EventDecoder) -> Iterator[DecodedInput]:
    """Decode all log entries in one raw input of any accepted form, in order, for live traffic and files alike."""
    return unwrap(raw, decoder.message_bytes, decoder.entry)


def _redaction(settings: Settings) -> "Redactor | None":
    if not any(redaction_labels(settings)):
        return None
    from pipeline.ingest.redaction.redactor import Redactor  # noqa: PLC0415 - what knows the world's phones takes time to load

    return Redactor(settings)
