"""GetSession of Lex V1's and of Lex V2's runtime: the current state of a user's session."""

from pipeline.auth.errors import Denial, DeniedError
from pipeline.http.errors import RUNTIME_V1, RUNTIME_V2
from pipeline.http.operations.operation import AppContext, Operation, OperationRequest
from schemas.access_key import Right
from schemas.lex.analytics.operation import BotId
from schemas.lex.session_v1 import GetSessionV1Response, Label
from schemas.lex.session_v2 import GetSessionResponse, NameOrId, SessionId

LABEL = "checkpointLabelFilter"


async def handle_v1(app: AppContext, request: OperationRequest) -> GetSessionV1Response:
    """Return the session of the user in the path."""
    sessions = app.current_sessions(request.key)
    path = request.path
    session = await sessions.v1(path["botName"], path["botAlias"], path["userId"], request.query.get(LABEL))
    request.audit.rows = 1
    return session


GET_SESSION_V1 = Operation(
    name="GetSessionV1",
    method="GET",
    path="/bot/{botName}/alias/{botAlias}/user/{userId}/session/",
    other_paths=("/bot/{botName}/alias/{botAlias}/user/{userId}/session",),  # some SDKs omit the last slash
    summary="Return the current state of a user's session in Lex V1's form; also for V2's bots, by name or id",
    parameters={"botName": NameOrId, "botAlias": NameOrId, "userId": SessionId},
    query={LABEL: Label},
    request=None,
    response=GetSessionV1Response,
    handle=handle_v1,
    right=Right.SESSIONS,
    error_codes=RUNTIME_V1,
)


async def handle_v2(app: AppContext, request: OperationRequest) -> GetSessionResponse:
    """Return the session in the path."""
    sessions = app.current_sessions(request.key)
    path = request.path
    if not request.key.can_access_bot(path["botId"]):  # V2 has an error for it; V1 has none, and finds no session there
        raise DeniedError(Denial.FORBIDDEN, f"the key {request.key.id} has no right to the bot {path['botId']}")
    session = await sessions.v2(path["botId"], path["botAliasId"], path["localeId"], path["sessionId"])
    request.audit.rows = 1
    return session


GET_SESSION_V2 = Operation(
    name="GetSession",
    method="GET",
    path="/bots/{botId}/botAliases/{botAliasId}/botLocales/{localeId}/sessions/{sessionId}",
    summary="Return the current state of a session in Lex V2's form; also for V1's bots, by ids made of their names",
    parameters={"botId": BotId, "botAliasId": NameOrId, "localeId": NameOrId, "sessionId": SessionId},
    request=None,
    response=GetSessionResponse,
    handle=handle_v2,
    right=Right.SESSIONS,
    error_codes=RUNTIME_V2,
)
