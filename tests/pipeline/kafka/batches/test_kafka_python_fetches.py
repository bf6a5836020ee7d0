"""A checked consumer knows the end of each partition that it fetches from, and decodes only checked batches."""

from kafka import KafkaProducer, TopicPartition

from pipeline.config.settings import Settings
from pipeline.kafka.batches.kafka_python_fetches import Ends
from pipeline.kafka.client.kafka_python import TopicReader
from tests.pipeline.kafka.producing import now, send, wait_until, writing


def test_the_ends_of_a_partition_are_kept_up_to_date(
    consumer: TopicReader, partition: TopicPartition, producer: KafkaProducer
) -> None:
    consumer.assign([partition])
    for total in (2, 4):
        send(producer, partition, [now()] * 2)
        wait_until(lambda: consumer.poll(timeout_ms=100) != {})
        assert consumer.ends[partition] == Ends(total, total)


def test_an_open_transaction_ends_what_can_be_read(
    kafka_settings: Settings, consumer: TopicReader, partition: TopicPartition
) -> None:
    options = {"enable_idempotence": True, "transactional_id": kafka_settings.kafka_group}
    with writing(kafka_settings, **options) as transacting:
        transacting.init_transactions()
        transacting.begin_transaction()
        send(transacting, partition, [now()] * 3)
        consumer.assign([partition])
        consumer.seek(partition, 0)
        wait_until(lambda: consumer.poll(timeout_ms=100) == {} and partition in consumer.ends)
        assert consumer.ends[partition] == Ends(0, 3)
        transacting.abort_transaction()
