"""Settings come from the environment, and a wrong one is named with what would be right."""

import re

import msgspec
import pytest

from pipeline.config.load import load_settings, variables
from pipeline.config.settings import Settings
from pipeline.runtime.errors import UsageError


def test_nothing_set_means_the_defaults() -> None:
    assert load_settings({"PATH": "/bin", "HOME": "/root"}) == Settings()


def test_lists_pairs_and_numbers_are_read() -> None:
    read = load_settings(
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
        ("TURNFOLD_KAFAK", "one:9092", "did you mean TURNFOLD_KAFKA?"),
    ],
)
def test_a_wrong_one_is_named(variable: str, text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_settings({variable: text})
    assert variable in str(caught.value)
    assert words in str(caught.value)


def test_every_setting_has_a_variable_that_is_read() -> None:
    for field, variable in zip(msgspec.structs.fields(Settings), variables(), strict=True):
        assert variable == f"TURNFOLD_{field.name.upper()}"


@pytest.mark.parametrize("name", ["turns", ""])
def test_topics_need_names_of_their_own(name: str) -> None:
    """Raw entries on the turns topic would go round for ever."""
    with pytest.raises(UsageError, match="TURNFOLD_TOPIC_RAW"):
        load_settings({"TURNFOLD_TOPIC_RAW": name})


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"KAFKA_SECURITY": "TLS"}, "TURNFOLD_KAFKA_SECURITY"),
        ({"KAFKA_SECURITY": "SASL_SSL", "KAFKA_USER": "me"}, "needs TURNFOLD_KAFKA_USER and TURNFOLD_KAFKA_PASSWORD"),
        ({"KAFKA_SECURITY": "SASL_SSL", "KAFKA_PASSWORD": "s3cret"}, "needs TURNFOLD_KAFKA_USER"),
        ({"KAFKA_USER": "me", "KAFKA_PASSWORD": "s3cret"}, "SASL_SSL"),
        ({"KAFKA_SECURITY": "SSL", "KAFKA_PASSWORD": "s3cret"}, "SASL_SSL"),
        ({"KAFKA_CA": "/ca.pem"}, "set it to SSL or SASL_SSL"),
        ({"KAFKA_SECURITY": "SSL", "KAFKA_KEY": "/key.pem"}, "TURNFOLD_KAFKA_CERTIFICATE"),
        ({"TOPIC_MIN_INSYNC": "2"}, "TURNFOLD_TOPIC_REPLICATION=1"),
        ({"CLICKHOUSE": "127.0.0.1:8123"}, "http://host:8123"),
        ({"CLICKHOUSE": "https://[::1"}, "http://host:8123"),
        ({"CLICKHOUSE": "https://me:s3cret@host"}, "TURNFOLD_CLICKHOUSE_USER"),
        ({"CLICKHOUSE_CA": "/ca.pem"}, "https://"),
        ({"ARCHIVE_DAYS_BOTS": "Travel=30"}, "'Travel' is not a bot id, which has ten letters and digits"),
        ({"CONVERSATION_DAYS_BOTS": "BOT') OR (1=30"}, "is not a bot id"),
        ({"ARCHIVE_DAYS": "8.9"}, "8.9 days are too few. Kafka keeps events for 7 days"),
        ({"ARCHIVE_DAYS": "5", "TOPIC_RETENTION_DAYS": "4"}, "would be 6 or more"),
        ({"ARCHIVE_DAYS": "90", "ARCHIVE_DAYS_BOTS": "BOTAAAAAA1=1"}, "1 days of bot BOTAAAAAA1 are too few"),
        ({"API_CERTIFICATE_KEY": "/key.pem"}, "set TURNFOLD_API_CERTIFICATE too"),
        ({"API_CA": "/ca.pem"}, "TURNFOLD_API should begin with https://"),
        ({"API_CA": "/ca.pem", "API": "http://host:8080"}, "TURNFOLD_API should begin with https://"),
    ],
)
def test_what_does_not_go_together_is_named_and_no_secret_said(given: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=re.escape(words)) as caught:
        load_settings({f"TURNFOLD_{name}": value for name, value in given.items()})
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "https://*.example.com",
        "null",
        "console.example.com",
        "https://console.example.com/",
        "https://console.example.com/page",
        "https://console.example.com?x",
        "https://console.example.com#x",
        "https://Console.example.com",
        "https://console.example.com:443",
        "https://console.example.com:port",
        "https://me@console.example.com",
        "https://bücher.example",
        "ftp://console.example.com",
        "https://",
    ],
)
def test_an_origin_that_no_browser_sends_is_named(origin: str) -> None:
    with pytest.raises(UsageError, match=re.escape(f"TURNFOLD_API_ORIGINS: {origin!r} is not an origin")):
        load_settings({"TURNFOLD_API_ORIGINS": f"https://console.example.com,{origin}"})


def test_origins_are_read_as_they_are() -> None:
    origins = ("https://console.example.com", "http://localhost:3000", "https://[::1]:8443", "http://10.0.0.1")
    assert load_settings({"TURNFOLD_API_ORIGINS": ", ".join(origins)}).api_origins == origins


def test_what_goes_together_is_taken() -> None:
    secured = load_settings(
        {
            "TURNFOLD_KAFKA_SECURITY": "SASL_SSL",
            "TURNFOLD_KAFKA_SASL_MECHANISM": "SCRAM-SHA-256",
            "TURNFOLD_KAFKA_USER": "me",
            "TURNFOLD_KAFKA_PASSWORD": "s3cret",
            "TURNFOLD_KAFKA_CA": "/ca.pem",
            "TURNFOLD_CLICKHOUSE": "https://host:8443",
            "TURNFOLD_CLICKHOUSE_CA": "/ca.pem",
            "TURNFOLD_API": "https://host:8080",
            "TURNFOLD_API_CA": "/ca.pem",
            "TURNFOLD_API_CERTIFICATE": "/certificate.pem",
            "TURNFOLD_API_CERTIFICATE_KEY": "/key.pem",
        }
    )
    assert (secured.kafka_tls, secured.kafka_sasl) == (True, True)
    assert (Settings().kafka_tls, Settings().kafka_sasl) == (False, False)


def test_events_may_be_kept_for_a_shorter_time_than_conversations_and_for_good() -> None:
    found = load_settings(
        {
            "TURNFOLD_ARCHIVE_DAYS": "9",
            "TURNFOLD_ARCHIVE_DAYS_BOTS": "BOTAAAAAA1=0,BOTBBBBBB2=30.5",
            "TURNFOLD_CONVERSATION_DAYS": "400",
        }
    )
    assert (found.archive_days, found.conversation_days) == (9, 400)
    assert found.archive_days_bots == {"BOTAAAAAA1": 0, "BOTBBBBBB2": 30.5}
