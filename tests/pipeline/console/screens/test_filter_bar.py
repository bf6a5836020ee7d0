"""The filter bar offers what the bot's conversations have, and keeps what is in force."""

import re

from starlette.testclient import TestClient

from pipeline.config.settings import Settings
from tests.pipeline.console.site import SESSIONS, insert
from tests.pipeline.query.rows import conversation


def boxes(text: str, name: str) -> dict[str, bool]:
    """Value of each checkbox -> whether it is checked."""
    found = re.findall(rf'<input type="checkbox" name="{name}" value="([^"]*)"( checked)?', text)
    return {value: bool(checked) for value, checked in found}


def test_values_to_choose_are_those_of_the_bot_and_those_in_force(site: TestClient, with_tables: Settings) -> None:
    insert(with_tables, rows=[conversation(n, channel=channel) for n, channel in enumerate(("Slack", "Twilio"))])
    text = site.get(f"{SESSIONS}?Channel=Slack&Channel=Gone").text
    assert boxes(text, "Channel") == {"Gone": True, "Slack": True, "Twilio": False}
    assert boxes(text, "LocaleId") == {"en_US": False}
    assert boxes(text, "ConversationEndState") == {"Success": False, "Failure": False, "Dropped": False}


def test_sending_the_form_keeps_the_order_and_other_filters(site: TestClient) -> None:
    text = site.get(f"{SESSIONS}?sort=Duration&order=Ascending&Duration=GT+60&SessionId=a").text
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', text))
    assert hidden == {"sort": "Duration", "order": "Ascending", "Duration": "GT 60", "SessionId": "a"}
