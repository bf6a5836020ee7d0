"""GetTranscript, an operation of Turnfold's own: a bot, an alias and a user in, what was said so far out.

It is asked as Lex V1 is asked for the session, by names or ids, and its errors are named as there.
"""

from pipeline.http.errors import RUNTIME_V1
from pipeline.http.operations.operation import AppContext, Operation, OperationRequest
from pipeline.query.get_session.archive import Archive
from pipeline.query.get_session.current import CurrentSessions
from schemas.access_key import Right
from schemas.lex.session_v2 import NameOrId, SessionId
from schemas.lex.transcript import GetTranscriptResponse, MaxTurns

TURNS = 100
"""Where the request names no number."""


async def handle(backend: AppContext, call: OperationRequest) -> GetTranscriptResponse:
    """The transcript of the session of the user in the path."""
    sessions = CurrentSessions(
        Archive(backend.store), backend.now, backend.settings.idle_ttl_of, call.key.can_access_bot
    )
    path = call.path
    most = call.query.get("maxResults", TURNS)
    said = await sessions.transcript(path["botName"], path["botAlias"], path["userId"], most)
    call.entry.rows = len(said.turns)
    return said


OPERATION = Operation(
    name="GetTranscript",
    method="GET",
    path="/bot/{botName}/alias/{botAlias}/user/{userId}/session/transcript",
    summary="What was said so far in a user's session, turn by turn; Lex itself has no such operation",
    parameters={"botName": NameOrId, "botAlias": NameOrId, "userId": SessionId},
    query={"maxResults": MaxTurns},
    request=None,
    answered=GetTranscriptResponse,
    answer=handle,
    right=Right.TRANSCRIPTS,
    dialect=RUNTIME_V1,
)
