"""The SDK lists utterances with everything that their log entries say."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pipeline.config.settings import Settings
from tests.pipeline.http.operations.test_list_sessions import instant
from tests.pipeline.http.runtime import sdk, standing_still
from tests.pipeline.http.told import tell
from tests.pipeline.query.session_entries import ALIAS, BOT, NOW, USER, scalar, v2

WINDOW: dict[str, Any] = {
    "botId": BOT,
    "startDateTime": datetime(2020, 1, 1, tzinfo=UTC),
    "endDateTime": datetime(2030, 1, 1, tzinfo=UTC),
}
AUDIO = {"contentType": "audio/l16; rate=16000", "duration": {"total": 1000, "voice": 850, "silence": 150}}


@pytest.fixture
def lex(with_tables: Settings) -> Iterator[Any]:
    with standing_still(with_tables) as url, sdk("lexv2-models", url) as made:
        yield made


def test_the_sdk_reads_every_member(lex: Any, with_tables: Settings) -> None:
    asked = v2(60, inputMode="Text", inputTranscript="a room")
    card = {"title": "Rooms", "buttons": [{"text": "One", "value": "1"}]}
    answered = v2(
        30,
        inputMode="Speech",
        inputTranscript="in Rome",
        missedUtterance=True,
        audioProperties=AUDIO,
        requestAttributes={"x-amz-lex:channels:platform": "Slack"},
        intent_={"slots": {"City": scalar("Rome"), "Nights": None}, "state": "ReadyForFulfillment"},
        state={"dialogAction": {"type": "Close"}},
        messages=[{"contentType": "ImageResponseCard", "imageResponseCard": card}],
    )
    tell(with_tables, asked, answered)
    found = lex.list_utterance_analytics_data(**WINDOW)
    assert found["botId"] == BOT
    newest, oldest = found["utterances"]
    assert newest == {
        "botAliasId": ALIAS,
        "botVersion": "1",
        "localeId": "en_US",
        "sessionId": USER,
        "channel": "Slack",
        "mode": "MultiMode",
        "conversationStartTime": instant(NOW - 60_000),
        "conversationEndTime": instant(NOW - 30_000),
        "utterance": "in Rome",
        "utteranceTimestamp": instant(NOW - 30_000),
        "utteranceRequestId": "request-30",
        "utteranceUnderstood": False,
        "inputType": "audio/l16; rate=16000",
        "audioVoiceDurationMillis": 850,
        "associatedIntentName": "BookHotel",
        "associatedSlotName": "City",
        "intentState": "ReadyForFulfillment",
        "dialogActionType": "Close",
        "slotsFilledInSession": "City",
        "botResponses": [{"contentType": "ImageResponseCard", "imageResponseCard": card}],
    }
    assert oldest["inputType"] == "text/plain; charset=utf-8"
    assert oldest["utteranceUnderstood"] is True
    assert not {"channel", "associatedSlotName", "slotsFilledInSession", "audioVoiceDurationMillis"} & set(oldest)


def test_the_sdk_pages_to_the_end_and_filters(lex: Any, with_tables: Settings) -> None:
    tell(with_tables, *(v2(600 - n, requestId=f"r{n}", inputTranscript=f"say {n}") for n in range(25)))
    found: list[str] = []
    token: dict[str, str] = {}
    while token or not found:
        page = lex.list_utterance_analytics_data(
            **WINDOW, **token, sortBy={"name": "UtteranceTimestamp", "order": "Ascending"}
        )
        found += [each["utterance"] for each in page["utterances"]]
        token = {"nextToken": page["nextToken"]} if "nextToken" in page else {}
    assert found == [f"say {n}" for n in range(25)]
    ends_in_nine = {"name": "UtteranceText", "operator": "CO", "values": ["9"]}
    assert [each["utterance"] for each in lex.list_utterance_analytics_data(**WINDOW, filters=[ends_in_nine])[
        "utterances"
    ]] == ["say 19", "say 9"]  # fmt: skip
    exact = WINDOW | {"startDateTime": instant(NOW - 600_000), "endDateTime": instant(NOW - 597_000)}
    assert len(lex.list_utterance_analytics_data(**exact)["utterances"]) == 2, "both ends are exclusive"


EQ = {"name": "LocaleId", "operator": "EQ", "values": ["en_US"]}


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"startDateTime": WINDOW["endDateTime"] + timedelta(1)}, "startDateTime: it must be before endDateTime"),
        ({"maxResults": 1001}, "maxResults: expected int <= 1000"),
        ({"filters": [EQ] * 10}, "filters: expected array of length <= 9"),
        ({"filters": [EQ | {"operator": "CO"}]}, "filters[0].operator: LocaleId takes EQ, not CO"),
        ({"filters": [EQ | {"name": "IntentName"}]}, "there are BotAliasId,"),
        ({"sortBy": {"name": "ConversationStartTime", "order": "Ascending"}}, "there are UtteranceTimestamp"),
        ({"nextToken": "garbage"}, "nextToken: this server did not issue this token"),
        ({"botId": "BOTAAAAAA!"}, "botId: expected a bot's id"),
    ],
)
def test_the_sdk_raises_what_lex_would(lex: Any, asked: dict[str, Any], message: str) -> None:
    with pytest.raises(lex.exceptions.ValidationException) as raised:
        lex.list_utterance_analytics_data(**WINDOW | asked)
    assert message in raised.value.response["Error"]["Message"]
