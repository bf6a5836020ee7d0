"""The SDK's own model of Lex V2's runtime decides the names of the members."""

import msgspec
import pytest
from botocore.session import get_session

from schemas.lex import session_v2
from schemas.lex.session_v2 import (
    ActiveContext,
    Button,
    ConfidenceScore,
    DialogAction,
    GetSessionResponse,
    ImageResponseCard,
    Intent,
    Interpretation,
    Message,
    RuntimeHintDetails,
    RuntimeHints,
    RuntimeHintValue,
    SentimentResponse,
    SentimentScore,
    SessionId,
    SessionState,
    Slot,
    SlotValue,
    SubSlotToElicit,
    TimeToLive,
)

SHAPES = {
    ActiveContext: "ActiveContext",
    Button: "Button",
    ConfidenceScore: "ConfidenceScore",
    DialogAction: "DialogAction",
    GetSessionResponse: "GetSessionResponse",
    ImageResponseCard: "ImageResponseCard",
    Intent: "Intent",
    Interpretation: "Interpretation",
    Message: "Message",
    RuntimeHintDetails: "RuntimeHintDetails",
    RuntimeHintValue: "RuntimeHintValue",
    RuntimeHints: "RuntimeHints",
    SentimentResponse: "SentimentResponse",
    SentimentScore: "SentimentScore",
    SessionState: "SessionState",
    Slot: "Slot",
    SlotValue: "Value",
    SubSlotToElicit: "ElicitSubSlot",
    TimeToLive: "ActiveContextTimeToLive",
}
LITERALS = {
    "ContentType": "MessageContentType",
    "Confirmation": "ConfirmationState",
    "IntentState": "IntentState",
    "ActionType": "DialogActionType",
}


@pytest.mark.parametrize(("struct", "name"), SHAPES.items())
def test_members_are_named_as_in_the_sdk(struct: type[msgspec.Struct], name: str) -> None:
    shape = get_session().get_service_model("lexv2-runtime").shape_for(name)
    assert {field.encode_name for field in msgspec.structs.fields(struct)} == set(shape.members)


@pytest.mark.parametrize(("alias", "name"), LITERALS.items())
def test_values_are_those_of_the_sdk(alias: str, name: str) -> None:
    shape = get_session().get_service_model("lexv2-runtime").shape_for(name)
    assert set(getattr(session_v2, alias).__args__) == set(shape.enum)


def test_members_that_are_unset_are_omitted() -> None:
    assert msgspec.json.encode(Message("PlainText", "hi")) == b'{"contentType":"PlainText","content":"hi"}'


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("ab", True),
        ("a/b:c_d.e-f", True),
        ("x" * 100, True),
        ("a", False),
        ("x" * 101, False),
        ("a b", False),
        ("ab\n", False),
    ],
)
def test_session_ids_are_limited_as_in_lex_with_the_slash_allowed(text: str, *, valid: bool) -> None:
    if valid:
        assert msgspec.convert(text, SessionId) == text
        return
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(text, SessionId)
