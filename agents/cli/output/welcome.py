"""Format the message of `turnfold up` once the embedded stack is ready: addresses, and commands to try."""

import shlex
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agents.embedded.env_file import ENV_FILE
from agents.embedded.options import Options
from agents.embedded.programs import HOST
from agents.embedded.secrets import TOKEN_FILE
from pipeline.config.settings import Settings

DEMO_BOT = "TRAVELBOT1"
WEEK = timedelta(days=7)


def welcome(options: Options) -> str:
    """Return the addresses, how to get access, and commands that can be pasted into another terminal as they are."""
    lines = [
        "ready",
        "",
        f"  console       http://{HOST}:{options.api_port}/console/",
        f"  query layer   http://{HOST}:{options.api_port}",
        f"  receiver      http://{HOST}:{options.receive_port}/firehose and /events",
        f"  Kafka         {_kafka(options)}",
        f"  ClickHouse    {_clickhouse(options)}",
        f"  logs          {options.data / 'logs'}",
        *([] if options.open else [f"  token         in {options.data / TOKEN_FILE}, to log in to the console"]),
        "",
        *_trying(options),
        "",
        "Ctrl-C stops everything.",
    ]
    return "\n".join(lines)


def _kafka(options: Options) -> str:
    address = options.addresses()["TURNFOLD_KAFKA"]
    storage = "yours: its topics survive a stop" if options.kafka else "topics are in memory, and are lost at a stop"
    return f"{address}   ({storage})"


def _clickhouse(options: Options) -> str:
    address = options.addresses()["TURNFOLD_CLICKHOUSE"]
    return f"{address}   (" + ("yours)" if options.clickhouse else f"data in {options.data / 'clickhouse'})")


def _trying(options: Options) -> list[str]:
    turnfold = _command()
    today = datetime.now(UTC).date()
    aws = (
        f"aws lexv2-models list-session-analytics-data {'--no-sign-request ' if options.open else ''}"
        f"--region us-east-1 --endpoint-url http://{HOST}:{options.api_port} --bot-id {DEMO_BOT} "
        f"--start-date-time {today - WEEK} --end-date-time {today + timedelta(days=1)}"
    )
    if options.open:
        variables = _variables(options)
        heading = "Everybody on this machine has access. Try, in another terminal in this folder:"
        sourcing = []
    else:
        variables = ""
        heading = "Try, in another terminal in this folder, where the first line sets the password and the keys:"
        sourcing = [f"  . {shlex.quote(str(_relative(options.data / ENV_FILE)))}"]
    commands = [f"{variables}{turnfold} status", f"{variables}{turnfold} sessions {DEMO_BOT} --last 7d", aws]
    own = f"Log entries of your own bot: {variables}{turnfold} ingest FILE"
    sample = "" if options.demo else f"; sample traffic: {variables}{turnfold} demo"
    return [heading, "", *sourcing, *(f"  {command}" for command in commands), "", f"{own}{sample}"]


def _command() -> str:
    """Return how to run `turnfold` from the current folder."""
    path = Path(sys.argv[0]).absolute()
    if path.name != "turnfold":
        return "turnfold"
    return str(_relative(path))


def _relative(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _variables(options: Options) -> str:
    """Return the settings that other commands need if addresses are not the defaults."""
    defaults = {
        "TURNFOLD_KAFKA": ",".join(Settings().kafka),
        "TURNFOLD_CLICKHOUSE": Settings().clickhouse,
        "TURNFOLD_API": Settings().api,
    }
    addresses = options.addresses()
    return "".join(f"{name}={addresses[name]} " for name, value in defaults.items() if addresses[name] != value)
