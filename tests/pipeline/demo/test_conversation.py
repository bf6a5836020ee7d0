# ruff: noqa: S311 - no secret is made of these numbers
import uuid
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.demo.bots import bank_bot, florist, travel_bot
from pipeline.demo.conversation import DemoConversation, make_conversation, request_id

TALKS = st.builds(
    lambda seed, bot, release: make_conversation(Random(seed), bot, release),
    st.integers(0, 10_000),
    st.sampled_from([travel_bot(), bank_bot(), florist()]),
    st.integers(1, 100),
)


@given(TALKS)
@settings(deadline=None)
def test_a_talk_has_turns_and_each_its_own_request(one: DemoConversation) -> None:
    assert one.turns
    assert len(set(one.request_ids)) == len(one.request_ids) == len(one.turns)
    assert one.locale in one.bot.intents
    assert all(step.text and step.reply and step.mode for step in one.turns)


@given(TALKS)
@settings(deadline=None)
def test_nothing_comes_after_a_conversation_was_given_up(one: DemoConversation) -> None:
    assert not any(step.intent == "FallbackIntent" and step.action == "Close" for step in one.turns[:-1])


@given(st.integers())
@settings(deadline=None)
def test_request_ids_are_random_uuids(seed: int) -> None:
    text = request_id(Random(seed))
    assert str(uuid.UUID(text)) == text
    assert uuid.UUID(text).version == 4
    assert uuid.UUID(text).variant == uuid.RFC_4122


def test_bad_releases_of_the_bank_fail_to_block_cards() -> None:
    def failed(release: int) -> float:
        ends = [make_conversation(Random(seed), bank_bot(), release).turns[-1] for seed in range(600)]
        blocked = [step.state for step in ends if step.intent == "BlockCard"]
        return blocked.count("Failed") / len(blocked)

    assert failed(3) > 2 * failed(4)
