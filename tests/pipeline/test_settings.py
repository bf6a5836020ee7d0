"""Settings come from the environment, and a wrong one is named with what would be right."""

import msgspec
import pytest

from pipeline.errors import UsageError
from pipeline.settings import Settings, read_settings, variables


def test_nothing_set_means_the_defaults() -> None:
    assert read_settings({"PATH": "/bin", "HOME": "/root"}) == Settings()


def test_lists_pairs_and_numbers_are_read() -> None:
    read = read_settings(
        {
            "TURNFOLD_KAFKA": "one:9092, two:9092,",
            "TURNFOLD_IDLE_TTL_BOTS": "BOTAAAAAA1=600, BOTBBBBBB2=60",
            "TURNFOLD_API_PORT": " 9000 ",
            "TURNFOLD_FLUSH_SECONDS": "0.25",
        }
    )
    assert read.kafka == ("one:9092", "two:9092")
    assert (read.idle_ttl_of("BOTAAAAAA1"), read.idle_ttl_of("another")) == (600.0, 300.0)
    assert (read.api_port, read.flush_seconds) == (9000, 0.25)


@pytest.mark.parametrize(
    ("variable", "text", "words"),
    [
        ("TURNFOLD_API_PORT", "99999", "65535"),
        ("TURNFOLD_API_PORT", "eighty", "int"),
        ("TURNFOLD_IDLE_TTL", "0", "> 0"),
        ("TURNFOLD_IDLE_TTL_BOTS", "600", "BOTAAAAAA1=600"),
        ("TURNFOLD_TOPIC_PARTITIONS", "0", ">= 1"),
        ("TURNFOLD_KAFAK", "one:9092", "TURNFOLD_KAFKA"),
    ],
)
def test_a_wrong_one_is_named(variable: str, text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_settings({variable: text})
    assert variable in str(caught.value)
    assert words in str(caught.value)


def test_every_setting_has_a_variable_that_is_read() -> None:
    for field, variable in zip(msgspec.structs.fields(Settings), variables(), strict=True):
        assert variable == f"TURNFOLD_{field.name.upper()}"


@pytest.mark.parametrize("name", ["turns", ""])
def test_topics_need_names_of_their_own(name: str) -> None:
    """Raw entries on the turns topic would go round for ever."""
    with pytest.raises(UsageError, match="TURNFOLD_TOPIC_RAW"):
        read_settings({"TURNFOLD_TOPIC_RAW": name})
