"""Find the log entries in one input, whatever they are wrapped in, within a budget of bytes, texts and layers."""

from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from pipeline.ingest.files.gzip_stream import GZIP
from pipeline.ingest.unwrap.budget import Budget, BudgetError
from pipeline.ingest.unwrap.opening import Inside, Layer, Unreadable, open_layer
from pipeline.ingest.unwrap.wrappers import name_of
from pipeline.runtime.errors import InvalidEventError, Reason

LAYERS: Final = 16
"""Wrappers inside one another: an SQS record of an SNS notification of a subscription event has nine."""
LETTERS: Final = 100
"""What of one input is no log entry is told one by one up to here; then once, of the input as a whole."""

GZIP_BASE64 = b"H4sI"

Entry = TypeVar("Entry")


def unwrap(raw: bytes, max_bytes: int, read: Callable[[bytes], Entry]) -> Iterator[Entry | Unreadable]:
    """Give what `read` makes of each entry in `raw`, and what is none and holds none, in their order.

    `read` raises InvalidEventError for what is no entry. It is asked first, of each layer; what it does not take is
    opened. Nothing comes of what is empty by right, such as CloudWatch's control messages. `max_bytes` are those that
    a message may have; where it costs more than that allows, the rest of it is not read, and all of it is unreadable.
    """
    if len(raw) > max_bytes:
        wrong = f"{len(raw)} bytes, where a message may have {max_bytes}"
        yield Unreadable(InvalidEventError(Reason.TOO_LARGE, wrong), raw)
        return
    letters, first = 0, None
    for found in _walk(raw, Budget(max_bytes), read):
        if isinstance(found, Unreadable):
            letters += 1
            if letters > LETTERS:
                first = first or found.invalid
                continue
        yield found
    if first is not None:
        wrong = (
            f"{letters - LETTERS} more of the texts in it are no log entries; of the first of them: {first.unquoted}"
        )
        yield Unreadable(InvalidEventError(first.reason, wrong, first.quoted), raw)


def unpacked_size(raw: bytes, max_bytes: int) -> int:
    """Count the bytes that an input comes to, with all that it unpacks to; by far the most are not packed."""
    if not raw.startswith(GZIP) and GZIP_BASE64 not in raw:
        return len(raw)
    budget = Budget(max_bytes)
    for _ in _walk(raw, budget, _nothing):
        pass
    return len(raw) + budget.unpacked


def _nothing(_: bytes) -> None:
    raise InvalidEventError(Reason.WRONG_SHAPE, "to be opened")


def _walk(raw: bytes, budget: Budget, read: Callable[[bytes], Entry]) -> Iterator[Entry | Unreadable]:
    """Go through all layers, the outer ones first; what is inside of one is on the stack until all of it was taken."""
    stack: list[Iterator[Layer | Unreadable]] = [iter((Layer(raw, ""),))]
    while stack:
        try:
            part = next(stack[-1], None)
            if part is None:
                stack.pop()
            elif isinstance(part, Unreadable):
                yield part
            else:
                found, inside = _taken(part, budget, read, raw if len(stack) > LAYERS else None)
                if inside is not None:
                    stack.append(iter(inside))
                elif found is not None:
                    yield found
        except BudgetError as beyond:
            yield Unreadable(beyond, raw)
            return


def _taken(
    part: Layer, budget: Budget, read: Callable[[bytes], Entry], too_deep: bytes | None
) -> tuple[Entry | Unreadable | None, Inside | None]:
    """Give the entry that the part is, or else what is inside, or else why it is neither.

    Where it may not be opened any more, `too_deep` is the whole input, which is then what is kept.
    """
    try:
        return read(part.text), None
    except InvalidEventError as invalid:
        wrong = invalid
    if too_deep is not None:
        deep = InvalidEventError(Reason.TOO_DEEP, f"more than {LAYERS} wrappers inside one another")
        return Unreadable(deep.inside(part.where), too_deep), None
    try:
        inside = open_layer(part, budget)
    except BudgetError:
        raise
    except InvalidEventError as broken:
        return Unreadable(broken.inside(part.where), part.text), None
    if inside is None and wrong.reason is Reason.WRONG_SHAPE and (name := name_of(part.text)):
        wrong = InvalidEventError(Reason.WRONG_SHAPE, f"{name}: it holds no log entry that can be read")
    return Unreadable(wrong.inside(part.where), part.text), inside
