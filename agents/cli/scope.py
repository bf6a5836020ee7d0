"""`--bot`, `--from` and `--to` in; the conversations that they mean out."""

import re

from agents.cli.audit_printing import iso
from agents.cli.listing import instant
from pipeline.errors import UsageError
from pipeline.store.parts import Scope
from schemas.lex_v1 import bot_id


def read_scope(bot: str | None, begin: str | None, end: str | None) -> Scope:
    """What was asked for: `bot` is the id of a Lex V2 bot or the name of a Lex V1 bot.

    Raises:
        UsageError: a time that cannot be read, or a beginning after the end.
    """
    asked = bot if bot is None or re.fullmatch("[0-9A-Za-z]{10}", bot) else bot_id(bot)
    since = round(instant("--from", begin).timestamp() * 1000) if begin else None
    until = round(instant("--to", end).timestamp() * 1000) if end else None
    if since is not None and until is not None and since >= until:
        raise UsageError(f"--from {iso(since)} is not before --to {iso(until)}")
    return Scope(asked, since, until)
