"""Look up the histories of conversations: in the conversation cache, else in the archive."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple

from pipeline.fold.cache import ConversationCache, History
from pipeline.store.archive import read_back
from pipeline.store.connection.client import ClickHouse
from pipeline.store.conversations import current_starts
from schemas.erasure import ErasureList
from schemas.turn import ConversationKey, Turn

LoadHistories = Callable[[Sequence[ConversationKey]], Awaitable[Mapping[ConversationKey, History]]]


class Lookup(NamedTuple):
    """Histories by conversation, and the numbers of cache hits, archived and new conversations."""

    histories: dict[ConversationKey, History]
    cached: int
    archived: int
    new: int
    """Conversations without any event so far."""


async def look_up_histories(
    cache: ConversationCache, keys: Sequence[ConversationKey], erasures: ErasureList, load: LoadHistories
) -> Lookup:
    """Take the histories of `keys` out of the cache, without erased events, and `load` those that it misses.

    The caller puts the histories back into the cache once it has written their rows.

    Raises:
        TransientError: `load` failed, and may be tried again.
    """
    cached = {key: cache.take(key) for key in keys}
    missing = [key for key, history in cached.items() if history is None]
    loaded = await load(missing) if missing else {}
    for history in filter(None, cached.values() if erasures else ()):
        history.discard(erasures.is_erased)
    archived = sum(bool(history.events) for history in loaded.values())
    histories = {key: history or loaded[key] for key, history in cached.items()}
    return Lookup(histories, len(cached) - len(missing), archived, len(missing) - archived)


async def load_histories(  # noqa: PLR0913 - the state of the tables, each fact by its name
    clickhouse: ClickHouse,
    keys: Sequence[ConversationKey],
    erasures: ErasureList,
    *,
    shared: bool,
    has_shadow: bool = False,
    archived: Mapping[ConversationKey, Sequence[Turn]] | None = None,
) -> dict[ConversationKey, History]:
    """Read the history of each conversation in `keys` from the archive.

    Args:
        clickhouse: the connection to the tables.
        keys: conversations, which may have no archived events.
        erasures: erasures whose events are left out.
        shared: writers other than workers may have written the conversations.
        has_shadow: there are shadow tables. They are filled in any order, and the live tables do not show which rows
            they have, so each event may have been the first of a row there.
        archived: the archived events of these conversations if they were read already.

    Raises:
        TransientError: worth a second try.
    """
    archived = _unerased(await read_back(clickhouse, keys) if archived is None else archived, erasures)
    current = await current_starts(clickhouse, keys) if shared else {}
    histories: dict[ConversationKey, History] = {}
    for key in keys:
        events = archived.get(key, ())
        shadow_starts = dict.fromkeys((turn.timestamp for turn in events if has_shadow), 0)
        histories[key] = History(events, shadow_starts | current.get(key, {}))
    return histories


async def unerased_events(
    clickhouse: ClickHouse, keys: Sequence[ConversationKey], erasures: ErasureList
) -> dict[ConversationKey, Sequence[Turn]]:
    """Read the archived events of each conversation in `keys` that has any.

    Erased events may still be there: an erasure is announced first, and deletes them later.

    Raises:
        TransientError: worth a second try.
    """
    return _unerased(await read_back(clickhouse, keys), erasures)


def _unerased(
    archived: Mapping[ConversationKey, Sequence[Turn]], erasures: ErasureList
) -> dict[ConversationKey, Sequence[Turn]]:
    return {key: kept for key, turns in archived.items() if (kept := erasures.without_erased(turns))}
