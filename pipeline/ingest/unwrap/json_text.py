"""Read JSON that has halves of characters in it, and give its parts as they came."""

import json
from collections.abc import Iterable, Iterator

import msgspec

from pipeline.runtime.half_characters import mended_escapes

_string = msgspec.json.Decoder(str)
_any_string = json.JSONDecoder(strict=False)


class JsonText:
    """A JSON text as it came, and as parsers take it, with whole characters: parts of both are at the same places."""

    def __init__(self, came: bytes) -> None:
        self.came = came
        self.readable = mended_escapes(came)

    def part(self, raw: bytes | msgspec.Raw) -> bytes:
        """A part as it came."""
        return next(self.parts((raw,)))

    def parts(self, raws: Iterable[bytes | msgspec.Raw]) -> Iterator[bytes]:
        """Parts that follow one another, as they came."""
        if self.readable is self.came:
            yield from map(bytes, raws)
            return
        at = 0
        for raw in raws:
            found = bytes(raw)
            at = self.readable.index(found, at)
            yield self.came[at : at + len(found)]
            at += len(found)


def unescaped(string: bytes) -> bytes:
    """The text of a JSON string; bytes that are no UTF-8 stay what they are.

    Raises:
        msgspec.DecodeError: it is none.
    """
    try:
        return _string.decode(string).encode()
    except UnicodeDecodeError:
        pass
    try:
        return str(_any_string.decode(string.decode(errors="surrogateescape"))).encode(errors="surrogateescape")
    except ValueError as wrong:
        raise msgspec.DecodeError(str(wrong)) from None
