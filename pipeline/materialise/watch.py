"""The databases in; what is around a writer there, and who is forgotten, out, at each of its looks."""

from typing import NamedTuple

from pipeline.store.databases import Databases
from pipeline.store.forgotten import load_forgotten
from pipeline.store.surroundings import Surroundings, look_around
from schemas.erasure import ErasureList


class Seen(NamedTuple):
    """What was so at one moment; `forgotten` may know more. It is the same object as long as nothing changes."""

    around: Surroundings
    forgotten: ErasureList


class Watch:
    """Looks around for one writer."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases
        self._learnt = (0, ErasureList())

    async def look(self) -> Seen:
        """What is so now.

        Raises:
            TransientError: ClickHouse does not answer.
        """
        live = await self._databases.live()
        around = await look_around(live, self._databases.new_name)
        words, forgotten = self._learnt
        if around.words != words:
            forgotten = await load_forgotten(live)
            self._learnt = (around.words, forgotten)
        return Seen(around, forgotten)
