"""The index names every bot, or says how to get one."""

from starlette.testclient import TestClient

from pipeline.config.settings import Settings
from tests.pipeline.console.site import insert
from tests.pipeline.query.rows import BOT, conversation
from tests.pipeline.query.session_entries import archived, v2


def test_without_bots_the_page_says_how_to_get_one(site: TestClient) -> None:
    text = site.get("/console/").text
    assert "No bot has been heard of yet" in text
    assert "turnfold demo" in text


def test_a_bot_is_there_with_its_first_conversation(site: TestClient, with_tables: Settings) -> None:
    insert(with_tables, rows=[conversation()], turns=[archived(v2())])
    text = site.get("/console/").text
    assert f'<tr data-bot="{BOT}">' in text
    assert f'href="/console/bots/{BOT}/sessions">Travel</a>' in text
