"""`turnfold forget`: erase the data of a session or a user, and report what could not be erased."""

import asyncio
import sys
from collections.abc import Sequence

import click
import msgspec

from agents.cli.options import resolve_bot_id
from agents.cli.output.write import iso, say, write_json
from pipeline.config.fold_rules import fold_rules
from pipeline.config.retention import Retention
from pipeline.config.settings import Settings
from pipeline.ingest.unwrap.envelope import mentions
from pipeline.kafka.dead_letters.purge import PurgeResult, purge_dead_letters
from pipeline.kafka.group import read_ends, wait_until_forwarded
from pipeline.materialise.erase_session import Removed, erase_session
from pipeline.materialise.reconcile import ReconcileRules
from pipeline.materialise.writer import state_seconds
from pipeline.runtime.clock import now_ms
from pipeline.runtime.errors import TransientError, UsageError
from pipeline.store.connection.databases import Databases
from schemas.erasure import ALL_BOTS, Erasure, TopicEnds, digest
from schemas.topics import DAY_MS

INCOMPLETE = 1
MARGIN_S = 1.0
RAW_PATIENCE_S = 10.0
"""Seconds to wait for the raw topic: running workers forward its entries within a second."""
PATIENCE_S = 600.0
"""Timeout of statements in seconds: a deletion reads the data of the bots in the months concerned, and rewrites the
parts that had matches."""


class Report(msgspec.Struct, frozen=True):
    """What was erased and what could not be. Times are ISO 8601; nothing here identifies the person."""

    until: str
    removed: Removed
    dead_letters: PurgeResult
    clean: bool
    unread: str
    """Why the ends of the topics are unknown; empty if they are known."""
    kafka_keeps_until: str
    remains: list[str]


@click.command(epilog="Exit status: 0 everything that can be erased is erased, 1 something is left: run it again.")
@click.option("--session", metavar="ID", help="The session's id, as Lex V2 calls it.")
@click.option("--user", metavar="ID", help="The user's id, as Lex V1 calls it.")
@click.option("--bot", metavar="BOT", help="Only with this bot: the id of a Lex V2 bot, or the name of a Lex V1 bot.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option("--json", "as_json", is_flag=True, help="Report as JSON.")
@click.pass_obj
@click.pass_context
def forget(  # noqa: PLR0913 - each option of the command is an argument
    ctx: click.Context, settings: Settings, *,
    session: str | None, user: str | None, bot: str | None, yes: bool, as_json: bool,
) -> None:  # fmt: skip
    """Erase a person from archive, rows and dead letters, and skip the erased events when they are read again.

    Everything recorded up to this moment is erased, whatever its timestamps; later events are processed as usual.
    Workers may keep running meanwhile.
    """
    who = session or user
    if not who or (session and user):
        raise UsageError("give either --session ID (Lex V2) or --user ID (Lex V1)")
    if who.encode(errors="replace").decode() != who:
        raise UsageError("the id is not valid UTF-8: no session can have it")
    named = () if bot is None else (resolve_bot_id(bot), bot)
    if not yes and not sys.stdin.isatty():
        raise UsageError("standard input is not a terminal: give --yes to erase without asking")
    if not yes:
        click.confirm("All events of this session up to now will be erased for good. Continue?", abort=True, err=True)
    report = asyncio.run(_erase(settings, who, named))
    if as_json:
        write_json(msgspec.json.encode(report))
    else:
        say(_summary(report))
    ctx.exit(0 if report.clean and not report.dead_letters.left and not report.unread else INCOMPLETE)


async def _erase(settings: Settings, who: str, bot: Sequence[str]) -> Report:
    """Erase a person everywhere, or only with a bot, which is given by its id and as the user wrote it."""
    ends, unread = await asyncio.to_thread(_ends, settings)
    now = now_ms()
    ends_json = msgspec.json.encode(ends).decode()
    erasure = Erasure(bot[0] if bot else ALL_BOTS, digest(who), now, ends_json)
    rules = ReconcileRules(fold_rules(settings), retention=Retention.of(settings))
    pause_seconds = state_seconds(settings) + 2 * settings.flush_seconds + MARGIN_S
    databases = Databases(
        msgspec.structs.replace(settings, clickhouse_timeout=max(PATIENCE_S, settings.clickhouse_timeout))
    )
    try:
        removed, clean = await erase_session(databases, erasure, who, rules, lambda: asyncio.sleep(pause_seconds))
    finally:
        await databases.close()
    names, max_bytes = set(bot), settings.max_message_bytes
    try:
        purged = await asyncio.to_thread(purge_dead_letters, settings, lambda raw: mentions(raw, who, names, max_bytes))
    except TransientError as error:
        purged = PurgeResult(left=str(error))
    kept_until = iso(now + int(settings.topic_retention_days * DAY_MS))
    remains = _remains(settings, purged, kept_until, clean=clean)
    if unread:
        remains.append(f"{unread}: events there that are dated after {iso(now)} may still be folded; run it again")
    return Report(iso(now), removed, purged, clean, unread, kept_until, remains)


def _ends(settings: Settings) -> tuple[TopicEnds, str]:
    """Read where the topics end once the raw topic is forwarded, and why that is unknown if it is."""
    try:
        read = wait_until_forwarded(settings, RAW_PATIENCE_S)
        ends = read_ends(settings)
    except TransientError as error:
        return TopicEnds(), f"{error}"
    late = "" if read else f"topic {settings.topic_raw} has records that no worker has read yet"
    return TopicEnds(ends, late=not read), late


def _remains(settings: Settings, purged: PurgeResult, kept_until: str, *, clean: bool) -> list[str]:
    topics = f"{settings.topic_raw} and {settings.topic_turns}"
    kept = f"Kafka keeps {topics} until {kept_until}; what is erased is not folded again"
    remains = [kept, "backups and ingested files are not changed by Turnfold"]
    if purged.left:
        remains.append(f"Kafka did not delete dead letters in {settings.topic_dead}: {purged.left}; run it again")
    if not clean:
        remains.append("other writers wrote it again each time it was deleted: run it again")
    return remains


def _summary(report: Report) -> str:
    events, rows = sum(report.removed.events.values()), sum(report.removed.conversations.values())
    letters = report.dead_letters.letters
    removed = f"{events:,} events, {rows:,} conversations and {letters:,} dead letters removed"
    first = f"everything up to {report.until} is erased: {removed}"
    return "\n".join([first, *(f"remains: {text}" for text in report.remains)])
