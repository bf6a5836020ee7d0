"""Read back what the archive has of conversations, without what is erased: where every writer reads."""

from collections.abc import Sequence

from pipeline.fold.event_set import EventSet
from pipeline.fold.history import History
from pipeline.store.client import ClickHouse
from pipeline.store.in_force import current_starts
from pipeline.store.read_back import read_back
from schemas.erasure import ErasureList
from schemas.turn import ConversationKey, Turn


async def recall(
    clickhouse: ClickHouse, keys: Sequence[ConversationKey], forgotten: ErasureList
) -> dict[ConversationKey, EventSet]:
    """Return the distinct events of each conversation in `keys` that has any.

    Forgotten ones may be there still: whoever forgets them says so first, and deletes them then.

    Raises:
        TransientError: worth a second try.
    """
    return {key: EventSet(turns) for key, turns in await _kept(clickhouse, keys, forgotten)}


async def histories(
    clickhouse: ClickHouse,
    keys: Sequence[ConversationKey],
    forgotten: ErasureList,
    *,
    shared: bool,
    beside: bool = False,
) -> dict[ConversationKey, History]:
    """Return the history of each conversation in `keys`; where others than workers may have written it, `shared`.

    New tables are filled in any order, and the live ones do not tell which rows they have: while there are any
    (`beside`), each event may have been the first of a row there.

    Raises:
        TransientError: worth a second try.
    """
    archived = dict(await _kept(clickhouse, keys, forgotten))
    current = await current_starts(clickhouse, keys) if shared else {}
    found: dict[ConversationKey, History] = {}
    for key in keys:
        events = archived.get(key, ())
        found[key] = History(events, [*current.get(key, ()), *(turn.timestamp for turn in events if beside)])
    return found


async def _kept(
    clickhouse: ClickHouse, keys: Sequence[ConversationKey], forgotten: ErasureList
) -> list[tuple[ConversationKey, list[Turn]]]:
    return [
        (key, kept)
        for key, turns in (await read_back(clickhouse, keys)).items()
        if (kept := [turns[place] for place in forgotten.kept(turns)])
    ]
