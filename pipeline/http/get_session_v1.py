"""GetSession of Lex V1: a bot, an alias and a user by name in, where the user's session stands now out."""

from pipeline.http.failures import RUNTIME_V1
from pipeline.http.operation import Backend, Call, Operation
from pipeline.query.session_archive import Archive
from pipeline.query.session_now import CurrentSessions
from schemas.access_key import Right
from schemas.lex.session_v1 import GetSessionV1Response, Label
from schemas.lex.session_v2 import Name, SessionId

LABEL = "checkpointLabelFilter"


async def answer(backend: Backend, call: Call) -> GetSessionV1Response:
    """The session of the user in the path."""
    sessions = CurrentSessions(Archive(backend.store), backend.now, backend.settings.idle_ttl_of, call.key.sees)
    path = call.path
    session = await sessions.v1(path["botName"], path["botAlias"], path["userId"], call.query.get(LABEL))
    call.entry.rows = 1
    return session


OPERATION = Operation(
    name="GetSessionV1",
    method="GET",
    path="/bot/{botName}/alias/{botAlias}/user/{userId}/session/",
    also=("/bot/{botName}/alias/{botAlias}/user/{userId}/session",),  # some SDKs leave the last slash out
    summary="Where a user's session stands now, as Lex V1 tells it; of V2's bots, too, by name or id",
    parameters={"botName": Name, "botAlias": Name, "userId": SessionId},
    query={LABEL: Label},
    request=None,
    answered=GetSessionV1Response,
    answer=answer,
    right=Right.SESSIONS,
    dialect=RUNTIME_V1,
)
