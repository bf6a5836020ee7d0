"""Define `turnfold status`, which shows topics, the workers' lag, rows and dead letters."""

import asyncio
from typing import Any

import click
import msgspec
import orjson
from rich.table import Table

from agents.cli.output.safe_console import SafeConsole
from agents.cli.output.write import cell, console, say, write_json
from agents.cli.state import State, read_state
from pipeline.config.settings import Settings
from pipeline.kafka.partition_lag import PartitionLag
from pipeline.store.counts import rebuild_advice


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Write it as JSON.")
@click.pass_obj
@click.pass_context
def status(ctx: click.Context, settings: Settings, *, as_json: bool) -> None:
    """Show topics with the workers' lag, rows in ClickHouse, and dead letters by reason.

    A part that is unavailable is reported, and makes the exit status 1.
    """
    state = asyncio.run(read_state(settings))
    if as_json:
        write_json(orjson.dumps(_document(state, settings), option=orjson.OPT_INDENT_2))
    else:
        _print_tables(state, settings)
    ctx.exit(int(bool(state.problems)))


def _document(state: State, settings: Settings) -> dict[str, Any]:
    """Return the state as JSON. No worker reads dead letters, so their topic has no lag."""
    topics: dict[str, list[dict[str, Any]]] = {}
    for partition in state.partitions:
        numbers = msgspec.structs.asdict(partition)
        topics.setdefault(numbers.pop("topic"), []).append({**numbers, "lag": _lag(partition, settings)})
    return {
        "topics": topics,
        "dead": msgspec.to_builtins(state.dead),
        "forwarded": state.forwarded.count if state.forwarded else None,
        "rows": state.rows,
        "approximate": state.approximate,
        "without_visits": state.without_visits,
        "problems": state.problems,
    }


def _lag(partition: PartitionLag, settings: Settings) -> int | None:
    return None if partition.topic == settings.topic_dead else partition.lag


def _print_tables(state: State, settings: Settings) -> None:
    screen = console()
    if state.partitions:
        table = _table("topic", "partition", "end", "committed", "lag")
        for partition in state.partitions:
            numbers = (partition.partition, partition.end, partition.committed, _lag(partition, settings))
            table.add_row(partition.topic, *("-" if number is None else f"{number:,}" for number in numbers))
        screen.print(table, "")
    if state.rows:
        table = _table("table", "rows")
        for name, rows in state.rows.items():
            table.add_row(name, f"about {rows:,}" if name in state.approximate else f"{rows:,}")
        screen.print(table, "")
    if state.approximate:
        screen.print("about: with rows that ClickHouse has not yet merged into their later versions", "")
    if state.without_visits:
        screen.print(rebuild_advice(state.without_visits, settings), "", soft_wrap=True)
    if state.dead:
        _print_dead(screen, state)
    if state.forwarded and state.forwarded.count:
        screen.print(
            f"of the newest {state.forwarded.scanned:,} records of topic {settings.topic_turns}, workers have "
            f"forwarded {state.forwarded.count:,} to the partition that their sessions belong in",
            soft_wrap=True,
        )
    for part, problem in state.problems.items():
        say(f"{part}: {problem}", err=True)


def _print_dead(screen: SafeConsole, state: State) -> None:
    if not state.dead or not state.dead.total:
        screen.print("no dead letters")
        return
    table = _table("dead letters", "count")
    for reason, count in state.dead.reasons.items():
        table.add_row(cell(reason), f"{count:,}")
    screen.print(table)
    if state.dead.scanned < state.dead.total:
        screen.print(f"of the newest {state.dead.scanned:,}; there are {state.dead.total:,}")


def _table(first: str, *numbers: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(first)
    for name in numbers:
        table.add_column(name, justify="right")
    return table
