"""Search input that could not be read for a session id."""

import json
from collections.abc import Collection

from pipeline.ingest.unwrap.envelope import unwrap
from pipeline.runtime.errors import InvalidEventError, Reason


def mentions(raw: bytes, session_id: str, bots: Collection[str], max_bytes: int) -> bool:
    """Return whether the session, and one of `bots` if there are any, is quoted in `raw` or in what it wraps.

    A broken input has no members to look at, so a text that only looks like the id counts too: an erasure must rather
    remove too much than too little.
    """

    def is_mentioned(text: bytes) -> bool:
        return _quotes(text, session_id) and (not bots or any(_quotes(text, bot) for bot in bots))

    def read(text: bytes) -> bool:
        if is_mentioned(text):
            return True
        raise InvalidEventError(Reason.WRONG_SHAPE, "the session is not mentioned")  # so that the layer is opened

    return is_mentioned(raw) or any(result is True for result in unwrap(raw, max_bytes, read))


def _quotes(text: bytes, word: str) -> bool:
    """Return whether `word` is a JSON string in `text`, or in a JSON string in it, in either escaping."""
    variants = {json.dumps(word), json.dumps(word, ensure_ascii=False)}
    nested = {json.dumps(variant)[1:-1] for variant in variants} | {
        json.dumps(variant, ensure_ascii=False)[1:-1] for variant in variants
    }
    return any(variant.encode() in text for variant in variants | nested)
