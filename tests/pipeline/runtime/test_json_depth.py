"""The depth of JSON is counted without recursion, exactly, whatever stands in its strings."""

import json
import sys
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config.settings import Settings
from pipeline.ingest.decoder import EventDecoder
from pipeline.runtime import json_depth
from pipeline.runtime.errors import InvalidEventError, Reason
from pipeline.runtime.json_depth import MAX_DEPTH, too_deep
from tests.events import raw

VALUES = st.recursive(
    st.text('{}[]"\\\u00e9a', max_size=6) | st.integers() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('{["\\', max_size=3), inner, max_size=3),
    max_leaves=12,
)


def depth(value: object) -> int:
    """The slow, obvious way."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inside is None else 1 + max(map(depth, inside), default=0)


@given(VALUES, st.integers(0, 4), st.integers(1, 64), st.booleans(), st.sampled_from([None, 1]))
def test_it_is_as_deep_as_it_is(value: object, most: int, chunk: int, ascii_only: bool, indent: int | None) -> None:  # noqa: FBT001 - drawn
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_depth, "CHUNK", chunk)
        assert too_deep(text, most) == (depth(value) > most)


@given(st.binary(max_size=300), st.integers(0, 9))
def test_any_bytes_can_be_asked_for(text: bytes, most: int) -> None:
    assert too_deep(text, most) in {True, False}


def stacked(levels: int, action: Callable[[], object]) -> object:
    return stacked(levels - 1, action) if levels else action()


@pytest.mark.parametrize("stack", [0, 500])
def test_the_limit_is_the_same_however_deep_the_stack_is(stack: int) -> None:
    """What is folded by one process must not be a dead letter in another."""
    reading = EventDecoder.of(Settings(redact_transcripts="mask"))
    stack = min(stack, sys.getrecursionlimit() - 500)

    def nested(levels: int) -> bytes:
        return raw(new=None).replace(b'"new":null', b'"new":' + b"[" * levels + b"]" * levels)

    assert stacked(stack, lambda: reading.decode(nested(MAX_DEPTH - 1))[0].session_id) == "session-1"
    with pytest.raises(InvalidEventError) as caught:
        stacked(stack, lambda: reading.decode(nested(MAX_DEPTH)))
    assert caught.value.reason is Reason.TOO_DEEP
