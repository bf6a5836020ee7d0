"""The index: the bots that the reader may see."""

from starlette.responses import Response

from pipeline.console.questions import Question
from pipeline.console.visit import Screen, Visit
from pipeline.http.operations import list_bots
from schemas.access_key import Right
from schemas.lex.list_bots import ListBotsResponse


async def show(visit: Visit) -> Response:
    """Show a page of the bots of the reader's key."""
    token = visit.state.more.get("token")
    body = {"maxResults": 1000, **({"nextToken": token} if token else {})}
    listed = await visit.ask(Question(list_bots.OPERATION, "", body), ListBotsResponse)
    return visit.page("bots.html", bots=listed.bot_summaries, next_token=listed.next_token or "")


SCREEN = Screen("ConsoleBots", "/", Right.LIST, show, parameters=("token",))
