"""Find the log entries in one input, whatever wraps them, within a budget; search what cannot be read for a session."""

import json
from collections.abc import Callable, Collection, Iterator
from typing import Final, TypeVar

from pipeline.ingest.files.gzip_stream import GZIP
from pipeline.ingest.unwrap.budget import Budget, BudgetError
from pipeline.ingest.unwrap.contents import Contents, Layer, Unreadable
from pipeline.ingest.unwrap.opening import open_layer
from pipeline.ingest.unwrap.wrappers import wrapper_name
from pipeline.runtime.errors import InvalidEventError, Reason

MAX_LAYERS: Final = 16
"""Nested wrappers: an SQS record of an SNS notification of a subscription event has nine."""
MAX_DEAD_LETTERS: Final = 100
"""Dead letters for single texts of one input; more become one dead letter of the whole input."""
GZIP_BASE64 = b"H4sI"
Entry = TypeVar("Entry")


def unwrap(raw: bytes, max_bytes: int, read: Callable[[bytes], Entry]) -> Iterator[Entry | Unreadable]:
    """Yield the result of `read` for each entry in `raw`, and what is neither an entry nor a wrapper, in order.

    `read` raises InvalidEventError for anything but an entry. It is tried first on each layer; what it rejects is
    opened. Inputs that are empty by design, such as CloudWatch's control messages, yield nothing. `max_bytes` is the
    size limit of a message; an input that exceeds the budget derived from it is not read further, and is unreadable as
    a whole.
    """
    if len(raw) > max_bytes:
        problem = f"{len(raw)} bytes; a message may have at most {max_bytes}"
        yield Unreadable(InvalidEventError(Reason.TOO_LARGE, problem), raw)
        return
    count, first = 0, None
    for found in _walk(raw, Budget(max_bytes), read):
        if isinstance(found, Unreadable):
            count += 1
            if count > MAX_DEAD_LETTERS:
                first = first or found.invalid
                continue
        yield found
    if first is not None:
        problem = (
            f"{count - MAX_DEAD_LETTERS} more texts in it are not log entries; the first of them: {first.unquoted}"
        )
        yield Unreadable(InvalidEventError(first.reason, problem, first.quoted), raw)


def unpacked_size(raw: bytes, max_bytes: int) -> int:
    """Return the bytes of an input and all that it decompresses to; almost no input is compressed."""
    if not raw.startswith(GZIP) and GZIP_BASE64 not in raw:
        return len(raw)
    budget = Budget(max_bytes)
    for _ in _walk(raw, budget, _reject):
        pass
    return len(raw) + budget.unpacked


def _reject(_: bytes) -> None:
    raise InvalidEventError(Reason.WRONG_SHAPE, "to be opened")


def _walk(raw: bytes, budget: Budget, read: Callable[[bytes], Entry]) -> Iterator[Entry | Unreadable]:
    """Go through all layers, the outer ones first; the stack holds the layers that are open."""
    stack: list[Iterator[Layer | Unreadable]] = [iter((Layer(raw, ""),))]
    while stack:
        try:
            layer = next(stack[-1], None)
            if layer is None:
                stack.pop()
            elif isinstance(layer, Unreadable):
                yield layer
            else:
                found, contents = _read_or_open(layer, budget, read, raw if len(stack) > MAX_LAYERS else None)
                if contents is not None:
                    stack.append(iter(contents))
                elif found is not None:
                    yield found
        except BudgetError as error:
            yield Unreadable(error, raw)
            return


def _read_or_open(
    layer: Layer, budget: Budget, read: Callable[[bytes], Entry], too_deep: bytes | None
) -> tuple[Entry | Unreadable | None, Contents | None]:
    """Return the entry in the layer, or else its contents, or else why it has neither.

    If the layer may not be opened, `too_deep` is the whole input, which is then kept.
    """
    try:
        return read(layer.text), None
    except InvalidEventError as rejection:
        error = rejection
    if too_deep is not None:
        deep = InvalidEventError(Reason.TOO_DEEP, f"more than {MAX_LAYERS} nested wrappers")
        return Unreadable(deep.inside(layer.where), too_deep), None
    try:
        contents = open_layer(layer, budget)
    except BudgetError:
        raise
    except InvalidEventError as broken:
        return Unreadable(broken.inside(layer.where), layer.text), None
    if contents is None and error.reason is Reason.WRONG_SHAPE and (name := wrapper_name(layer.text)):
        error = InvalidEventError(Reason.WRONG_SHAPE, f"{name}: it holds no log entry that can be read")
    return Unreadable(error.inside(layer.where), layer.text), contents


def mentions(raw: bytes, session_id: str, bots: Collection[str], max_bytes: int) -> bool:
    """Return whether the session, and one of `bots` if there are any, is quoted in `raw` or in what it wraps.

    A broken input has no members to look at, so a text that only looks like the id counts too: an erasure must rather
    remove too much than too little.
    """

    def is_mentioned(text: bytes) -> bool:
        return _quotes(text, session_id) and (not bots or any(_quotes(text, bot) for bot in bots))

    def read(text: bytes) -> bool:
        if is_mentioned(text):
            return True
        raise InvalidEventError(Reason.WRONG_SHAPE, "the session is not mentioned")  # so that the layer is opened

    return is_mentioned(raw) or any(result is True for result in unwrap(raw, max_bytes, read))


def _quotes(text: bytes, word: str) -> bool:
    """Return whether `word` is a JSON string in `text`, or in a JSON string in it, in either escaping."""
    variants = {json.dumps(word), json.dumps(word, ensure_ascii=False)}
    nested = {json.dumps(variant)[1:-1] for variant in variants} | {
        json.dumps(variant, ensure_ascii=False)[1:-1] for variant in variants
    }
    return any(variant.encode() in text for variant in variants | nested)
