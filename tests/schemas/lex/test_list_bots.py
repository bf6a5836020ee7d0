from schemas.lex.list_bots import (
    BotFilter,
    BotFilterName,
    BotFilterOperator,
    BotSortAttribute,
    BotSortBy,
    BotSummary,
    ListBotsRequest,
    ListBotsResponse,
)
from tests.schemas.lex.sdk import check_length, check_members, check_request, check_words

NOT_IN_LOGS = {"description", "latestBotVersion"}


def test_requests_are_those_of_the_sdk() -> None:
    check_request(ListBotsRequest)
    check_request(BotFilter)
    check_request(BotSortBy)
    check_length(ListBotsRequest, "filters", "BotFilters")
    check_length(BotFilter, "values", "FilterValues")


def test_responses_are_those_of_the_sdk() -> None:
    check_members(BotSummary, NOT_IN_LOGS)
    check_members(ListBotsResponse)


def test_words_are_those_of_the_sdk() -> None:
    check_words("BotFilterName", BotFilterName)
    check_words("BotFilterOperator", BotFilterOperator)
    check_words("BotSortAttribute", BotSortAttribute)
