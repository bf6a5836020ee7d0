"""ListBots: a page of the bots that have conversations and that the key may know of."""

from pipeline.http.body import decode
from pipeline.http.errors import BOTS
from pipeline.http.operations.operation import AppContext, Operation, OperationRequest
from pipeline.query.list_bots import BotLists
from schemas.access_key import Right
from schemas.lex.list_bots import ListBotsRequest, ListBotsResponse


async def handle(app: AppContext, request: OperationRequest) -> ListBotsResponse:
    """Return one page of bots."""
    page = await BotLists(app.query_context(request.key)).page(decode(request.body, ListBotsRequest))
    request.audit.rows = len(page.bot_summaries)
    return page


OPERATION = Operation(
    name="ListBots",
    method="POST",
    path="/bots/",
    other_paths=("/bots",),
    summary="List the bots that have conversations and that the key may know of",
    parameters={},
    request=ListBotsRequest,
    response=ListBotsResponse,
    handle=handle,
    right=Right.LIST,
    error_codes=BOTS,
)
