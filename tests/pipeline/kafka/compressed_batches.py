"""Send batches compressed by each client with each codec of Kafka."""

import asyncio

from aiokafka import AIOKafkaProducer
from confluent_kafka import Producer as Librdkafka
from kafka import TopicPartition

from pipeline.config.settings import Settings
from tests.pipeline.kafka.producing import PATIENCE, writing

CODECS = ("gzip", "snappy", "lz4", "zstd")
CLIENTS = ("aiokafka", "kafka-python", "librdkafka")


def send_compressed(
    settings: Settings, partition: TopicPartition, client: str, codec: str, values: list[bytes]
) -> None:
    """Send one batch of these values with that client and codec."""
    if client == "aiokafka":
        asyncio.run(_send_by_aiokafka(settings, partition, codec, values))
    elif client == "kafka-python":
        with writing(settings, compression_type=codec) as producer:
            for value in values:
                producer.send(partition.topic, value, partition=partition.partition)
            producer.flush(PATIENCE)
    else:
        options = {"bootstrap.servers": ",".join(settings.kafka), "compression.codec": codec, "linger.ms": 200}
        producer = Librdkafka(options)
        for value in values:
            producer.produce(partition.topic, value, partition=partition.partition)
        assert producer.flush(PATIENCE) == 0


async def _send_by_aiokafka(settings: Settings, partition: TopicPartition, codec: str, values: list[bytes]) -> None:
    options = {"bootstrap_servers": list(settings.kafka), "compression_type": codec, "linger_ms": 200}
    async with AIOKafkaProducer(**options) as producer:
        sent = [await producer.send(partition.topic, value, partition=partition.partition) for value in values]
        await asyncio.gather(*sent)
