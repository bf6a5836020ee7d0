"""Decode and redact entries as the settings say."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from pipeline.config.fold_rules import redaction_labels
from pipeline.config.settings import Settings
from pipeline.ingest.decode import decode_entry, session_of
from pipeline.ingest.unwrap.contents import Unreadable
from pipeline.ingest.unwrap.envelope import unwrap
from pipeline.runtime.errors import InvalidEventError, Reason
from pipeline.runtime.half_characters import UTF8_BOM, mended
from schemas.turn import Turn

if TYPE_CHECKING:
    from pipeline.ingest.redaction.redactor import Redactor


@dataclass(frozen=True, slots=True)
class EventDecoder:
    """Limits in bytes of a message of the raw topic and of a log entry in it, and the redaction of what is kept."""

    message_bytes: int
    event_bytes: int
    redaction: "Redactor | None" = None
    """None if nothing is redacted: then everything is kept as received, at no cost."""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Build a decoder from the settings."""
        return cls(settings.max_message_bytes, settings.max_event_bytes, _redaction(settings))

    def decode(self, raw: bytes) -> tuple[Turn, bytes]:
        """Decode a log entry; return its turn and the bytes to keep: all of them unchanged, unless they are redacted.

        Byte order marks before the entry are dropped.

        Raises:
            InvalidEventError: it is not a log entry, or too large once it is redacted.
        """
        try:
            turn = decode_entry(raw, self.event_bytes)
        except InvalidEventError:
            if not raw.startswith(UTF8_BOM):
                raise
            raw = raw.lstrip(UTF8_BOM)  # however many; no JSON begins with one of its bytes
            turn = decode_entry(raw, self.event_bytes)
        if self.redaction is None:
            return turn, raw
        kept = self.redaction.redact_entry(mended(raw))
        if len(kept) > self.event_bytes:  # it would be too large when it is read again
            problem = f"{len(kept)} bytes after redaction; at most {self.event_bytes} are allowed"
            raise InvalidEventError(Reason.TOO_LARGE, problem)
        return decode_entry(kept, self.event_bytes), kept  # of what is kept, as a rebuild decodes it

    def session_of(self, raw: bytes) -> str | None:
        """Return the session id of a Lex V2 entry that is kept unchanged, in half the time of `decode`; else None."""
        return session_of(raw, self.event_bytes) if self.redaction is None else None

    def redact_dead_letter(self, invalid: InvalidEventError, raw: bytes) -> tuple[InvalidEventError, bytes]:
        """Return the error and the bytes to keep in the dead letter of an invalid input."""
        if self.redaction is None:
            return invalid, raw
        kept = self.redaction.redact_dead_letter(raw)
        if len(kept) > max(len(raw), self.message_bytes):
            kept = self.redaction.replacement(raw)
        return self.redact_error(invalid), kept

    def redact_error(self, invalid: InvalidEventError) -> InvalidEventError:
        """Return the error to report, without quotes from the input if it is redacted."""
        return invalid if self.redaction is None else self.redaction.redact_error(invalid)


DecodedInput = tuple[Turn, bytes] | Unreadable
"""A turn with the bytes of its entry that are kept, or bytes that are no log entry."""


def read_entries(raw: bytes, decoder: EventDecoder) -> Iterator[DecodedInput]:
    """Decode all log entries in one raw input of any accepted form, in order, for live traffic and files alike."""
    return unwrap(raw, decoder.message_bytes, decoder.decode)


def _redaction(settings: Settings) -> "Redactor | None":
    if not any(redaction_labels(settings)):
        return None
    from pipeline.ingest.redaction.redactor import Redactor  # noqa: PLC0415 - the numbering plans take time to load

    return Redactor(settings)
