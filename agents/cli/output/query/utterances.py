"""Print utterances: a table for people, and the columns of CSV for programs."""

from collections.abc import Callable, Iterable, Iterator

from rich.text import Text

from agents.cli.output.query.formats import iso_time, readable_time
from agents.cli.output.tables import TableColumn, print_table
from agents.cli.output.write import cell
from schemas.lex.analytics.list_utterances import UtteranceSpecification

COLUMNS = (
    TableColumn("when (UTC)"),
    TableColumn("utterance", wraps=True),
    TableColumn("intent", wraps=True),
    TableColumn("slot", wraps=True, rank=2),
    TableColumn("state", rank=4),
    TableColumn("locale", rank=3),
    TableColumn("session", wraps=True, rank=1),
)


def utterance_cells() -> dict[str, Callable[[UtteranceSpecification], str | int]]:
    """Return the CSV columns of an utterance by name; times are UTC with milliseconds."""
    return {
        "utteranceTimestamp": lambda u: iso_time(u.utterance_timestamp),
        "utterance": lambda u: u.utterance,
        "utteranceUnderstood": lambda u: "true" if u.utterance_understood else "false",
        "associatedIntentName": lambda u: u.associated_intent_name or "",
        "associatedSlotName": lambda u: u.associated_slot_name or "",
        "intentState": lambda u: u.intent_state or "",
        "dialogActionType": lambda u: u.dialog_action_type or "",
        "slotsFilledInSession": lambda u: u.slots_filled_in_session or "",
        "botResponses": lambda u: "\n".join(message.content or "" for message in u.bot_responses),
        "inputType": lambda u: u.input_type or "",
        "audioVoiceDurationMillis": lambda u: u.audio_voice_duration_millis or "",
        "mode": lambda u: u.mode or "",
        "channel": lambda u: u.channel or "",
        "localeId": lambda u: u.locale_id,
        "botAliasId": lambda u: u.bot_alias_id,
        "botVersion": lambda u: u.bot_version,
        "sessionId": lambda u: u.session_id,
        "utteranceRequestId": lambda u: u.utterance_request_id,
        "conversationStartTime": lambda u: iso_time(u.conversation_start_time),
        "conversationEndTime": lambda u: iso_time(u.conversation_end_time),
    }


def print_utterances(utterances: Iterable[UtteranceSpecification], title: str) -> int:
    """Print a table as wide as the terminal, and return the number of its rows."""
    rows = [list(_texts(utterance)) for utterance in utterances]
    print_table(COLUMNS, rows, title)
    return len(rows)


def _texts(utterance: UtteranceSpecification) -> Iterator[Text]:
    understood = utterance.utterance_understood
    yield Text(readable_time(utterance.utterance_timestamp))
    yield Text(cell(utterance.utterance))
    intent = utterance.associated_intent_name or "-"
    yield Text(cell(intent if understood else f"missed: {intent}"), "" if understood else "red")
    for value in (
        utterance.associated_slot_name,
        utterance.intent_state,
        utterance.locale_id,
        utterance.session_id,
    ):
        yield Text(cell(value or "-"))
