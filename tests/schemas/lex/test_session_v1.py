"""The SDK's own model of Lex V1's runtime decides the names of the members."""

import msgspec
import pytest
from botocore.session import get_session

from schemas.lex import session_v1
from schemas.lex.session_v1 import ActiveContextV1, DialogActionV1, GetSessionV1Response, IntentSummary, Label

SHAPES = {
    ActiveContextV1: "ActiveContext",
    DialogActionV1: "DialogAction",
    GetSessionV1Response: "GetSessionResponse",
    IntentSummary: "IntentSummary",
}
LITERALS = {
    "ActionType": "DialogActionType",
    "FulfillmentState": "FulfillmentState",
    "MessageFormat": "MessageFormatType",
}


@pytest.mark.parametrize(("struct", "name"), SHAPES.items())
def test_members_are_named_as_in_the_sdk(struct: type[msgspec.Struct], name: str) -> None:
    shape = get_session().get_service_model("lex-runtime").shape_for(name)
    assert {field.encode_name for field in msgspec.structs.fields(struct)} == set(shape.members)


@pytest.mark.parametrize(("alias", "name"), LITERALS.items())
def test_values_are_those_of_the_sdk(alias: str, name: str) -> None:
    shape = get_session().get_service_model("lex-runtime").shape_for(name)
    assert set(getattr(session_v1, alias).__args__) == set(shape.enum)


@pytest.mark.parametrize("text", ["", "a_b", "x" * 256, "a\n"])
def test_a_label_outside_lexs_pattern_is_an_error(text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(text, Label)
    assert msgspec.convert("step-1", Label) == "step-1"
