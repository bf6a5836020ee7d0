"""GetTranscript, an operation of Turnfold's own: the turns of a user's session so far.

It selects the session as Lex V1's GetSession does, with bot and alias by names or ids, and has the same error codes.
"""

from pipeline.http.errors import RUNTIME_V1
from pipeline.http.operations.operation import AppContext, Operation, OperationRequest
from schemas.access_key import Right
from schemas.lex.session_v2 import NameOrId, SessionId
from schemas.lex.transcript import GetTranscriptResponse, MaxTurns

DEFAULT_TURNS = 100
"""Turns of a transcript where the request sets no maximum."""


async def handle(app: AppContext, request: OperationRequest) -> GetTranscriptResponse:
    """Return the transcript of the session of the user in the path."""
    sessions = app.current_sessions(request.key)
    path = request.path
    limit = request.query.get("maxResults", DEFAULT_TURNS)
    transcript = await sessions.transcript(path["botName"], path["botAlias"], path["userId"], limit)
    request.audit.rows = len(transcript.turns)
    return transcript


OPERATION = Operation(
    name="GetTranscript",
    method="GET",
    path="/bot/{botName}/alias/{botAlias}/user/{userId}/session/transcript",
    summary="Return the turns of a user's session so far; Lex itself has no such operation",
    parameters={"botName": NameOrId, "botAlias": NameOrId, "userId": SessionId},
    query={"maxResults": MaxTurns},
    request=None,
    response=GetTranscriptResponse,
    handle=handle,
    right=Right.TRANSCRIPTS,
    error_codes=RUNTIME_V1,
)
