"""The embedded stack's addresses in, what to say and what to try once it is ready out."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agents.embedded import HOST, Options
from pipeline.settings import Settings

DEMO_BOT = "TRAVELBOT1"
WEEK = timedelta(days=7)


def welcome(options: Options) -> str:
    """Addresses, and three commands that can be pasted into another terminal as they are."""
    turnfold = _command()
    first = f"turnfold ingest your-bots-log.jsonl{'' if options.demo else '   # or start with --demo'}"
    today = datetime.now(UTC).date()
    aws = (
        "aws lexv2-models list-session-analytics-data --no-sign-request --region us-east-1 "
        f"--endpoint-url http://{HOST}:{options.api_port} --bot-id {DEMO_BOT} "
        f"--start-date-time {today - WEEK} --end-date-time {today + timedelta(days=1)}"
    )
    variables = _variables(options)
    commands = [f"{variables}{turnfold} status", f"{variables}{turnfold} sessions {DEMO_BOT} --last 7d", aws]
    lines = [
        "ready",
        "",
        f"  query layer   http://{HOST}:{options.api_port}",
        f"  Kafka         {HOST}:{options.kafka_port}",
        f"  ClickHouse    http://{HOST}:{options.clickhouse_port}",
        f"  logs          {options.data / 'logs'}",
        "",
        f"Try, in another terminal ({first.replace('turnfold', turnfold, 1)}):",
        "",
        *(f"  {command}" for command in commands),
        "",
        "Ctrl-C stops everything.",
    ]
    return "\n".join(lines)


def _command() -> str:
    """How this very command can be called again from the folder that one is in."""
    path = Path(sys.argv[0]).absolute()
    if path.name != "turnfold":
        return "turnfold"
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def _variables(options: Options) -> str:
    """The settings that other commands need where ports are not the usual ones."""
    usual = {
        "TURNFOLD_KAFKA": ",".join(Settings().kafka),
        "TURNFOLD_CLICKHOUSE": Settings().clickhouse,
        "TURNFOLD_API": Settings().api,
    }
    addresses = options.addresses()
    return "".join(f"{name}={addresses[name]} " for name, value in usual.items() if addresses[name] != value)
