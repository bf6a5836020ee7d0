"""Table `forgotten` in; all that it says out, and one word more in."""

from collections.abc import Iterable

from pipeline.store.client import ClickHouse
from schemas.erasure import Erasure, ErasureList

LOAD = "SELECT bot_id, session, max(until) FROM forgotten GROUP BY bot_id, session"


async def load_forgotten(live: ClickHouse) -> ErasureList:
    """Everything that is forgotten now.

    Raises:
        TransientError: worth a second try.
    """
    return ErasureList(Erasure(*row) for row in await live.rows(LOAD))


async def say(live: ClickHouse, words: Iterable[Erasure]) -> None:
    """Let every writer know; said once more, a word says that its speaker is about to write.

    Raises:
        TransientError: worth a second try.
    """
    await live.insert("forgotten", list(words))
