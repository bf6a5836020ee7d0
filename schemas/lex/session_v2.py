"""Define the wire format of Lex V2's GetSession: the current state of one session of a bot's user.

Turnfold also reads log entries with these types, and log entries vary: a member that Lex's API requires is optional
here if a log entry may lack it.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

NonEmpty = Annotated[str, Meta(min_length=1)]
SessionId = Annotated[
    str,
    Meta(
        pattern="^[0-9a-zA-Z._:/-]{2,100}$(?!\n)",
        max_length=100,
        description="2 to 100 of 0-9, A-Z, a-z and . _ : - /",
    ),
]
"""Lex's own pattern, plus the slash, which some producers use in ids."""

NameOrId = Annotated[str, Meta(min_length=1, max_length=512, description="1 to 512 characters")]
"""Name or id of a bot, an alias or a locale, at most as long as in a turn event."""

ContentType = Literal["PlainText", "CustomPayload", "SSML", "ImageResponseCard"]
Confirmation = Literal["None", "Confirmed", "Denied"]
IntentState = Literal["Failed", "Fulfilled", "InProgress", "ReadyForFulfillment", "Waiting", "FulfillmentInProgress"]
ActionType = Literal["Close", "ConfirmIntent", "Delegate", "ElicitIntent", "ElicitSlot", "None"]


class SessionResponse(msgspec.Struct, frozen=True, rename="camel"):
    """Base of response bodies: a member that is UNSET is omitted."""


class Button(SessionResponse, frozen=True):
    """A button of a card."""

    text: str
    value: str


class ImageResponseCard(SessionResponse, frozen=True):
    """A card for the client to show."""

    title: NonEmpty
    subtitle: str | UnsetType = UNSET
    image_url: str | UnsetType = UNSET
    buttons: Annotated[tuple[Button, ...], Meta(max_length=5)] | UnsetType = UNSET


class Message(SessionResponse, frozen=True):
    """A message of the bot to the user."""

    content_type: ContentType
    content: NonEmpty | UnsetType = UNSET
    image_response_card: ImageResponseCard | UnsetType = UNSET


class SlotValue(SessionResponse, frozen=True):
    """The value of a slot, as the user gave it and as the bot interpreted it."""

    original_value: str | UnsetType = UNSET
    interpreted_value: str | UnsetType = UNSET
    resolved_values: tuple[str, ...] | UnsetType = UNSET


class Slot(SessionResponse, frozen=True):
    """A filled slot: one value, a list of values, or a group of slots."""

    shape: Literal["Scalar", "List", "Composite"] | UnsetType = UNSET
    value: SlotValue | UnsetType = UNSET
    values: tuple["Slot", ...] | UnsetType = UNSET
    sub_slots: dict[NonEmpty, "Slot | None"] | UnsetType = UNSET


class Intent(SessionResponse, frozen=True):
    """An intent and its state. A slot that is not filled is null."""

    name: NonEmpty
    slots: dict[NonEmpty, Slot | None] = {}
    state: IntentState | UnsetType = UNSET
    confirmation_state: Confirmation | UnsetType = UNSET


class ConfidenceScore(SessionResponse, frozen=True):
    """The confidence of an interpretation, 0 to 1."""

    score: float


class SentimentScore(SessionResponse, frozen=True):
    """The probability of each sentiment, 0 to 1."""

    positive: float | UnsetType = UNSET
    negative: float | UnsetType = UNSET
    neutral: float | UnsetType = UNSET
    mixed: float | UnsetType = UNSET


class SentimentResponse(SessionResponse, frozen=True):
    """The sentiment of the user's input."""

    sentiment: Literal["MIXED", "NEGATIVE", "NEUTRAL", "POSITIVE"] | UnsetType = UNSET
    sentiment_score: SentimentScore | UnsetType = UNSET


class Interpretation(SessionResponse, frozen=True):
    """A candidate intent for the user's input; the first one is the likeliest."""

    intent: Intent
    nlu_confidence: ConfidenceScore | UnsetType = UNSET
    sentiment_response: SentimentResponse | UnsetType = UNSET
    interpretation_source: Literal["Bedrock", "Lex"] | UnsetType = UNSET


class SubSlotToElicit(SessionResponse, frozen=True):
    """The slot within a group that the bot asks for."""

    name: NonEmpty
    sub_slot_to_elicit: "SubSlotToElicit | UnsetType" = UNSET


class DialogAction(SessionResponse, frozen=True):
    """The bot's next action."""

    type: ActionType
    slot_to_elicit: NonEmpty | UnsetType = UNSET
    slot_elicitation_style: Literal["Default", "SpellByLetter", "SpellByWord"] | UnsetType = UNSET
    sub_slot_to_elicit: SubSlotToElicit | UnsetType = UNSET


class TimeToLive(SessionResponse, frozen=True):
    """The remaining lifetime of a context, in seconds and in turns, whichever ends first."""

    time_to_live_in_seconds: int | UnsetType = UNSET
    turns_to_live: int | UnsetType = UNSET


class ActiveContext(SessionResponse, frozen=True):
    """An active context."""

    name: NonEmpty
    time_to_live: TimeToLive = TimeToLive()
    context_attributes: dict[NonEmpty, str] = {}


class RuntimeHintValue(SessionResponse, frozen=True):
    """A phrase that Lex should expect."""

    phrase: NonEmpty


class RuntimeHintDetails(SessionResponse, frozen=True):
    """The phrases to expect for a slot."""

    runtime_hint_values: tuple[RuntimeHintValue, ...] | UnsetType = UNSET
    sub_slot_hints: dict[NonEmpty, "RuntimeHintDetails"] | UnsetType = UNSET


class RuntimeHints(SessionResponse, frozen=True):
    """The phrases to expect, by intent and slot."""

    slot_hints: dict[NonEmpty, dict[NonEmpty, RuntimeHintDetails]] | UnsetType = UNSET


Messages = Annotated[tuple[Message, ...], Meta(max_length=10)]
Interpretations = Annotated[tuple[Interpretation, ...], Meta(max_length=5)]
ActiveContexts = Annotated[tuple[ActiveContext, ...], Meta(max_length=20)]
Attributes = dict[NonEmpty, str]


class SessionState(SessionResponse, frozen=True):
    """The state of a session. The time to live of its contexts is the remaining one."""

    active_contexts: ActiveContexts
    session_attributes: Attributes
    originating_request_id: str
    dialog_action: DialogAction | UnsetType = UNSET
    intent: Intent | UnsetType = UNSET
    runtime_hints: RuntimeHints | UnsetType = UNSET


class GetSessionResponse(SessionResponse, frozen=True):
    """The session after its last event."""

    session_id: str
    messages: Messages
    interpretations: Interpretations
    session_state: SessionState
