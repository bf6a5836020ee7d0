"""Transactions: what is committed is folded, what is aborted is not, and markers leave no lag behind."""

import pytest

from tests.broker_matrix import ON_APACHE
from tests.integration.component_stack import ComponentStack
from tests.integration.tables import assert_tables
from tests.integration.traffic import lines
from tests.pipeline.kafka.producing import writing


@pytest.fixture(scope="module")
def traffic() -> list[bytes]:
    return lines(seed=14, conversations=40)


@ON_APACHE  # the embedded broker tells nobody which transactions were aborted
def test_what_is_committed_is_folded_and_nothing_else(parts: ComponentStack, traffic: list[bytes]) -> None:
    parts.start_worker()
    settings = parts.settings
    for partition in range(settings.topic_partitions):
        with writing(settings, enable_idempotence=True, transactional_id=f"{settings.kafka_group}-{partition}") as one:
            one.init_transactions()
            for place in range(3):  # the last one is aborted: the partition ends with its records and its marker
                one.begin_transaction()
                for line in traffic[partition + 4 * place :: 12] if place < 2 else [b"{", *aborted(traffic)]:
                    one.send(settings.topic_raw, line, partition=partition)
                one.flush()
                (one.commit_transaction if place < 2 else one.abort_transaction)()
    rest = parts.folder / "rest.jsonl"
    rest.write_bytes(b"\n".join(line for number, line in enumerate(traffic) if number % 12 >= 8))
    assert parts.report("ingest", "--wait=100", str(rest))["folded"] is True
    parts.wait_until_folded()
    assert_tables(parts, traffic)
    replayed = parts.report("replay", "--topic", settings.topic_raw)
    assert len(traffic) * 2 // 3 <= replayed["counts"]["read"] <= len(traffic)
    assert_tables(parts, traffic)


def aborted(traffic: list[bytes]) -> list[bytes]:
    """Events of conversations that there are not."""
    return [line.replace(b'"sessionId":"', b'"sessionId":"aborted-') for line in traffic[:20]]
