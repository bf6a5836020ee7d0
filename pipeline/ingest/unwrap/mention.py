"""The bytes of an input that nobody could read and a session id in; whether they tell of that session, out."""

import json
from collections.abc import Collection

from pipeline.ingest.unwrap.envelope import unwrap
from pipeline.runtime.errors import InvalidEventError, Reason


def mentions(raw: bytes, session_id: str, bots: Collection[str], max_bytes: int) -> bool:
    """Whether the session, and one of `bots` where any are named, stand in quotes in `raw` or in what it has packed.

    An input that is broken has no members to look at. So a text that only looks like the id counts too: whoever asks
    to be forgotten is to be forgotten.
    """

    def tells(text: bytes) -> bool:
        return _quotes(text, session_id) and (not bots or any(_quotes(text, bot) for bot in bots))

    def look(text: bytes) -> bool:
        if tells(text):
            return True
        raise InvalidEventError(Reason.WRONG_SHAPE, "nothing of the session")  # so that it is opened

    return tells(raw) or any(found is True for found in unwrap(raw, max_bytes, look))


def _quotes(text: bytes, word: str) -> bool:
    """Whether `word` is a JSON string in `text`, or in a JSON string in it, whichever way it is written."""
    written = {json.dumps(word), json.dumps(word, ensure_ascii=False)}
    nested = {json.dumps(one)[1:-1] for one in written} | {json.dumps(one, ensure_ascii=False)[1:-1] for one in written}
    return any(one.encode() in text for one in written | nested)
