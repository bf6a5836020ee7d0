"""Remove dead letters from their topic by writing the others anew, as Kafka deletes no single record."""

from collections.abc import Callable, Mapping

import msgspec
from kafka import TopicPartition
from kafka.errors import KafkaError

from pipeline.config.settings import Settings
from pipeline.kafka.batches.damage import damage_of
from pipeline.kafka.client.connection import PATIENCE, reason
from pipeline.kafka.client.kafka_python import open_admin, open_consumer
from pipeline.kafka.dead_letters.reader import marked
from pipeline.kafka.offsets import read, spans_of
from pipeline.kafka.producer.produce import Producer, SendFailure
from pipeline.kafka.topics import topic_ids
from pipeline.runtime.errors import TransientError


class PurgeResult(msgspec.Struct, frozen=True):
    """Numbers of dead letters deleted and rewritten; `left` says why the old ones could not be deleted."""

    letters: int = 0
    kept: int = 0
    left: str = ""


def purge_dead_letters(
    settings: Settings, unwanted: Callable[[bytes], bool], patience: float = PATIENCE
) -> PurgeResult:
    """Write the dead letters to keep behind all others, then delete everything before them; nothing if all may be kept.

    Retried dead letters and unreadable batches are not rewritten. If it is interrupted in between, some dead letters
    exist twice, and none is lost; running it again removes the duplicates. What arrives meanwhile lies after the end
    that was read, and stays.

    Raises:
        TransientError: Kafka does not answer, or does not accept what is to be kept, or the topic is recreated
            meanwhile; then nothing is deleted.
    """
    with open_admin(settings, patience) as kafka, open_consumer(settings, patience) as consumer:
        ids = topic_ids(kafka, [settings.topic_dead])
        spans = spans_of(consumer, settings.topic_dead, patience)
        retried: set[tuple[int, int]] = set()
        letters = 0
        for record in read(consumer, spans, patience):
            retried.update((record.partition, offset) for offset in marked(record.key, record.value) or ())
            letters += unwanted(record.value or b"")
        if not letters:
            return PurgeResult()
        if left := _delete(settings, {partition: begin for partition, (begin, _) in spans.items()}, patience):
            return PurgeResult(letters=0, left=left)  # do not duplicate what cannot be deleted
        kept = 0
        with Producer(settings, on_failure=_refuse, patience=patience) as producer:
            for record in read(consumer, spans, patience):
                value = record.value or b""
                is_mark = marked(record.key, record.value) is not None
                retried_or_damaged = (record.partition, record.offset) in retried or damage_of(record) is not None
                if is_mark or unwanted(value) or retried_or_damaged:
                    continue
                producer.send(
                    settings.topic_dead,
                    record.key,
                    value,
                    partition=record.partition,
                    headers=record.headers,
                    timestamp=record.timestamp,
                )
                kept += 1
            producer.flush()
        if topic_ids(kafka, [settings.topic_dead]) != ids:
            raise TransientError(f"topic {settings.topic_dead} was deleted and recreated; nothing is deleted from it")
    left = _delete(settings, {partition: end for partition, (_, end) in spans.items()}, patience)
    return PurgeResult(0 if left else letters, kept, left)


def _refuse(failure: SendFailure) -> None:
    raise TransientError(f"Kafka does not accept a dead letter that must be kept: {failure.reason}; nothing is deleted")


def _delete(settings: Settings, ends: Mapping[TopicPartition, int], patience: float) -> str:
    """Delete the records before these offsets; return why that failed, else "". The embedded broker never can."""
    with open_admin(settings, patience) as client:
        try:
            client.delete_records(dict(ends), timeout_ms=int(patience * 1000))
        except KafkaError as refused:
            return reason(refused)
    return ""
