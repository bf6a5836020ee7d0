"""The bytes of an entry, or of a dead letter, in; those that may be kept, out."""

from pipeline.config.settings import Settings
from pipeline.ingest.redaction.allowlist import MARKS, SIZE
from pipeline.ingest.redaction.fields import Fields, MemberNames
from pipeline.ingest.redaction.lossless_json import Holder, dumps, loads
from pipeline.ingest.redaction.masking import OBFUSCATED
from pipeline.ingest.redaction.patterns import Patterns
from pipeline.ingest.redaction.tree import PACKED, TreeRedactor
from pipeline.runtime.errors import InvalidEventError, Reason


class Redactor:
    """What settings leave of what people said. It says of each entry what it lacks, and changes nothing that is folded.

    Made of what it has made, it is the same, byte for byte. All that is kept is written anew, so that nothing is
    kept that was not looked at, such as the first of two members of one name.
    """

    def __init__(self, settings: Settings) -> None:
        self._fields = Fields(settings)
        self._patterns = Patterns(settings.redact_patterns, settings.redact_phone_region)
        self._names = MemberNames(self._patterns)
        self._obfuscated = settings.redact_obfuscated

    def entry(self, raw: bytes) -> bytes:
        """What is kept of a log entry.

        Raises:
            InvalidEventError: it cannot be looked through.
        """
        text = raw.decode()
        try:
            return self._document(text, loads(text), dead=False)
        except RecursionError:
            raise InvalidEventError(Reason.TOO_DEEP, "more levels of JSON than can be redacted") from None
        except ValueError:
            raise InvalidEventError(Reason.NOT_JSON, "no JSON, or none that can be redacted") from None

    def letter(self, raw: bytes) -> bytes:
        """What is kept of an input that is a dead letter: of one that cannot be looked through, only its size."""
        try:
            text = raw.decode()
        except ValueError:
            return self.withheld(raw)
        try:
            value = loads(text)
            if isinstance(value, dict | list):
                return self._document(text, value, dead=True)
        except (ValueError, RecursionError):
            pass
        if text.strip() and (self._fields or PACKED in text):
            return self.withheld(raw)
        return self._patterns.masked(text, set()).encode()

    @staticmethod
    def withheld(raw: bytes) -> bytes:
        """What is kept of an input that cannot be redacted: no hash of it either, as a short one could be guessed."""
        return dumps({MARKS: ["payload"], SIZE: len(raw)})

    def error(self, invalid: InvalidEventError) -> InvalidEventError:
        """The same, without what it quotes."""
        return InvalidEventError(invalid.reason, invalid.unquoted)

    def _document(self, text: str, value: Holder, *, dead: bool) -> bytes:
        obfuscated = {name.casefold() for name in OBFUSCATED.findall(text)} if self._obfuscated else set()
        TreeRedactor(self._fields, self._patterns, self._names, obfuscated).redact(value, dead=dead)
        return dumps(value)
