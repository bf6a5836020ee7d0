import re

import pytest

from pipeline.demo.bots import DemoBot, bank_bot, florist, travel_bot
from schemas.lex.log_entry import bot_id

BOTS = [travel_bot(), bank_bot(), florist()]


@pytest.mark.parametrize("bot", BOTS, ids=lambda bot: bot.name)
def test_every_bot_has_a_valid_id(bot: DemoBot) -> None:
    assert re.fullmatch("[0-9A-Z]{10}", bot.id or bot_id(bot.name))
    assert all(re.fullmatch("[0-9A-Z]{10}", alias_id) for alias_id, _ in bot.aliases if bot.id)


def test_the_v1_bot_cannot_be_taken_for_an_id() -> None:
    """`turnfold sessions` takes ten letters or digits for the id of a V2 bot."""
    assert not florist().id
    assert len(florist().name) != 10


@pytest.mark.parametrize("bot", BOTS, ids=lambda bot: bot.name)
def test_every_intent_has_something_to_say(bot: DemoBot) -> None:
    for intent in (intent for intents in bot.intents.values() for intent in intents):
        assert all([*intent.openings, intent.confirm, intent.done, intent.failed])
        names = [slot.name for slot in intent.slots]
        assert len(set(names)) == len(names)
        assert all(slot.question and slot.answers and all(slot.answers) for slot in intent.slots)
