"""Hold what every analytics operation needs to answer a request: store, page tokens, clock, and bots of the key."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pipeline.query.analytics.page_token import AnyCursor, PageTokens
from pipeline.runtime.clock import Now

NO_BOT = ""
"""A bot id that no bot has."""

Row = tuple[Any, ...]


class RowSource(Protocol):
    """The part of the store that queries need."""

    async def rows(
        self,
        statement: str,
        parameters: Mapping[str, object] | None = None,
        settings: Mapping[str, object] | None = None,
    ) -> Sequence[Row]:
        """Return all rows of a SELECT."""


@dataclass(frozen=True, slots=True)
class QueryContext:
    """Answer the analytics requests of one access key.

    Attributes:
        store: ClickHouse, with the tables `conversations` and `turns`.
        tokens: signs and verifies page tokens.
        now: read for the first page of a query; later pages take that time from their token.
        idle_ttl_of: bot id -> seconds after its last event at which an open conversation is Dropped.
        can_access_bot: bot id -> whether the key may access the bot. Any other bot is answered as one without data.
    """

    store: RowSource
    tokens: PageTokens
    now: Now
    idle_ttl_of: Callable[[str], float]
    can_access_bot: Callable[[str], bool]

    def read_token(self, token: str | None, query: bytes, cursor: type[AnyCursor]) -> tuple[AnyCursor | None, int]:
        """Return cursor and clock of the token, for the query of this fingerprint; without one, no cursor, and now.

        Raises:
            InvalidQueryError: the token was signed with another secret, for another query or by another version.
        """
        if token is None:
            return None, self.now()
        position = self.tokens.read(token, query, cursor)
        return position, position.as_of

    def readable_bot(self, bot_id: str) -> str:
        """Return the bot to read: the given one, or one without data, which takes as long, if the key may not."""
        return bot_id if self.can_access_bot(bot_id) else NO_BOT

    def dropped_before(self, bot_id: str, as_of: int) -> int:
        """Return the time (ms) of the last event before which an open conversation is Dropped at `as_of`."""
        return as_of - round(self.idle_ttl_of(bot_id) * 1000)
