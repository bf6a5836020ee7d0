"""`turnfold session`: a bot, an alias and a user in; where the user's session stands, and what was said so far, out.

Only the query layer is asked, for the session as Lex V1 tells it and for the transcript, which is an operation of
its own there: whoever may use this command needs no way to ClickHouse, and sees what SDKs see.
"""

from urllib.parse import quote

import click
import msgspec
import orjson

from agents.cli.http_client import get
from agents.cli.output.session import print_session
from agents.cli.output.write import say, write_json
from pipeline.config.settings import Settings
from schemas.lex.session_v1 import GetSessionV1Response
from schemas.lex.transcript import MAX_TURNS, GetTranscriptResponse


@click.command()
@click.argument("bot")
@click.argument("alias")
@click.argument("user")
@click.option("--label", help="Only intents with this checkpoint label.")
@click.option("--turns", type=click.IntRange(1, MAX_TURNS), default=100, show_default=True,
              help="The last so many turns of the transcript.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Write it as JSON.")
@click.pass_obj
def session(  # noqa: PLR0913, PLR0917 - each option of the command is an argument
    settings: Settings, bot: str, alias: str, user: str, label: str | None, turns: int, *, as_json: bool
) -> None:
    """Show where USER's session with BOT stands now: state, intents, slots, contexts, and what was said.

    BOT and ALIAS are names or ids; USER is the session id, of Lex V1 the user id. Times are UTC.
    """
    path = f"/bot/{_part(bot)}/alias/{_part(alias)}/user/{_part(user)}/session/"
    asked = {} if label is None else {"checkpointLabelFilter": label}
    found = get(settings, path, asked, GetSessionV1Response)
    said = get(settings, f"{path}transcript", {"maxResults": turns}, GetTranscriptResponse)
    if as_json:
        document = {"session": msgspec.to_builtins(found), "transcript": msgspec.to_builtins(said)}
        write_json(orjson.dumps(document, option=orjson.OPT_INDENT_2))
        return
    print_session(f"{bot} / {alias} / {user}", found, said)
    if said.truncated:
        say(f"the last {len(said.turns)}; --turns N shows more, {MAX_TURNS} at most", err=True)


def _part(name: str) -> str:
    """A part of a path; a name of dots alone would otherwise be taken for a way up."""
    return quote(name, safe="").replace(".", "%2E")
