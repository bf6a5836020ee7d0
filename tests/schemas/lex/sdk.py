"""Compare structs with the SDK's own model of Amazon Lex, which decides names, requirements and limits."""

from collections.abc import Set as AbstractSet
from enum import StrEnum
from functools import cache
from typing import Any

import msgspec
from botocore.session import get_session

IN_PATH = frozenset({"botId"})
"""The member of requests that is in the path, not in the body."""
NONE: frozenset[str] = frozenset()


@cache
def _model() -> Any:
    return get_session().get_service_model("lexv2-models")


def shape(name: str) -> Any:
    """Return a shape of the service by its name."""
    return _model().shape_for(name)


def members(struct: type[msgspec.Struct], *, required: bool = False) -> set[str]:
    """Return the names of a struct's members, or of those that it requires."""
    return {field.encode_name for field in msgspec.structs.fields(struct) if field.required or not required}


def check_members(struct: type[msgspec.Struct], apart: AbstractSet[str] = NONE) -> None:
    """A struct has the members of the shape of its name, but for those `apart`."""
    expected = set(shape(struct.__name__).members)
    assert apart <= expected
    assert members(struct) == expected - apart


def check_request(struct: type[msgspec.Struct], apart: AbstractSet[str] = NONE) -> None:
    """A struct has the members of its shape, and requires those that the shape requires."""
    check_members(struct, apart)
    assert members(struct, required=True) == set(shape(struct.__name__).required_members) - apart


def check_words(name: str, enum: type[StrEnum], more: AbstractSet[str] = NONE) -> None:
    """An enum has the words of the shape `name`, and `more`, which are none of them."""
    assert set(enum) == set(shape(name).enum) | more
    assert not more & set(shape(name).enum)


def check_length(struct: type[msgspec.Struct], member: str, name: str) -> None:
    """A list is as long as the shape `name` allows."""
    _, schemas = msgspec.json.schema_components([struct])
    found = schemas[struct.__name__]["properties"][member]
    found = found.get("anyOf", [found])[0]
    limits = shape(name).metadata
    assert (found["minItems"], found["maxItems"]) == (limits["min"], limits["max"])


def decodes(struct: type[msgspec.Struct], **values: Any) -> bool:
    """Return whether JSON with these members is valid."""
    try:
        msgspec.json.decode(msgspec.json.encode(values), type=struct)
    except msgspec.ValidationError:
        return False
    return True
