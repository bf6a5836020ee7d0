"""Define `turnfold session`, which shows the current state of a user's session and its transcript.

It only sends requests to the query layer: GetSession of Lex V1 and GetTranscript. So users of this command need no
access to ClickHouse, and see what SDKs see.
"""

from urllib.parse import quote

import click
import msgspec
import orjson

from agents.cli.http_client import open_client
from agents.cli.output.query.session import print_session
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
              help="Number of last turns of the transcript.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Write it as JSON.")
@click.pass_obj
def session(  # noqa: PLR0913, PLR0917 - each option of the command is an argument
    settings: Settings, bot: str, alias: str, user: str, label: str | None, turns: int, *, as_json: bool
) -> None:
    """Show the current state of USER's session with BOT: state, intents, slots, contexts, and the transcript.

    BOT and ALIAS are names or ids; USER is the session id, or the user id of Lex V1. Times are UTC.
    """
    path = f"/bot/{_path_part(bot)}/alias/{_path_part(alias)}/user/{_path_part(user)}/session/"
    query = {} if label is None else {"checkpointLabelFilter": label}
    with open_client(settings) as client:
        state = client.get(path, query, GetSessionV1Response)
        transcript = client.get(f"{path}transcript", {"maxResults": turns}, GetTranscriptResponse)
    if as_json:
        document = {"session": msgspec.to_builtins(state), "transcript": msgspec.to_builtins(transcript)}
        write_json(orjson.dumps(document, option=orjson.OPT_INDENT_2))
        return
    print_session(f"{bot} / {alias} / {user}", state, transcript)
    if transcript.truncated:
        say(f"the last {len(transcript.turns)}; --turns N shows more, {MAX_TURNS} at most", err=True)


def _path_part(name: str) -> str:
    """Encode a part of a path; a name of dots alone would otherwise mean a parent folder."""
    return quote(name, safe="").replace(".", "%2E")
