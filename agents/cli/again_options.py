"""A command in; the same with the options out that replay, rebuild and backfill share, gathered in one `How`."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from agents.cli.again import How
from agents.cli.helpers import ASSIST


def how_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--processes`, `--limit`, `--dry-run` and `--json`; the command gets them as `how`."""

    @click.option("--processes", type=click.IntRange(1, 64), default=1, show_default=True,
                  help="Processes that share the work; on another machine, start the same command.")  # fmt: skip
    @click.option("--limit", type=click.FloatRange(min=0, min_open=True), metavar="N",
                  help="Read no more than so many events a second, all processes together.")  # fmt: skip
    @click.option("--dry-run", is_flag=True, help="Only say what would be done.")
    @click.option("--json", "as_json", is_flag=True, help="Write the report as JSON.")
    @click.option(ASSIST, is_flag=True, hidden=True)
    @wraps(command)
    def gathered(  # noqa: PLR0913 - each option is an argument
        *arguments: Any,
        processes: int,
        limit: float | None,
        dry_run: bool,
        as_json: bool,
        assist: bool,
        swap: bool = False,
        **others: Any,
    ) -> Any:
        how = How(
            swap=swap, processes=processes, limit=limit, dry_run=dry_run, as_json=as_json, assist=assist
        )  # fmt: skip
        return command(*arguments, how=how, **others)

    return gathered
