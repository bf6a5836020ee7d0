"""`--bot`, `--from` and `--to` in; the conversations that they mean out."""

from agents.cli.iso import iso
from agents.cli.listing import asked_bot, instant
from pipeline.runtime.errors import UsageError
from pipeline.store.parts import Scope


def read_scope(bot: str | None, begin: str | None, end: str | None) -> Scope:
    """What was asked for: `bot` is the id of a Lex V2 bot or the name of a Lex V1 bot.

    Raises:
        UsageError: a time that cannot be read, or a beginning after the end.
    """
    asked = None if bot is None else asked_bot(bot)
    since = round(instant("--from", begin).timestamp() * 1000) if begin else None
    until = round(instant("--to", end).timestamp() * 1000) if end else None
    if since is not None and until is not None and since >= until:
        raise UsageError(f"--from {iso(since)} is not before --to {iso(until)}")
    return Scope(asked, since, until)
