"""Keys of conversations in; their archived events out, without those that are forgotten: where every writer reads."""

from collections.abc import Sequence

from pipeline.store.client import ClickHouse
from pipeline.store.read_back import read_back
from schemas.forgotten import Forgotten
from schemas.turn import ConversationKey, Turn


async def recall(
    clickhouse: ClickHouse, keys: Sequence[ConversationKey], forgotten: Forgotten
) -> dict[ConversationKey, dict[tuple[int, str, str], Turn]]:
    """The distinct events of each conversation in `keys` that has any.

    Forgotten ones may be there still: whoever forgets them says so first, and deletes them then.

    Raises:
        TransientError: worth a second try.
    """
    found = {}
    for key, turns in (await read_back(clickhouse, keys)).items():
        if events := {turns[place].order: turns[place] for place in forgotten.kept(turns)}:
            found[key] = events
    return found
