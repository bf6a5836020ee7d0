"""Each metrics operation knows the metrics, groups, bins and filters of its requests, and no others."""

from typing import Any

import msgspec
import pytest

from pipeline.query.metrics.kinds import CONCURRENCY, UTTERANCE_TIMESTAMP
from schemas.lex.analytics.metrics import UtteranceBinName
from tests.pipeline.query.metrics.metrics_requests import KINDS


def names(struct: type[msgspec.Struct], member: str) -> set[str]:
    """Names that the items of a list may have."""
    _, schemas = msgspec.json.schema_components([struct])
    listed: Any = schemas[struct.__name__]["properties"][member]
    listed = listed if "items" in listed else listed["anyOf"][0]
    item = schemas[listed["items"]["$ref"].rsplit("/", 1)[1]]
    return set(schemas[item["properties"]["name"]["$ref"].rsplit("/", 1)[1]]["enum"])


@pytest.mark.parametrize("operation", KINDS)
def test_a_kind_has_what_its_requests_have(operation: str) -> None:
    kind, struct = KINDS[operation]
    assert kind.operation == operation
    assert set(kind.numbers) == names(struct, "metrics") - {CONCURRENCY}
    assert set(kind.groups) == names(struct, "groupBy")
    assert set(kind.bins) == names(struct, "binBy")
    assert set(kind.filters) == names(struct, "filters")


def test_instants_are_of_utterances_alone() -> None:
    kinds = [kind for kind, _ in KINDS.values()]
    assert [kind.operation for kind in kinds if UTTERANCE_TIMESTAMP in kind.numbers] == ["ListUtteranceMetrics"]
    assert [kind.operation for kind in kinds if set(kind.bins) == set(UtteranceBinName)] == ["ListUtteranceMetrics"]
