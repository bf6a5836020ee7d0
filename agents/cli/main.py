"""Run the command that the arguments name, and report every error in one line."""

import importlib
import io
import os
import sys
from typing import NoReturn

import click
import msgspec

from agents.cli.output.write import say
from agents.embedded.env_file import with_own_secrets
from pipeline.config.load import PREFIX, load_settings
from pipeline.config.settings import Settings
from pipeline.runtime.errors import StatementError, TransientError, UsageError
from pipeline.runtime.version import package_version

COMMANDS = {
    "up": "Run everything on this machine: broker, ClickHouse, workers, query layer, receiver.",
    "migrate": "Create the topics and tables that are missing.",
    "worker": "Fold turn events into conversations, until stopped.",
    "serve": "Answer queries over HTTP, until stopped.",
    "receive": "Receive events over HTTP, from Firehose and others, until stopped.",
    "ingest": "Send log entries from files to Kafka.",
    "demo": "Send sample traffic to Kafka, until stopped.",
    "bots": "List the bots that have conversations.",
    "sessions": "List a bot's conversations.",
    "watch": "Show a bot's conversations as they come.",
    "session": "Show the current state of a user's session.",
    "metrics": "Count a bot's conversations, intents, stages and utterances.",
    "paths": "Show the tree of intents that conversations went through.",
    "utterances": "List what a bot's users typed or said.",
    "status": "Show topics, lag, rows and dead letters.",
    "dead-letters": "List, show and retry inputs that could not be read.",
    "replay": "Read a topic again and fold its events.",
    "rebuild": "Fold archived events again.",
    "backfill": "Import files, folders and S3 objects of logs.",
    "pull": "Read a log group or a data stream of AWS.",
    "runs": "List replays, rebuilds, backfills and pulls.",
    "keys": "Create, list and revoke access keys of the query layer.",
    "audit": "Compare archive and rows, and repair differences.",
    "forget": "Erase a person everywhere, and from later replays.",
}
FAILED, USAGE, INTERRUPTED = 1, 2, 130
EMPTY = "(empty)"


class Commands(click.Group):
    """The commands by name; a command's module is only imported when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return all names, in the order in which users need them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import and return a command, None if there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        command = getattr(importlib.import_module(f"agents.cli.commands.{name}"), name)
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """Write the list of commands in the help text, without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """Write the settings and their defaults."""
        with formatter.section("Settings (environment variables) and their defaults"):
            formatter.write_dl(settings_and_defaults(), col_max=36)


@click.group(cls=Commands)
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, help="Show the version and exit.",
              callback=lambda ctx, _, requested: _show_version(ctx) if requested else None)  # fmt: skip
@click.pass_context
def turnfold(ctx: click.Context) -> None:
    """Turn the live traffic of Amazon Lex bots into conversations that can be queried.

    Log entries go through Kafka into ClickHouse, where a query layer lists them in Lex's own format.
    """
    settings = load_settings(os.environ)
    ctx.obj = settings if ctx.invoked_subcommand == "up" else with_own_secrets(settings)


def settings_and_defaults() -> list[tuple[str, str]]:
    """Return every environment variable that is read, and its default."""
    defaults = msgspec.structs.asdict(Settings())
    return [(PREFIX + name.upper(), _format_default(value)) for name, value in defaults.items()]


def main() -> NoReturn:
    """Run the command line and end the process: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command and return its exit status. Only a bug of Turnfold leaves it as a traceback."""
    try:
        status = turnfold.main(arguments, prog_name="turnfold", standalone_mode=False)
    except click.ClickException as error:
        message = io.StringIO()
        error.show(message)
        say(message.getvalue().rstrip("\n"), err=True)
        return error.exit_code
    except UsageError as error:
        return _report(error, USAGE)
    except (TransientError, StatementError) as error:
        return _report(error, FAILED)
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output, such as `head`, has closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return status if isinstance(status, int) else 0


def _show_version(ctx: click.Context) -> None:
    say(f"turnfold {package_version('(run from its source tree)')}")
    ctx.exit()


def _report(error: Exception, status: int) -> int:
    say(f"turnfold: {error}", err=True)
    return status


def _format_default(default: object) -> str:
    if isinstance(default, tuple):
        return ",".join(map(str, default)) or EMPTY
    return EMPTY if default in ("", {}) else str(default)


if __name__ == "__main__":
    main()
