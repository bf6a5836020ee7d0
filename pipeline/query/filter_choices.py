"""List the values that a bot's conversations have, to choose filters from."""

from dataclasses import dataclass

from pipeline.query.analytics.context import NO_BOT, RowSource

MAX_VALUES = 50
"""Values of one attribute that are listed."""
RECENT = 100_000
"""Conversations, the latest ones, whose values are listed."""

CHOICES = """\
SELECT groupUniqArray({most:UInt32})(bot_alias_id), groupUniqArray({most:UInt32})(bot_version),
       groupUniqArray({most:UInt32})(locale_id), groupUniqArray({most:UInt32})(channel)
FROM (
    SELECT bot_alias_id, bot_version, locale_id, channel
    FROM conversations
    WHERE bot_id = {bot_id:String}
    ORDER BY start DESC
    LIMIT {recent:UInt32}
)
"""


@dataclass(frozen=True, slots=True)
class FilterChoices:
    """The values that a bot's latest conversations have, sorted."""

    aliases: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    locales: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()


async def filter_choices(store: RowSource, bot_id: str, *, allowed: bool) -> FilterChoices:
    """Return the values of a bot's latest conversations; none where the key may not access the bot."""
    parameters = {"bot_id": bot_id if allowed else NO_BOT, "most": MAX_VALUES, "recent": RECENT}
    ((*columns,),) = await store.rows(CHOICES, parameters)
    return FilterChoices(*(tuple(sorted(filter(None, values), key=_natural)) for values in columns))


def _natural(value: str) -> tuple[int, int, str]:
    """Sort versions as numbers, and before them what is none, such as DRAFT."""
    return (1, int(value), value) if value.isdecimal() and len(value) < 10 else (0, 0, value)
