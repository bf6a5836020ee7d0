from schemas.lex.analytics.list_utterances import (
    ListUtteranceAnalyticsDataRequest,
    ListUtteranceAnalyticsDataResponse,
    UtteranceDataSortBy,
    UtteranceSortName,
    UtteranceSpecification,
)
from tests.schemas.lex.sdk import IN_PATH, check_length, check_members, check_request, check_words

NOT_IN_LOGS = {"outputType", "botResponseAudioVoiceId"}
"""No log has what speech the bot answered with."""


def test_requests_are_those_of_the_sdk() -> None:
    check_request(ListUtteranceAnalyticsDataRequest, IN_PATH)
    check_request(UtteranceDataSortBy)
    check_words("AnalyticsUtteranceSortByName", UtteranceSortName)
    check_length(ListUtteranceAnalyticsDataRequest, "filters", "AnalyticsUtteranceFilters")


def test_responses_are_those_of_the_sdk() -> None:
    check_members(UtteranceSpecification, NOT_IN_LOGS)
    check_members(ListUtteranceAnalyticsDataResponse)
