import msgspec
import pytest

from pipeline.config.settings import Settings
from pipeline.ingest.files.reader import InputLines
from pipeline.kafka.group import read_lag
from pipeline.kafka.producer.produce import Producer
from pipeline.kafka.topics import create_topics
from pipeline.reprocess.sinks.kafka import Feed, Tally
from tests.events import raw


def test_inputs_go_to_their_topics_and_are_counted_by_what_is_in_them(kafka_settings: Settings) -> None:
    create_topics(kafka_settings)
    with Producer(kafka_settings, on_failure=lambda failure: pytest.fail(str(failure))) as producer:
        feed = Feed(kafka_settings, producer)
        for text in (raw(), raw(requestId="r2"), b'{"messageType":"CONTROL_MESSAGE","logEvents":[]}', b"", b"{"):
            feed.put(text)
        producer.flush()
        assert feed.tally == Tally(inputs=5, entries=2, dead=2)
    assert ends(kafka_settings) == [3, 2, 0]


def test_lines_are_sent_as_if_one_by_one(kafka_settings: Settings) -> None:
    create_topics(kafka_settings)
    with Producer(kafka_settings, on_failure=lambda failure: pytest.fail(str(failure))) as producer:
        feed = Feed(kafka_settings, producer)
        assert feed.line_check
        found = feed.line_check(raw() + b"\n" + raw(requestId="r2", sessionId="another") + b"\n{")
        assert feed.put_lines(InputLines("file", 1, found.keys, found.texts)) == 2
        producer.flush()
        assert feed.tally == Tally(inputs=2, entries=2, dead=0)
    assert ends(kafka_settings) == [0, 2, 0]


def test_what_is_redacted_is_sent_one_by_one(kafka_settings: Settings) -> None:
    create_topics(kafka_settings)
    settings = msgspec.structs.replace(kafka_settings, redact_transcripts="drop")
    with Producer(settings, on_failure=lambda failure: pytest.fail(str(failure))) as producer:
        assert Feed(settings, producer).line_check is None


def ends(kafka_settings: Settings) -> list[int]:
    """Return the records of the topics."""
    ends = {topic.name: 0 for topic in kafka_settings.topics}
    for lag in read_lag(kafka_settings):
        ends[lag.topic] += lag.end
    return list(ends.values())
