from collections.abc import Iterator

import pytest

from pipeline.config.settings import Settings
from tests.pipeline.http.runtime import insert, standing_still
from tests.pipeline.http.serving import Client, assert_failed, client
from tests.pipeline.query.session_entries import v1, v2

PATH = "/bot/Travel/alias/live/user/user-1/session/transcript"


@pytest.fixture
def plain(with_tables: Settings) -> Iterator[Client]:
    with standing_still(with_tables) as url, client(url) as opened:
        yield opened


def test_turns_are_returned_in_order(plain: Client, with_tables: Settings) -> None:
    insert(with_tables, *(v2(n) if n % 2 else v1(n) for n in range(1, 131)))
    found = plain.ask("GET", PATH).body
    assert [turn["inputTranscript"] for turn in found["turns"]] == [f"Said {n}" for n in range(100, 0, -1)]
    assert found["truncated"] is True
    found = plain.ask("GET", f"{PATH}?maxResults=1000").body
    assert (len(found["turns"]), found["truncated"]) == (130, False)
    assert (found["sessionId"], found["originatingRequestId"]) == ("user-1", "origin-1")


@pytest.mark.parametrize("most", ["0", "1001", "-1", "x", "", "1.5", "9" * 5000])
def test_a_number_that_cannot_be_is_a_bad_request(plain: Client, most: str) -> None:
    answer = plain.ask("GET", f"{PATH}?maxResults={most}")
    assert_failed(answer, 400, "BadRequestException", "maxResults: expected 1 to 1000")


def test_no_session_is_not_found(plain: Client) -> None:
    assert_failed(plain.ask("GET", PATH), 404, "NotFoundException", "no session of user-1 is open")
