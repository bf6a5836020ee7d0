"""A bot's name and one of its ids, as table `bots` holds them."""

import msgspec

from schemas.columns import Word


class NamedBot(msgspec.Struct, frozen=True, gc=False):
    """One row. ClickHouse makes them of what is inserted into `turns`."""

    bot_name: Word
    bot_id: Word
