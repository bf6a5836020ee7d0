"""The bytes of an input that nobody could read and a session id in; whether they tell of that session, out."""

import json
from collections.abc import Collection

from pipeline.errors import InvalidEventError
from pipeline.ingest.envelope import unpack


def mentions(raw: bytes, session_id: str, bots: Collection[str], max_bytes: int) -> bool:
    """Whether the session, and one of `bots` where any are named, stand in quotes in `raw` or in what it has packed.

    An input that is broken has no members to look at. So a text that only looks like the id counts too: whoever asks
    to be forgotten is to be forgotten.
    """
    try:
        texts = [raw, *unpack(raw, max_bytes)]
    except InvalidEventError:
        texts = [raw]
    return any(_quotes(text, session_id) and (not bots or any(_quotes(text, bot) for bot in bots)) for text in texts)


def _quotes(text: bytes, word: str) -> bool:
    """Whether `word` is a JSON string in `text`, or in a JSON string in it, whichever way it is written."""
    written = {json.dumps(word), json.dumps(word, ensure_ascii=False)}
    nested = {json.dumps(one)[1:-1] for one in written} | {json.dumps(one, ensure_ascii=False)[1:-1] for one in written}
    return any(one.encode() in text for one in written | nested)
