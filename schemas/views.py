"""Define the views through which other programs read conversations, visits, stages and utterances by SQL."""

from typing import Final, NamedTuple

from schemas.fold_rules import VISITS_SINCE

TEXT: Final = "String"
NAME: Final = "LowCardinality(String)"
TIME: Final = "DateTime64(3, 'UTC')"
NUMBER: Final = "UInt32"
FLAG: Final = "Bool"

WITHOUT_VISITS: Final = (
    "conversations that were written before visits were recorded: run turnfold rebuild --into new --swap, "
    "or read later ones (has_visits of v_conversations tells them apart)"
)
"""The error of a query that reads visits, stages or utterances of rows that have none: no number is silently wrong."""


class ViewColumn(NamedTuple):
    """A column of a view."""

    name: str
    type: str
    sql: str
    """Its expression over table `conversations`, alias `c`; `is_idle`, and the arrays of the view, item by item."""
    comment: str


class View(NamedTuple):
    """A view over table `conversations`: one row for each conversation, or for each item of some arrays."""

    name: str
    comment: str
    columns: tuple[ViewColumn, ...]
    arrays: tuple[str, ...] = ()
    """Parallel array columns of `conversations`; their items have the same names."""


CONVERSATION: Final = (
    ViewColumn("bot_id", NAME, "c.bot_id", "the bot"),
    ViewColumn("session_id", TEXT, "c.session_id", "the session"),
    ViewColumn(
        "originating_request_id", TEXT, "c.originating_request_id", "with bot and session: identifies a conversation"
    ),
    ViewColumn("start_time", TIME, "c.start", "when the conversation began; views are sorted by bot_id, start_time"),
    ViewColumn("end_time", TIME, "c.end", "time of its last event so far"),
    ViewColumn(
        "end_state",
        NAME,
        "if(c.end_state = '' AND is_idle, 'Dropped', c.end_state)",
        "Success, Failure or Dropped; empty while it is open",
    ),
    ViewColumn("bot_alias_id", NAME, "c.bot_alias_id", "alias of the bot"),
    ViewColumn("bot_version", NAME, "c.bot_version", "version of the bot"),
    ViewColumn("locale_id", NAME, "c.locale_id", "language, such as en_US"),
    ViewColumn("mode", NAME, "c.mode", "Text, Speech, DTMF or MultiMode; empty without a turn"),
    ViewColumn("channel", NAME, "c.channel", "such as Slack; empty if none is known"),
)
"""The columns that all views have: those of the conversation."""

CONVERSATIONS: Final = View(
    "v_conversations",
    "one row a conversation",
    (
        *CONVERSATION,
        ViewColumn("duration_seconds", NUMBER, "c.duration_seconds", "whole seconds between start and end"),
        ViewColumn("turns", NUMBER, "c.turns", "requests of the user"),
        ViewColumn("intents", f"Array({NAME})", "c.intents", "distinct intents, in the order first invoked"),
        ViewColumn("intent_path", TEXT, "c.intent_path", "such as /BookHotel/BookCar; empty without an intent"),
        ViewColumn("has_visits", FLAG, f"c.fold >= {VISITS_SINCE}", "whether the other views may read it"),
    ),
)
INTENT_VISITS: Final = View(
    "v_intent_visits",
    "one row for each time that a conversation was in an intent",
    (
        *CONVERSATION,
        ViewColumn("visit", NUMBER, "position", "1, 2, ... within the conversation"),
        ViewColumn("intent_name", NAME, "visit_intents", "the intent"),
        ViewColumn("intent_level", NUMBER, "visit_levels", "intents of the intent path up to this one"),
        ViewColumn(
            "intent_end_state",
            NAME,
            "if(visit_states = '' AND is_idle, 'Dropped', visit_states)",
            "Success, Failed, Switched or Dropped; empty while it is open",
        ),
    ),
    ("visit_intents", "visit_levels", "visit_states"),
)
STAGE_VISITS: Final = View(
    "v_stage_visits",
    "one row for each time that a conversation was asked for a slot or a confirmation",
    (
        *CONVERSATION,
        ViewColumn("stage", NUMBER, "position", "1, 2, ... within the conversation"),
        ViewColumn("intent_name", NAME, "stage_intents", "the intent that asked"),
        ViewColumn("stage_name", NAME, "stage_names", "the slot that was asked for, or ConfirmIntent"),
        ViewColumn(
            "stage_end_state",
            NAME,
            "if(stage_states = '' AND is_idle, 'Dropped', stage_states)",
            "Success, Failed or Dropped; empty while it is open",
        ),
        ViewColumn("switched_to_intent", NAME, "stage_switched_to", "the intent that it was left for; empty if none"),
        ViewColumn("retries", NUMBER, "stage_retries", "how often it was asked again"),
    ),
    ("stage_intents", "stage_names", "stage_states", "stage_switched_to", "stage_retries"),
)
UTTERANCES: Final = View(
    "v_utterances",
    "one row for each thing that a user said, as long as TURNFOLD_ARCHIVE_DAYS keeps it",
    (
        *CONVERSATION,
        ViewColumn("utterance_time", TIME, "utterance_times", "when it was said: from start_time to end_time"),
        ViewColumn("request_id", TEXT, "utterance_request_ids", "its request"),
        ViewColumn("utterance", TEXT, "utterance_texts", "its text, at most 4096 characters of it"),
        ViewColumn("utterance_state", NAME, "if(utterance_missed, 'Missed', 'Detected')", "Missed or Detected"),
        ViewColumn("intent_name", NAME, "utterance_intents", "the intent after it; empty if none"),
        ViewColumn("slot_name", NAME, "utterance_slots", "the slot that had been asked for; empty if none"),
    ),
    (
        *("utterance_times", "utterance_request_ids", "utterance_texts", "utterance_missed", "utterance_intents"),
        "utterance_slots",
    ),
)
VIEWS: Final = (CONVERSATIONS, INTENT_VISITS, STAGE_VISITS, UTTERANCES)
