"""Run the command that the arguments name, and report every error in one line."""

import importlib
import io
import os
import sys
from difflib import get_close_matches
from typing import NoReturn

import click
import msgspec

from agents.cli.output.write import say
from agents.embedded.env_file import with_own_secrets
from pipeline.config.load import PREFIX, load_settings
from pipeline.config.settings import Settings
from pipeline.runtime.errors import StatementError, TransientError, UsageError
from pipeline.runtime.version import package_version

COMMANDS: dict[str, tuple[str, str]] = {
    "up": ("run", "Run everything on this machine: broker, ClickHouse, workers, query layer, receiver."),
    "migrate": ("operate", "Create the topics and tables that are missing."),
    "worker": ("run", "Fold turn events into conversations, until stopped."),
    "serve": ("run", "Answer queries over HTTP, until stopped."),
    "receive": ("run", "Receive events over HTTP, from Firehose and others, until stopped."),
    "ingest": ("ingest", "Send log entries from files to Kafka."),
    "demo": ("ingest", "Send sample traffic to Kafka, until stopped."),
    "bots": ("query", "List the bots that have conversations."),
    "sessions": ("query", "List a bot's conversations."),
    "watch": ("query", "Show a bot's conversations as they come."),
    "session": ("query", "Show the current state of a user's session."),
    "metrics": ("query", "Count a bot's conversations, intents, stages and utterances."),
    "paths": ("query", "Show the tree of intents that conversations went through."),
    "utterances": ("query", "List what a bot's users typed or said."),
    "status": ("operate", "Show topics, lag, rows and dead letters."),
    "dead-letters": ("operate", "List, show and retry inputs that could not be read."),
    "replay": ("operate", "Read a topic again and fold its events."),
    "rebuild": ("operate", "Fold archived events again."),
    "backfill": ("ingest", "Import files, folders and S3 objects of logs."),
    "pull": ("ingest", "Read a log group or a data stream of AWS."),
    "runs": ("operate", "List replays, rebuilds, backfills and pulls."),
    "keys": ("operate", "Create, list and revoke access keys of the query layer."),
    "audit": ("operate", "Compare archive and rows, and repair differences."),
    "forget": ("operate", "Erase a person everywhere, and from later replays."),
}
"""Name of a command -> the package of its module in agents.cli.commands, and its line in the help text."""
FAILED, USAGE, INTERRUPTED = 1, 2, 130
EMPTY = "(empty)"


class Commands(click.Group):
    """The commands by name; a command's module is only imported when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return all names, in the order in which users need them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command, None if there is none of that name."""
        if cmd_name not in COMMANDS:
            if close := get_close_matches(cmd_name, COMMANDS, 1):
                ctx.fail(f"No such command {cmd_name!r}. Did you mean {close[0]}?")
            return None
        command = getattr(importlib.import_module(module_of(cmd_name)), cmd_name.replace("-", "_"))
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """Write the list of commands in the help text, without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

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


def module_of(command: str) -> str:
    """Return the name of the module that defines a command."""
    return f"agents.cli.commands.{COMMANDS[command][0]}.{command.replace('-', '_')}"


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
