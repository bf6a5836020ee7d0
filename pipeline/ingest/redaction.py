"""The bytes of an entry, or of a dead letter, in; those that may be kept, out."""

import re
from collections.abc import Iterable, Iterator

from pipeline.errors import InvalidEventError, Reason
from pipeline.ingest.redact_fields import OBFUSCATED, Fields
from pipeline.ingest.redact_json import Holder, dumps, loads
from pipeline.ingest.redact_patterns import Patterns
from pipeline.ingest.redact_places import ENTRY, MARKS, Places, without
from pipeline.ingest.redact_tree import PACKED, Tree
from pipeline.ingest.redact_values import MASK
from pipeline.settings import Settings

DISPUTED: dict[Reason, tuple[str, ...]] = {
    Reason.BAD_TIMESTAMP: ("timestamp",),
    Reason.BAD_VERSION: ("messageVersion", "message-version"),
    Reason.BAD_ENVELOPE: ("messageType",),
}
"""What an input is dead for says neither when it was nor what it is: it may be anything, of which figures are kept."""

FIGURES = re.compile(r"[\d\s.,:+TZ/-]{1,40}")


class Redaction:
    """What settings leave of what people said. It says of each entry what it lacks, and changes nothing that is folded.

    Made of what it has made, it is the same, byte for byte. All that is kept is written anew, so that nothing is
    kept that was not looked at, such as the first of two members of one name.
    """

    def __init__(self, settings: Settings) -> None:
        self._fields = Fields(settings)
        self._patterns = Patterns(settings.redact_patterns, settings.redact_phone_region)
        self._obfuscated = settings.redact_obfuscated

    def entry(self, raw: bytes) -> bytes:
        """What is kept of a log entry.

        Raises:
            InvalidEventError: it has too many levels to be looked through.
        """
        text = raw.decode()
        try:
            return self._document(text, loads(text), ENTRY, ())
        except RecursionError:
            raise InvalidEventError(Reason.TOO_DEEP, "more levels of JSON than can be redacted") from None

    def letter(self, raw: bytes, reason: Reason) -> bytes:
        """What is kept of an input that is dead for `reason`: of one that cannot be looked through, only its size."""
        try:
            text = raw.decode()
        except ValueError:
            return self.withheld(raw)
        try:
            value = loads(text)
            if isinstance(value, dict | list):
                disputed = DISPUTED.get(reason, ())
                return self._document(text, value, without(ENTRY, disputed), disputed)
        except (ValueError, RecursionError):
            pass
        if text.strip() and (self._fields or PACKED in text):
            return self.withheld(raw)
        return self._patterns.masked(text, set()).encode()

    @staticmethod
    def withheld(raw: bytes) -> bytes:
        """What is kept of an input that cannot be redacted: no hash of it either, as a short one could be guessed."""
        return dumps({MARKS: ["payload"], "bytes": len(raw)})

    def error(self, invalid: InvalidEventError) -> InvalidEventError:
        """The same, without what it quotes."""
        return InvalidEventError(invalid.reason, invalid.unquoted)

    def _document(self, text: str, value: Holder, places: Places, disputed: Iterable[str]) -> bytes:
        obfuscated = {name.casefold() for name in OBFUSCATED.findall(text)} if self._obfuscated else set()
        marks = set(self._hidden(value, disputed)) if self._fields else set()
        Tree(self._fields, self._patterns, obfuscated, marks).redact(value, places)
        return dumps(value)

    @staticmethod
    def _hidden(value: Holder, disputed: Iterable[str]) -> Iterator[str]:
        for name in disputed:
            said = value.get(name) if isinstance(value, dict) else None
            if isinstance(said, str) and said != MASK and not FIGURES.fullmatch(said):
                value[name] = MASK
                yield name
