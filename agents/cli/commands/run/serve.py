"""Define `turnfold serve`, which runs the query layer."""

import click
import msgspec

from pipeline.config.logging import configure_logging
from pipeline.config.settings import Settings
from pipeline.http.processes.environment import ProcessMembership


@click.command()
@click.option("--processes", type=click.IntRange(1, 64), metavar="N", show_default="TURNFOLD_API_PROCESSES",
              help="Answer by N processes on one port, to use more than one processor.")  # fmt: skip
@click.option("--member", hidden=True, help="Be one of several processes; their parent sets it.")
@click.pass_obj
def serve(settings: Settings, processes: int | None, member: str | None) -> None:
    """Answer queries over HTTP in Amazon Lex's own format, and people under /console/, until Ctrl-C or SIGTERM."""
    count = processes or settings.api_processes
    if member:
        _serve_member(settings, msgspec.json.decode(member, type=ProcessMembership))
    elif count > 1:
        _serve_with_processes(settings, count)
    else:
        _serve_alone(settings)


def _serve_alone(settings: Settings) -> None:
    from pipeline.console.routes import console_routes  # noqa: PLC0415 - a parent of several processes needs no pages
    from pipeline.http.app import serve as serve_alone  # noqa: PLC0415 - likewise

    configure_logging(settings)
    serve_alone(settings, console_routes)


def _serve_member(settings: Settings, membership: ProcessMembership) -> None:
    from pipeline.console.routes import console_routes  # noqa: PLC0415 - as above
    from pipeline.http.processes.member import serve_member  # noqa: PLC0415 - as above

    configure_logging(settings, process_number=membership.number)
    serve_member(settings, console_routes, membership)


def _serve_with_processes(settings: Settings, count: int) -> None:
    from agents.supervision.query_processes import serve_with_processes  # noqa: PLC0415 - one process alone needs no parent

    configure_logging(settings)
    serve_with_processes(settings, count)
