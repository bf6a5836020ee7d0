"""List all sessions of a stack in the form of `traffic.expected`, so that the two can be compared."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.events import START, iso
from tests.integration.stack import BaseStack

BEGIN = datetime.fromtimestamp(START / 1000, UTC) - timedelta(days=1)
END = BEGIN + timedelta(days=40)


def listed(stack: BaseStack, bot: str, **more: Any) -> list[dict[str, Any]]:
    """List every session of a bot through boto3, page by page."""
    client, sessions = stack.client(), list[dict[str, Any]]()
    token: dict[str, str] = {}
    while True:
        page = client.list_session_analytics_data(
            botId=bot, startDateTime=BEGIN, endDateTime=END, **{"maxResults": 60} | more, **token
        )
        sessions += page["sessions"]
        if "nextToken" not in page:
            return [_plain(session) for session in sessions]
        token = {"nextToken": page["nextToken"]}


def _plain(session: dict[str, Any]) -> dict[str, Any]:
    start, end = session["conversationStartTime"], session["conversationEndTime"]
    assert session["conversationDurationSeconds"] == (end - start) // timedelta(seconds=1)
    kept = ("sessionId", "originatingRequestId", "numberOfTurns", "botAliasId", "botVersion", "localeId")
    return {
        **{name: session[name] for name in kept},
        "start": iso(round(start.timestamp() * 1000)),
        "end": iso(round(end.timestamp() * 1000)),
        "mode": session.get("mode"),
        "channel": session.get("channel"),
        "intents": [sample["intentName"] for sample in session["invokedIntentSamples"]],
        "conversationEndState": session["conversationEndState"],
    }
