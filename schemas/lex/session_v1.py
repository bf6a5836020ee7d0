"""GetSession of Lex V1's runtime as it stands on the wire: where one user of a bot is now."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from schemas.lex.session_v2 import Confirmation, TimeToLive

Label = Annotated[
    str,
    Meta(
        pattern="^[a-zA-Z0-9-]{1,255}$(?!\n)",
        max_length=255,
        description="1 to 255 of 0-9, A-Z, a-z and -: the label that intents must have",
    ),
]
Slots = dict[str, str | None]
"""Slot -> what it is filled with, null where it is not."""

ActionType = Literal["ElicitIntent", "ConfirmIntent", "ElicitSlot", "Close", "Delegate"]
FulfillmentState = Literal["Fulfilled", "Failed", "ReadyForFulfillment"]
MessageFormat = Literal["PlainText", "CustomPayload", "SSML", "Composite"]


class _Response(msgspec.Struct, frozen=True, rename="camel"):
    """What the server sends: a member that is UNSET is left out."""


class IntentSummary(_Response, frozen=True):
    """An intent as its last event left it."""

    intent_name: str
    slots: Slots
    confirmation_status: Confirmation
    dialog_action_type: ActionType
    checkpoint_label: str | UnsetType = UNSET
    fulfillment_state: FulfillmentState | UnsetType = UNSET
    slot_to_elicit: str | UnsetType = UNSET


class DialogActionV1(_Response, frozen=True):
    """What the bot does next, and what it said. Several messages are one JSON text, of format Composite."""

    type: ActionType
    intent_name: str | UnsetType = UNSET
    slots: Slots | UnsetType = UNSET
    slot_to_elicit: str | UnsetType = UNSET
    fulfillment_state: FulfillmentState | UnsetType = UNSET
    message: str | UnsetType = UNSET
    message_format: MessageFormat | UnsetType = UNSET


class ActiveContextV1(_Response, frozen=True):
    """A context that is active, and what is left of its life."""

    name: str
    time_to_live: TimeToLive
    parameters: dict[str, str]


class GetSessionV1Response(_Response, frozen=True):
    """A session as its last event left it; its last three intents, the most recent first."""

    recent_intent_summary_view: Annotated[tuple[IntentSummary, ...], Meta(max_length=3)]
    session_attributes: dict[str, str]
    session_id: str
    dialog_action: DialogActionV1
    active_contexts: Annotated[tuple[ActiveContextV1, ...], Meta(max_length=20)]
