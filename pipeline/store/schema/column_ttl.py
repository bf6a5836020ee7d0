"""Let utterances in the rows of conversations expire when the archive does, which holds their entries."""

import re

from pipeline.config.settings import Settings
from pipeline.store.connection.client import ClickHouse
from pipeline.store.schema.cluster_ddl import render
from pipeline.store.schema.definitions import conversations_definition, format_statement
from pipeline.store.schema.ttl import DAY_S
from schemas.columns import columns
from schemas.conversation import Conversation

UTTERANCE_COLUMNS = tuple(name for name in columns(Conversation) if name.startswith("utterance_"))
"""They have one time to live, so that a merge empties all of a row: parallel arrays stay of one length."""
FOR_GOOD_S = 36_500 * DAY_S
"""Seconds that stand for no time to live where only other bots have one: 100 years."""

CLAUSE = re.compile(rf"`{UTTERANCE_COLUMNS[0]}` [^`]*? TTL (.+?)(?:, `|\) ENGINE)")


def column_ttl(settings: Settings) -> str:
    """Return the expression from which on utterances of a row expire; empty if they are kept for good.

    It counts from the start of the conversation: no text outlives the archived entry that it is from.
    """
    days, bots = settings.archive_days, settings.archive_days_bots
    own = {bot_id: of_bot for bot_id, of_bot in sorted(bots.items()) if of_bot != days}
    if not days and not own:
        return ""
    names = ", ".join(f"'{bot_id}'" for bot_id in own)  # the settings validate that they are letters and digits
    seconds = ", ".join(str(_seconds(of_bot)) for of_bot in own.values())
    default = _seconds(days)
    lasts = f"transform(toString(bot_id), [{names}], [{seconds}], {default})" if own else str(default)
    return f"start + toIntervalSecond({lasts})"


async def retain_utterances(clickhouse: ClickHouse, settings: Settings, *, dry_run: bool = False) -> list[str]:
    """Set the time to live of utterances, and return a phrase if it changes (or is due to, with `dry_run`).

    Raises:
        TransientError: a retry may succeed. StatementError: ClickHouse rejects the change.
    """
    wanted = await _normalize(clickhouse, column_ttl(settings))
    if wanted == _clause(await conversations_definition(clickhouse, settings)):
        return []
    if not dry_run:
        clause = f"TTL {wanted}" if wanted else "REMOVE TTL"
        changes = ", ".join(f"MODIFY COLUMN {name} {clause}" for name in UTTERANCE_COLUMNS)
        for statement in render(f"ALTER TABLE conversations {changes}", clickhouse.cluster):
            await clickhouse.command(f"{statement} SETTINGS mutations_sync = 0")
    return [f"time to live of utterances ({'that of turns' if wanted else 'for good'})"]


def _seconds(days: float) -> int:
    return max(1, round(days * DAY_S)) if days else FOR_GOOD_S


async def _normalize(clickhouse: ClickHouse, expression: str) -> str:
    if not expression:
        return ""
    statement = (
        f"CREATE TABLE x (`{UTTERANCE_COLUMNS[0]}` Array(Int8) TTL {expression}) ENGINE = MergeTree ORDER BY tuple()"
    )
    return _clause(await format_statement(clickhouse, statement))


def _clause(statement: str) -> str:
    """Return the expression of the table that the statement creates; empty if it has none."""
    match = CLAUSE.search(statement)
    return match[1] if match else ""
