import pytest

from pipeline.config.settings import Settings
from pipeline.kafka.group import read_lag
from pipeline.kafka.produce import Producer
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
    ends = {topic.name: 0 for topic in kafka_settings.topics}
    for lag in read_lag(kafka_settings):
        ends[lag.topic] += lag.end
    assert list(ends.values()) == [3, 2, 0]
