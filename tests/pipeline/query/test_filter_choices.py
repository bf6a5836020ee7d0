"""Which values the conversations of a bot have."""

from pipeline.query.filter_choices import FilterChoices, filter_choices
from tests.clickhouse_runner import Use
from tests.pipeline.query.rows import BOT, OTHER_BOT, conversation


def test_values_are_those_of_the_bots_conversations_sorted(use: Use) -> None:
    versions = ("DRAFT", "10", "9")
    rows = [conversation(n, bot_version=version, channel="" if n else "Slack") for n, version in enumerate(versions)]
    use(
        lambda clickhouse: clickhouse.insert(
            "conversations", [*rows, conversation(9, bot_id=OTHER_BOT, locale_id="de_DE")]
        )
    )
    choices = use(lambda clickhouse: filter_choices(clickhouse, BOT, allowed=True))
    assert choices == FilterChoices(("TSTALIASID",), ("DRAFT", "9", "10"), ("en_US",), ("Slack",))


def test_of_a_bot_that_is_not_allowed_or_not_there_no_value_is_known(use: Use) -> None:
    use(lambda clickhouse: clickhouse.insert("conversations", [conversation()]))
    assert use(lambda clickhouse: filter_choices(clickhouse, BOT, allowed=False)) == FilterChoices()
    assert use(lambda clickhouse: filter_choices(clickhouse, "BOTNOBODY1", allowed=True)) == FilterChoices()
