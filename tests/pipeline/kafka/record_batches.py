"""Build record batches byte for byte, including some that no client would write."""

from collections.abc import Iterator, Sequence
from typing import Any

from crc32c import crc32c
from kafka import TopicPartition
from kafka.errors import for_code
from kafka.protocol.producer import ProduceRequest
from kafka.record import MemoryRecordsBuilder

from pipeline.config.settings import Settings
from pipeline.kafka.client.kafka_python import open_consumer

HEADER_BYTES = 61
CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}


def batch_of(values: Sequence[bytes], codec: str = "none", offset: int = 0, **options: Any) -> bytes:
    """Build one batch of these values, the first at `offset`."""
    builder = MemoryRecordsBuilder(2, CODECS[codec], 1 << 30, **options)
    for place, value in enumerate(values):
        assert builder.append(1_780_000_000_000 + place, None, value)
    builder.close()
    return at(offset, bytes(builder.buffer()))


def at(offset: int, batch: bytes) -> bytes:
    """Return the batch at another base offset, which the checksum does not cover."""
    return offset.to_bytes(8) + batch[8:]


def produce(settings: Settings, partition: TopicPartition, batch: bytes) -> int:
    """Have the broker store this batch; the offset that it gave it.

    Raises:
        KafkaError: the broker looks into batches, and refuses this one.
    """
    topic = ProduceRequest.TopicProduceData
    part = topic.PartitionProduceData(index=partition.partition, records=batch)
    data = topic(name=partition.topic, partition_data=[part])
    request = ProduceRequest(
        transactional_id=None, acks=-1, timeout_ms=10_000, topic_data=[data], min_version=3, max_version=9
    )
    with open_consumer(settings) as client:
        client.partitions_for_topic(partition.topic)
        manager = client._client._manager
        node = manager.cluster.leader_for_partition(partition)
        response = manager.run(_send, manager, request, node)
    answer = response.responses[0].partition_responses[0]
    if answer.error_code:
        raise for_code(answer.error_code)(answer.error_code)
    return int(answer.base_offset)


async def _send(manager: Any, request: Any, node: int) -> Any:
    return await manager.send(request, node_id=node)


def with_checksum(batch: bytes | bytearray) -> bytes:
    """Return the batch with a matching checksum."""
    changed = bytearray(batch)
    changed[17:21] = crc32c(bytes(changed[21:])).to_bytes(4)
    return bytes(changed)


def _damaged() -> Iterator[tuple[str, bytes]]:
    values = [b"%d" % number * 300 for number in range(3)]
    plain = bytearray(batch_of(values))
    yield "checksum", bytes(plain[:-3] + b"?" + plain[-2:])
    for codec in ("gzip", "snappy", "lz4", "zstd"):
        packed = bytearray(batch_of(values, codec))
        packed[HEADER_BYTES + 16 :] = b"\xff" * (len(packed) - HEADER_BYTES - 16)
        yield codec, with_checksum(packed)
    yield "record", with_checksum(plain[:HEADER_BYTES] + b"\x7f" + plain[HEADER_BYTES + 1 :])
    yield "count", with_checksum(plain[: HEADER_BYTES - 4] + (9).to_bytes(4) + plain[HEADER_BYTES:])


DAMAGED = dict(_damaged())
"""Batches of three records each that cannot be read."""
