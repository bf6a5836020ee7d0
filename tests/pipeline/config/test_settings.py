"""Topics, security and idle times follow from the settings, and secrets are never shown."""

import pytest
from rich.pretty import pretty_repr

from pipeline.config.settings import Settings
from schemas.topics import DAY_MS


def test_topics_have_the_partitions_replicas_and_sizes_of_the_settings() -> None:
    settings = Settings(topic_partitions=12, topic_replication=3, topic_retention_days=2.5, max_message_bytes=5_000)
    raw, turns, dead = settings.topics
    assert (raw.name, turns.name, dead.name) == ("turns.raw", "turns", "turns.dead")
    assert (raw.partitions, turns.partitions, dead.partitions) == (12, 12, 1)
    assert {topic.replication for topic in settings.topics} == {3}
    assert {topic.min_insync for topic in settings.topics} == {2}
    assert (raw.retention_ms, turns.retention_ms, dead.retention_ms) == (2.5 * DAY_MS, 2.5 * DAY_MS, -1)
    assert raw.max_message_bytes == turns.max_message_bytes == 5_000 < dead.max_message_bytes


@pytest.mark.parametrize(
    ("replication", "min_insync", "expected"), [(1, 0, 1), (2, 0, 1), (3, 0, 2), (3, 1, 1), (3, 3, 3)]
)
def test_one_replica_may_be_missing_unless_the_settings_say_otherwise(
    replication: int, min_insync: int, expected: int
) -> None:
    settings = Settings(topic_replication=replication, topic_min_insync=min_insync)
    assert {topic.min_insync for topic in settings.topics} == {expected}
    assert {topic.config().get("min.insync.replicas") for topic in Settings().topics} == {None}


@pytest.mark.parametrize(
    ("settings", "tls", "sasl"),
    [
        (Settings(), False, False),
        (Settings(kafka_security="SSL"), True, False),
        (Settings(kafka_security="SASL_PLAINTEXT"), False, True),
        (Settings(kafka_security="SASL_SSL"), True, True),
    ],
)
def test_the_protocol_says_whether_there_are_tls_and_sasl(settings: Settings, *, tls: bool, sasl: bool) -> None:
    assert (settings.kafka_tls, settings.kafka_sasl) == (tls, sasl)


def test_a_bot_may_have_its_own_idle_time() -> None:
    settings = Settings(idle_ttl=300.0, idle_ttl_bots={"BOTAAAAAA1": 5.0})
    assert (settings.idle_ttl_of("BOTAAAAAA1"), settings.idle_ttl_of("BOTBBBBBB2")) == (5.0, 300.0)


def test_no_secret_is_shown_however_settings_are_shown() -> None:
    secrets = Settings(kafka_password="s3cret", clickhouse_password="s3cret", token_key="s3cret")
    assert secrets.kafka_password == "s3cret"
    assert repr(secrets).count("'***'") == 3
    assert "clickhouse_user='default'" in repr(secrets)
    for shown in (repr(secrets), str(secrets), f"{secrets}", str([secrets]), str(pretty_repr(secrets))):
        assert "s3cret" not in shown
    assert "***" not in repr(Settings()), "nothing is pretended to be there"
