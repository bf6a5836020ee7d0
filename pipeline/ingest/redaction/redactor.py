"""Redact log entries and the payloads of dead letters."""

from pipeline.config.settings import Settings
from pipeline.ingest.redaction.allowlist import MARKS, SIZE
from pipeline.ingest.redaction.fields import Fields, MemberNames
from pipeline.ingest.redaction.lossless_json import Container, dumps, loads
from pipeline.ingest.redaction.masking import OBFUSCATED
from pipeline.ingest.redaction.patterns import Patterns
from pipeline.ingest.redaction.tree import GZIP_BASE64, TreeRedactor
from pipeline.runtime.errors import InvalidEventError, Reason


class Redactor:
    """Redacts entries as the settings say, records in each what it lacks, and changes nothing that is folded.

    Redacting a result again yields the same bytes. All that is kept is written anew, so that nothing is kept that was
    not checked, such as the first of two members of one name.
    """

    def __init__(self, settings: Settings) -> None:
        self._fields = Fields(settings)
        self._patterns = Patterns(settings.redact_patterns, settings.redact_phone_region)
        self._names = MemberNames(self._patterns)
        self._obfuscated = settings.redact_obfuscated

    def redact_entry(self, raw: bytes) -> bytes:
        """Redact a log entry.

        Raises:
            InvalidEventError: it cannot be searched.
        """
        text = raw.decode()
        try:
            return self._document(text, loads(text), dead=False)
        except RecursionError:
            raise InvalidEventError(Reason.TOO_DEEP, "JSON that is nested too deep to be redacted") from None
        except ValueError:
            raise InvalidEventError(Reason.NOT_JSON, "invalid JSON, or JSON that cannot be redacted") from None

    def redact_dead_letter(self, raw: bytes) -> bytes:
        """Redact the payload of a dead letter; if it cannot be searched, keep only its size."""
        try:
            text = raw.decode()
        except ValueError:
            return self.replacement(raw)
        try:
            value = loads(text)
            if isinstance(value, dict | list):
                return self._document(text, value, dead=True)
        except (ValueError, RecursionError):
            pass
        if text.strip() and (self._fields or GZIP_BASE64 in text):
            return self.replacement(raw)
        return self._patterns.masked(text, set()).encode()

    @staticmethod
    def replacement(raw: bytes) -> bytes:
        """Return the replacement of an input that cannot be redacted; a hash could reveal short input."""
        return dumps({MARKS: ["payload"], SIZE: len(raw)})

    def redact_error(self, invalid: InvalidEventError) -> InvalidEventError:
        """Return the error without its quotes from the input."""
        return InvalidEventError(invalid.reason, invalid.unquoted)

    def _document(self, text: str, value: Container, *, dead: bool) -> bytes:
        obfuscated = {name.casefold() for name in OBFUSCATED.findall(text)} if self._obfuscated else set()
        TreeRedactor(self._fields, self._patterns, self._names, obfuscated).redact(value, dead=dead)
        return dumps(value)
