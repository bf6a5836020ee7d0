"""GetSession of Lex V2: a bot, an alias, a locale and a session by id in, where the session stands now out."""

from pipeline.http.failures import RUNTIME_V2
from pipeline.http.operation import Backend, Call, Operation
from pipeline.query.session_archive import Archive
from pipeline.query.session_now import CurrentSessions
from schemas.analytics import BotId
from schemas.session import GetSessionResponse, Name, SessionId


async def answer(backend: Backend, call: Call) -> GetSessionResponse:
    """The session in the path."""
    sessions = CurrentSessions(Archive(backend.store), backend.now, backend.settings.idle_ttl_of)
    path = call.path
    return await sessions.v2(path["botId"], path["botAliasId"], path["localeId"], path["sessionId"])


OPERATION = Operation(
    name="GetSession",
    method="GET",
    path="/bots/{botId}/botAliases/{botAliasId}/botLocales/{localeId}/sessions/{sessionId}",
    summary="Where a session stands now, as Lex V2 tells it; of V1's bots, too, by the ids derived from their names",
    parameters={"botId": BotId, "botAliasId": Name, "localeId": Name, "sessionId": SessionId},
    request=None,
    answered=GetSessionResponse,
    answer=answer,
    dialect=RUNTIME_V2,
)
