"""Parse JSON that has halves of characters in it, and return its parts as they were received."""

import json
from collections.abc import Iterable, Iterator

import msgspec

from pipeline.runtime.half_characters import mended_escapes

_string = msgspec.json.Decoder(str)
_any_string = json.JSONDecoder(strict=False)


class JsonText:
    """A JSON text as received, and as `readable` by parsers, with whole characters; positions are the same in both."""

    def __init__(self, received: bytes) -> None:
        self.received = received
        self.readable = mended_escapes(received)

    def part(self, raw: bytes | msgspec.Raw) -> bytes:
        """Return a part as it was received."""
        return next(self.parts((raw,)))

    def parts(self, raws: Iterable[bytes | msgspec.Raw]) -> Iterator[bytes]:
        """Yield consecutive parts as they were received."""
        if self.readable is self.received:
            yield from map(bytes, raws)
            return
        position = 0
        for raw in raws:
            part = bytes(raw)
            position = self.readable.index(part, position)
            yield self.received[position : position + len(part)]
            position += len(part)


def unescaped(string: bytes) -> bytes:
    """Return the text of a JSON string; bytes that are not UTF-8 are kept.

    Raises:
        msgspec.DecodeError: it is not a JSON string.
    """
    try:
        return _string.decode(string).encode()
    except UnicodeDecodeError:
        pass
    try:
        return str(_any_string.decode(string.decode(errors="surrogateescape"))).encode(errors="surrogateescape")
    except ValueError as error:
        raise msgspec.DecodeError(str(error)) from None
