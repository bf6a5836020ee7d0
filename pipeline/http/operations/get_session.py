"""GetSession of Lex V1's and of Lex V2's runtime."""

from pipeline.auth.errors import Denial, DeniedError
from pipeline.http.errors import RUNTIME_V1, RUNTIME_V2
from pipeline.http.operations.operation import AppContext, Operation, OperationRequest
from pipeline.query.get_session.archive import Archive
from pipeline.query.get_session.current import CurrentSessions
from schemas.access_key import Right
from schemas.lex.analytics import BotId
from schemas.lex.session_v1 import GetSessionV1Response, Label
from schemas.lex.session_v2 import GetSessionResponse, NameOrId, SessionId

LABEL = "checkpointLabelFilter"


async def handle_v1(backend: AppContext, call: OperationRequest) -> GetSessionV1Response:
    """The session of the user in the path."""
    sessions = CurrentSessions(
        Archive(backend.store), backend.now, backend.settings.idle_ttl_of, call.key.can_access_bot
    )
    path = call.path
    session = await sessions.v1(path["botName"], path["botAlias"], path["userId"], call.query.get(LABEL))
    call.entry.rows = 1
    return session


GET_SESSION_V1 = Operation(
    name="GetSessionV1",
    method="GET",
    path="/bot/{botName}/alias/{botAlias}/user/{userId}/session/",
    also=("/bot/{botName}/alias/{botAlias}/user/{userId}/session",),  # some SDKs leave the last slash out
    summary="Where a user's session stands now, as Lex V1 tells it; of V2's bots, too, by name or id",
    parameters={"botName": NameOrId, "botAlias": NameOrId, "userId": SessionId},
    query={LABEL: Label},
    request=None,
    answered=GetSessionV1Response,
    answer=handle_v1,
    right=Right.SESSIONS,
    dialect=RUNTIME_V1,
)


async def handle_v2(backend: AppContext, call: OperationRequest) -> GetSessionResponse:
    """The session in the path."""
    sessions = CurrentSessions(
        Archive(backend.store), backend.now, backend.settings.idle_ttl_of, call.key.can_access_bot
    )
    path = call.path
    if not call.key.can_access_bot(path["botId"]):  # V2 has a word for it; V1 has not, and finds no session there
        raise DeniedError(Denial.FORBIDDEN, f"the key {call.key.id} has no right to the bot {path['botId']}")
    session = await sessions.v2(path["botId"], path["botAliasId"], path["localeId"], path["sessionId"])
    call.entry.rows = 1
    return session


GET_SESSION_V2 = Operation(
    name="GetSession",
    method="GET",
    path="/bots/{botId}/botAliases/{botAliasId}/botLocales/{localeId}/sessions/{sessionId}",
    summary="Where a session stands now, as Lex V2 tells it; of V1's bots, too, by the ids derived from their names",
    parameters={"botId": BotId, "botAliasId": NameOrId, "localeId": NameOrId, "sessionId": SessionId},
    request=None,
    answered=GetSessionResponse,
    answer=handle_v2,
    right=Right.SESSIONS,
    dialect=RUNTIME_V2,
)
