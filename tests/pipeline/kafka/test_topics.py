import msgspec
import pytest

from pipeline.config.settings import Settings
from pipeline.kafka.client.kafka_python import open_admin
from pipeline.kafka.topics import FoundTopic, create_topics, differ, find_topics, require_topics
from pipeline.runtime.errors import TransientError, UsageError
from schemas.topics import Topic
from tests.broker_matrix import ON_BOTH


@ON_BOTH
def test_missing_topics_are_created_as_the_settings_say(kafka_settings: Settings) -> None:
    report = create_topics(kafka_settings)
    assert report.created == tuple(topic.name for topic in kafka_settings.topics)
    assert report.differences == ()
    found = find_topics(kafka_settings)
    for topic in kafka_settings.topics:
        assert found[topic.name].partitions == topic.partitions
        assert found[topic.name].replication == topic.replication
        assert found[topic.name].config.items() >= topic.config().items()


def test_a_second_time_creates_nothing(kafka_settings: Settings) -> None:
    create_topics(kafka_settings)
    assert create_topics(kafka_settings).created == ()


def test_a_dry_run_only_says_so(kafka_settings: Settings) -> None:
    assert len(create_topics(kafka_settings, dry_run=True).created) == 3
    assert find_topics(kafka_settings) == {}


@ON_BOTH
def test_an_existing_topic_is_left_alone_and_each_difference_is_named(kafka_settings: Settings) -> None:
    create_topics(kafka_settings)
    wanted = msgspec.structs.replace(
        kafka_settings, topic_partitions=7, topic_retention_days=1, max_message_bytes=2_000_000
    )
    report = create_topics(wanted)
    assert report.created == ()
    told = [text for text in report.differences if f"topic {wanted.topic_turns} " in text]
    assert told == [
        f"topic {wanted.topic_turns} has 4 partitions, the settings say 7",
        f"topic {wanted.topic_turns} has retention.ms=604800000, the settings say 86400000",
        f"topic {wanted.topic_turns} has max.message.bytes=4194304, the settings say 2000000",
    ]
    assert find_topics(wanted)[wanted.topic_turns].partitions == 4


def test_a_topic_made_by_hand_is_kept_and_the_others_are_created(kafka_settings: Settings) -> None:
    with open_admin(kafka_settings) as kafka:
        kafka.create_topics({kafka_settings.topic_turns: {"num_partitions": 4, "replication_factor": 1}})
    report = create_topics(kafka_settings)
    assert report.created == (kafka_settings.topic_raw, kafka_settings.topic_dead)
    assert all(kafka_settings.topic_turns in text for text in report.differences), "the others are as they should be"


def test_a_compacted_topic_is_reported_as_it_loses_events(kafka_settings: Settings) -> None:
    settings = {"cleanup.policy": "compact,delete"}
    topic = {"num_partitions": 4, "replication_factor": 1, "configs": settings}
    with open_admin(kafka_settings) as kafka:
        kafka.create_topics({kafka_settings.topic_turns: topic})
    told = [text for text in create_topics(kafka_settings).differences if "cleanup.policy" in text]
    assert told == [f"topic {kafka_settings.topic_turns} has cleanup.policy=compact,delete, the settings say delete"]


def test_require_topics_names_what_is_missing_and_what_would_help(kafka_settings: Settings) -> None:
    with pytest.raises(UsageError, match=f"lacks {kafka_settings.topic_raw}, .*turnfold migrate"):
        require_topics(kafka_settings)
    create_topics(kafka_settings)
    require_topics(kafka_settings)
    assert len(find_topics(kafka_settings)) == 3, "asking for a topic must not create it"


def test_topics_need_a_broker() -> None:
    with pytest.raises(TransientError):
        create_topics(Settings(kafka=("127.0.0.1:1",)))


def test_what_kafka_does_not_tell_is_no_difference() -> None:
    topic = Topic("t", 4, 1, 1, -1, 1_000_000)
    assert differ(topic, FoundTopic("t", 4, 1, {})) == []
    assert differ(topic, FoundTopic("t", 4, 2, {"retention.ms": "-1", "cleanup.policy": "delete"})) == [
        "topic t has 2 replicas, the settings say 1"
    ]
