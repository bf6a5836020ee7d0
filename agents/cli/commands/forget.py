"""`turnfold forget`: a session's or a user's id in; everything of it removed, and what remains told, out."""

import asyncio
import sys

import click
import msgspec

from agents.cli.options import resolve_bot_id
from agents.cli.output.write import iso, say, write_json
from pipeline.config.fold_rules import fold_rules
from pipeline.config.retention import Retention
from pipeline.config.settings import Settings
from pipeline.ingest.unwrap.mention import mentions
from pipeline.kafka.dead_letters.purge import PurgeResult, purge_dead_letters
from pipeline.kafka.group import read_ends, wait_until_forwarded
from pipeline.materialise.erase_session import Removed, erase_session
from pipeline.materialise.reconcile import ReconcileRules
from pipeline.runtime.clock import now_ms
from pipeline.runtime.errors import TransientError, UsageError
from pipeline.store.databases import Databases
from schemas.erasure import ALL_BOTS, Erasure, TopicEnds, digest
from schemas.topics import DAY_MS

INCOMPLETE = 1
MARGIN_S = 1.0
RAW_PATIENCE_S = 10.0
"""Entries in the raw topic are passed on within a second, where workers are at work."""
PATIENCE_S = 600.0
"""A deletion reads what the bots have of the months concerned, and writes anew the parts where there was something."""


class Report(msgspec.Struct, frozen=True):
    """What was removed and what could not be. Times are ISO 8601; nothing here tells who it was."""

    until: str
    removed: Removed
    dead_letters: PurgeResult
    clean: bool
    unread: str
    """Why it is not known where the topics ended; empty where it is."""
    kafka_keeps_until: str
    remains: list[str]


@click.command(epilog="Exit status: 0 nothing is left where it can be removed, 1 something is: run it again.")
@click.option("--session", metavar="ID", help="The session's id, as Lex V2 calls it.")
@click.option("--user", metavar="ID", help="The user's id, as Lex V1 calls it.")
@click.option("--bot", metavar="BOT", help="Only with this bot: the id of a Lex V2 bot, or the name of a Lex V1 bot.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Report as JSON.")
@click.pass_obj
@click.pass_context
def forget(  # noqa: PLR0913 - each option of the command is an argument
    ctx: click.Context, settings: Settings, *,
    session: str | None, user: str | None, bot: str | None, yes: bool, as_json: bool,
) -> None:  # fmt: skip
    """Remove a person from archive, rows and dead letters, and keep forgetting when events are read again.

    What is there at this moment is forgotten, whatever it is dated; who comes back later is seen again. Workers may go
    on meanwhile.
    """
    who = session or user
    if not who or (session and user):
        raise UsageError("who is to be forgotten? Give --session ID (Lex V2) or --user ID (Lex V1), one of them")
    if who.encode(errors="replace").decode() != who:
        raise UsageError("the id is no text in UTF-8: no session can have it")
    if not yes and not sys.stdin.isatty():
        raise UsageError("nobody is there to say yes: --yes forgets without asking")
    if not yes:
        click.confirm("All events of this session up to now will be gone for good. Forget it?", abort=True, err=True)
    report = asyncio.run(_forget(settings, who, bot))
    if as_json:
        write_json(msgspec.json.encode(report))
    else:
        say(_told(report))
    ctx.exit(0 if report.clean and not report.dead_letters.left and not report.unread else INCOMPLETE)


async def _forget(settings: Settings, who: str, bot: str | None) -> Report:
    ends, unread = await asyncio.to_thread(_ends, settings)
    now = now_ms()
    all_of_it = msgspec.json.encode(ends).decode()
    word = Erasure(resolve_bot_id(bot) if bot else ALL_BOTS, digest(who), now, all_of_it)
    terms = ReconcileRules(fold_rules(settings), retention=Retention.of(settings))
    databases = Databases(
        msgspec.structs.replace(settings, clickhouse_timeout=max(PATIENCE_S, settings.clickhouse_timeout))
    )
    try:
        removed, clean = await erase_session(
            databases, word, who, terms, lambda: asyncio.sleep(2 * settings.flush_seconds + MARGIN_S)
        )
    finally:
        await databases.close()
    bots = {bot, resolve_bot_id(bot)} if bot else set()
    max_bytes = settings.max_message_bytes
    try:
        erased = await asyncio.to_thread(purge_dead_letters, settings, lambda raw: mentions(raw, who, bots, max_bytes))
    except TransientError as trouble:
        erased = PurgeResult(left=str(trouble))
    kept_until = iso(now + int(settings.topic_retention_days * DAY_MS))
    remains = _remains(settings, erased, kept_until, clean=clean)
    if unread:
        remains.append(f"{unread}: of that, what is dated later than {iso(now)} may be folded; run it again")
    return Report(iso(now), removed, erased, clean, unread, kept_until, remains)


def _ends(settings: Settings) -> tuple[TopicEnds, str]:
    """Where the topics end, once what the raw one holds is passed on; and why that is not known, where it is not."""
    try:
        read = wait_until_forwarded(settings, RAW_PATIENCE_S)
        found = read_ends(settings)
    except TransientError as trouble:
        return TopicEnds(), f"{trouble}"
    late = "" if read else f"topic {settings.topic_raw} holds what no worker has read yet"
    return TopicEnds(found, late=not read), late


def _remains(settings: Settings, erased: PurgeResult, kept_until: str, *, clean: bool) -> list[str]:
    kept = (
        f"Kafka keeps {settings.topic_raw} and {settings.topic_turns} until {kept_until}; nothing of it is folded again"
    )
    remains = [kept, "backups, and files that were ingested, are not Turnfold's to change"]
    if erased.left:
        remains.append(f"Kafka did not delete dead letters in {settings.topic_dead}: {erased.left}; run it again")
    if not clean:
        remains.append("somebody was writing it again at every look: run it again")
    return remains


def _told(report: Report) -> str:
    events, rows = sum(report.removed.events.values()), sum(report.removed.conversations.values())
    letters = report.dead_letters.letters
    removed = f"{events:,} events, {rows:,} conversations and {letters:,} dead letters removed"
    first = f"what there was at {report.until} is forgotten: {removed}"
    return "\n".join([first, *(f"remains: {text}" for text in report.remains)])
