"""GetSession of Lex V2: a bot, an alias, a locale and a session by id in, where the session stands now out."""

from pipeline.auth.errors import Denial, DeniedError
from pipeline.http.failures import RUNTIME_V2
from pipeline.http.operation import Backend, Call, Operation
from pipeline.query.session_archive import Archive
from pipeline.query.session_now import CurrentSessions
from schemas.access_key import Right
from schemas.lex.analytics import BotId
from schemas.lex.session_v2 import GetSessionResponse, Name, SessionId


async def answer(backend: Backend, call: Call) -> GetSessionResponse:
    """The session in the path."""
    sessions = CurrentSessions(Archive(backend.store), backend.now, backend.settings.idle_ttl_of, call.key.sees)
    path = call.path
    if not call.key.sees(path["botId"]):  # V2 has a word for it; V1 has not, and finds no session there
        raise DeniedError(Denial.FORBIDDEN, f"the key {call.key.id} has no right to the bot {path['botId']}")
    session = await sessions.v2(path["botId"], path["botAliasId"], path["localeId"], path["sessionId"])
    call.entry.rows = 1
    return session


OPERATION = Operation(
    name="GetSession",
    method="GET",
    path="/bots/{botId}/botAliases/{botAliasId}/botLocales/{localeId}/sessions/{sessionId}",
    summary="Where a session stands now, as Lex V2 tells it; of V1's bots, too, by the ids derived from their names",
    parameters={"botId": BotId, "botAliasId": Name, "localeId": Name, "sessionId": SessionId},
    request=None,
    answered=GetSessionResponse,
    answer=answer,
    right=Right.SESSIONS,
    dialect=RUNTIME_V2,
)
