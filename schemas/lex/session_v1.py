"""Define the wire format of Lex V1's GetSession: the current session state of one user of a bot."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from schemas.lex.session_v2 import Confirmation, SessionResponse, TimeToLive

Label = Annotated[
    str,
    Meta(
        pattern="^[a-zA-Z0-9-]{1,255}$(?!\n)",
        max_length=255,
        description="1 to 255 of 0-9, A-Z, a-z and -: the label that intents must have",
    ),
]
Slots = dict[str, str | None]
"""Slot -> its value, null if it is not filled."""

ActionType = Literal["ElicitIntent", "ConfirmIntent", "ElicitSlot", "Close", "Delegate"]
FulfillmentState = Literal["Fulfilled", "Failed", "ReadyForFulfillment"]
MessageFormat = Literal["PlainText", "CustomPayload", "SSML", "Composite"]


class IntentSummary(SessionResponse, frozen=True):
    """An intent after its last event."""

    intent_name: str
    slots: Slots
    confirmation_status: Confirmation
    dialog_action_type: ActionType
    checkpoint_label: str | UnsetType = UNSET
    fulfillment_state: FulfillmentState | UnsetType = UNSET
    slot_to_elicit: str | UnsetType = UNSET


class DialogActionV1(SessionResponse, frozen=True):
    """The bot's next action and its messages. Several messages form one JSON text of format Composite."""

    type: ActionType
    intent_name: str | UnsetType = UNSET
    slots: Slots | UnsetType = UNSET
    slot_to_elicit: str | UnsetType = UNSET
    fulfillment_state: FulfillmentState | UnsetType = UNSET
    message: str | UnsetType = UNSET
    message_format: MessageFormat | UnsetType = UNSET


class ActiveContextV1(SessionResponse, frozen=True):
    """An active context and its remaining lifetime."""

    name: str
    time_to_live: TimeToLive
    parameters: dict[str, str]


class GetSessionV1Response(SessionResponse, frozen=True):
    """The session after its last event, with its last three intents, the most recent first."""

    recent_intent_summary_view: Annotated[tuple[IntentSummary, ...], Meta(max_length=3)]
    session_attributes: dict[str, str]
    session_id: str
    dialog_action: DialogActionV1
    active_contexts: Annotated[tuple[ActiveContextV1, ...], Meta(max_length=20)]
