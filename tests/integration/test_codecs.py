"""What producers compress, with whatever codec, workers and commands read as anything else."""

import itertools

import pytest
from kafka import TopicPartition

from tests.integration.component_stack import ComponentStack
from tests.integration.tables import assert_tables
from tests.integration.traffic import lines
from tests.pipeline.kafka.compressed_batches import CLIENTS, CODECS, send_compressed


@pytest.fixture(scope="module")
def traffic() -> list[bytes]:
    return lines(seed=12, conversations=60)


def test_every_codec_of_every_producer_is_folded_and_read_again(parts: ComponentStack, traffic: list[bytes]) -> None:
    kinds = list(itertools.product(CODECS, CLIENTS))
    partition = TopicPartition(parts.settings.topic_raw, 1)
    for number, (codec, client) in enumerate(kinds):
        send_compressed(parts.settings, partition, client, codec, traffic[number :: len(kinds)])
    parts.start_worker()
    parts.wait_until_folded()
    assert_tables(parts, traffic)
    replayed = parts.report("replay", "--topic", parts.settings.topic_raw)
    assert replayed["counts"]["read"] == len(traffic)
    assert parts.report("status")["problems"] == {}
