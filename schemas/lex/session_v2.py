"""GetSession of Lex V2's runtime as it stands on the wire: where one session of a bot's user is now.

The shapes are also how Turnfold reads log entries, which differ from one another: a member that Lex's API
requires is optional here where an entry may lack it.
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
"""As Lex has it, but for the slash, which is in the ids of some producers."""

Name = Annotated[str, Meta(min_length=1, max_length=512, description="1 to 512 characters")]
"""Of a bot, an alias or a locale, or its id: as long as a turn event may have one."""

ContentType = Literal["PlainText", "CustomPayload", "SSML", "ImageResponseCard"]
Confirmation = Literal["None", "Confirmed", "Denied"]
IntentState = Literal["Failed", "Fulfilled", "InProgress", "ReadyForFulfillment", "Waiting", "FulfillmentInProgress"]
ActionType = Literal["Close", "ConfirmIntent", "Delegate", "ElicitIntent", "ElicitSlot", "None"]


class _Response(msgspec.Struct, frozen=True, rename="camel"):
    """What the server sends: a member that is UNSET is left out."""


class Button(_Response, frozen=True):
    """A button of a card."""

    text: str
    value: str


class ImageResponseCard(_Response, frozen=True):
    """A card that a client shows."""

    title: NonEmpty
    subtitle: str | UnsetType = UNSET
    image_url: str | UnsetType = UNSET
    buttons: Annotated[tuple[Button, ...], Meta(max_length=5)] | UnsetType = UNSET


class Message(_Response, frozen=True):
    """What the bot said."""

    content_type: ContentType
    content: NonEmpty | UnsetType = UNSET
    image_response_card: ImageResponseCard | UnsetType = UNSET


class SlotValue(_Response, frozen=True):
    """What a slot is filled with: as the user said it, and as the bot takes it."""

    original_value: str | UnsetType = UNSET
    interpreted_value: str | UnsetType = UNSET
    resolved_values: tuple[str, ...] | UnsetType = UNSET


class Slot(_Response, frozen=True):
    """A filled slot: one value, a list of them, or a group of slots."""

    shape: Literal["Scalar", "List", "Composite"] | UnsetType = UNSET
    value: SlotValue | UnsetType = UNSET
    values: tuple["Slot", ...] | UnsetType = UNSET
    sub_slots: dict[NonEmpty, "Slot | None"] | UnsetType = UNSET


class Intent(_Response, frozen=True):
    """An intent and how far it is. A slot that is not filled is null."""

    name: NonEmpty
    slots: dict[NonEmpty, Slot | None] = {}
    state: IntentState | UnsetType = UNSET
    confirmation_state: Confirmation | UnsetType = UNSET


class ConfidenceScore(_Response, frozen=True):
    """How sure Lex is, 0 to 1."""

    score: float


class SentimentScore(_Response, frozen=True):
    """How likely each sentiment is, 0 to 1."""

    positive: float | UnsetType = UNSET
    negative: float | UnsetType = UNSET
    neutral: float | UnsetType = UNSET
    mixed: float | UnsetType = UNSET


class SentimentResponse(_Response, frozen=True):
    """The sentiment of what the user said."""

    sentiment: Literal["MIXED", "NEGATIVE", "NEUTRAL", "POSITIVE"] | UnsetType = UNSET
    sentiment_score: SentimentScore | UnsetType = UNSET


class Interpretation(_Response, frozen=True):
    """One of the intents that may have been meant; the first is the likeliest."""

    intent: Intent
    nlu_confidence: ConfidenceScore | UnsetType = UNSET
    sentiment_response: SentimentResponse | UnsetType = UNSET
    interpretation_source: Literal["Bedrock", "Lex"] | UnsetType = UNSET


class SubSlotToElicit(_Response, frozen=True):
    """The slot within a group that is asked for."""

    name: NonEmpty
    sub_slot_to_elicit: "SubSlotToElicit | UnsetType" = UNSET


class DialogAction(_Response, frozen=True):
    """What the bot does next."""

    type: ActionType
    slot_to_elicit: NonEmpty | UnsetType = UNSET
    slot_elicitation_style: Literal["Default", "SpellByLetter", "SpellByWord"] | UnsetType = UNSET
    sub_slot_to_elicit: SubSlotToElicit | UnsetType = UNSET


class TimeToLive(_Response, frozen=True):
    """For how long a context stays active, in seconds and in turns, whichever ends first."""

    time_to_live_in_seconds: int | UnsetType = UNSET
    turns_to_live: int | UnsetType = UNSET


class ActiveContext(_Response, frozen=True):
    """A context that is active."""

    name: NonEmpty
    time_to_live: TimeToLive = TimeToLive()
    context_attributes: dict[NonEmpty, str] = {}


class RuntimeHintValue(_Response, frozen=True):
    """A phrase to expect."""

    phrase: NonEmpty


class RuntimeHintDetails(_Response, frozen=True):
    """What to expect for a slot."""

    runtime_hint_values: tuple[RuntimeHintValue, ...] | UnsetType = UNSET
    sub_slot_hints: dict[NonEmpty, "RuntimeHintDetails"] | UnsetType = UNSET


class RuntimeHints(_Response, frozen=True):
    """What to expect, by intent and slot."""

    slot_hints: dict[NonEmpty, dict[NonEmpty, RuntimeHintDetails]] | UnsetType = UNSET


Messages = Annotated[tuple[Message, ...], Meta(max_length=10)]
Interpretations = Annotated[tuple[Interpretation, ...], Meta(max_length=5)]
ActiveContexts = Annotated[tuple[ActiveContext, ...], Meta(max_length=20)]
Attributes = dict[NonEmpty, str]


class SessionState(_Response, frozen=True):
    """Where the session stands. The life of its contexts is what is left of it."""

    active_contexts: ActiveContexts
    session_attributes: Attributes
    originating_request_id: str
    dialog_action: DialogAction | UnsetType = UNSET
    intent: Intent | UnsetType = UNSET
    runtime_hints: RuntimeHints | UnsetType = UNSET


class GetSessionResponse(_Response, frozen=True):
    """A session as its last event left it."""

    session_id: str
    messages: Messages
    interpretations: Interpretations
    session_state: SessionState
