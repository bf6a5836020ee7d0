"""What must not be kept in; the topic of dead letters without it, out. Kafka takes no single record out of a topic."""

from collections.abc import Callable, Mapping

import msgspec
from kafka import TopicPartition
from kafka.errors import KafkaError

from pipeline.config.settings import Settings
from pipeline.kafka.batches.damage import damage_of
from pipeline.kafka.client import PATIENCE, open_admin, open_consumer
from pipeline.kafka.connectivity import reason
from pipeline.kafka.dead_letters.reader import marked
from pipeline.kafka.offsets import read, spans_of
from pipeline.kafka.produce import Producer, SendFailure
from pipeline.runtime.errors import TransientError


class PurgeResult(msgspec.Struct, frozen=True):
    """How many letters are gone, how many others were written anew; `left` says why the old ones are still there."""

    letters: int = 0
    kept: int = 0
    left: str = ""


def purge_dead_letters(
    settings: Settings, unwanted: Callable[[bytes], bool], patience: float = PATIENCE
) -> PurgeResult:
    """Write the letters that may be kept behind all others, then delete all up to there; nothing where all may be kept.

    Letters that were sent again, and batches that cannot be read, are not written anew. Interrupted in between, some
    letters are there twice, and none is lost; to run it again ends that. What comes meanwhile lies behind the end
    that was seen, and stays.

    Raises:
        TransientError: Kafka does not answer, or does not take what is to be kept; then nothing is deleted.
    """
    with open_consumer(settings, patience) as consumer:
        spans = spans_of(consumer, settings.topic_dead, patience)
        again: set[tuple[int, int]] = set()
        letters = 0
        for record in read(consumer, spans, patience):
            again.update((record.partition, offset) for offset in marked(record.key, record.value) or ())
            letters += unwanted(record.value or b"")
        if not letters:
            return PurgeResult()
        if left := _delete(settings, {partition: begin for partition, (begin, _) in spans.items()}, patience):
            return PurgeResult(letters=0, left=left)  # where nothing can be deleted, nothing is written twice
        kept = 0
        with Producer(settings, on_failure=_refuse, patience=patience) as producer:
            for record in read(consumer, spans, patience):
                value = record.value or b""
                mark = marked(record.key, record.value) is not None
                again_or_lost = (record.partition, record.offset) in again or damage_of(record) is not None
                if mark or unwanted(value) or again_or_lost:
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
    left = _delete(settings, {partition: end for partition, (_, end) in spans.items()}, patience)
    return PurgeResult(0 if left else letters, kept, left)


def _refuse(failure: SendFailure) -> None:
    raise TransientError(f"Kafka does not take a dead letter that is to be kept: {failure.reason}; nothing is deleted")


def _delete(settings: Settings, ends: Mapping[TopicPartition, int], patience: float) -> str:
    """Delete what is before these offsets; why that cannot be, where it cannot. The embedded broker never can."""
    with open_admin(settings, patience) as client:
        try:
            client.delete_records(dict(ends), timeout_ms=int(patience * 1000))
        except KafkaError as refused:
            return reason(refused)
    return ""
