"""The embedded stack's addresses in, what to say and what to try once it is ready out."""

import shlex
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agents.embedded.programs import HOST
from agents.embedded.secrets import ENV_FILE
from agents.embedded.stack import Options
from pipeline.config.settings import Settings

DEMO_BOT = "TRAVELBOT1"
WEEK = timedelta(days=7)


def welcome(options: Options) -> str:
    """Addresses, how one is let in, and commands that can be pasted into another terminal as they are."""
    lines = [
        "ready",
        "",
        f"  query layer   http://{HOST}:{options.api_port}",
        f"  Kafka         {_kafka(options)}",
        f"  ClickHouse    {_clickhouse(options)}",
        f"  logs          {options.data / 'logs'}",
        "",
        *_trying(options),
        "",
        "Ctrl-C stops everything.",
    ]
    return "\n".join(lines)


def _kafka(options: Options) -> str:
    address = options.addresses()["TURNFOLD_KAFKA"]
    kept = "yours: what waits there outlives a stop" if options.kafka else "topics are in memory, and end with it"
    return f"{address}   ({kept})"


def _clickhouse(options: Options) -> str:
    address = options.addresses()["TURNFOLD_CLICKHOUSE"]
    return f"{address}   (" + ("yours)" if options.clickhouse else f"data in {options.data / 'clickhouse'})")


def _trying(options: Options) -> list[str]:
    turnfold = _command()
    first = f"{turnfold} ingest your-bots-log.jsonl{'' if options.demo else '   # or start with --demo'}"
    today = datetime.now(UTC).date()
    aws = (
        f"aws lexv2-models list-session-analytics-data {'--no-sign-request ' if options.open else ''}"
        f"--region us-east-1 --endpoint-url http://{HOST}:{options.api_port} --bot-id {DEMO_BOT} "
        f"--start-date-time {today - WEEK} --end-date-time {today + timedelta(days=1)}"
    )
    if options.open:
        variables = _variables(options)
        heading = f"Everybody on this machine is let in. Try, in another terminal ({first}):"
        letting_in = []
    else:
        variables = ""
        heading = f"The first line tells a shell the password and the keys. Try, in another terminal ({first}):"
        letting_in = [f"  . {shlex.quote(str(_from_here(options.data / ENV_FILE)))}"]
    commands = [f"{variables}{turnfold} status", f"{variables}{turnfold} sessions {DEMO_BOT} --last 7d", aws]
    return [heading, "", *letting_in, *(f"  {command}" for command in commands)]


def _command() -> str:
    """How this very command can be called again from the folder that one is in."""
    path = Path(sys.argv[0]).absolute()
    if path.name != "turnfold":
        return "turnfold"
    return str(_from_here(path))


def _from_here(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _variables(options: Options) -> str:
    """The settings that other commands need where ports are not the usual ones."""
    usual = {
        "TURNFOLD_KAFKA": ",".join(Settings().kafka),
        "TURNFOLD_CLICKHOUSE": Settings().clickhouse,
        "TURNFOLD_API": Settings().api,
    }
    addresses = options.addresses()
    return "".join(f"{name}={addresses[name]} " for name, value in usual.items() if addresses[name] != value)
