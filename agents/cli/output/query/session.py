"""Print the state of a session and its transcript as tables."""

from collections.abc import Iterable, Iterator, Mapping

from msgspec import UnsetType
from rich.table import Table
from rich.text import Text

from agents.cli.output.query.formats import readable_time
from agents.cli.output.write import cell, console
from schemas.lex.session_v1 import ActiveContextV1, GetSessionV1Response, IntentSummary
from schemas.lex.session_v2 import Message
from schemas.lex.transcript import GetTranscriptResponse, SpokenTurn

NOTHING = "-"


def print_session(title: str, session: GetSessionV1Response, transcript: GetTranscriptResponse) -> None:
    """Print state, intents, contexts and transcript as one table each."""
    screen = console()
    intents = map(_intent, session.recent_intent_summary_view)
    contexts = map(_context, session.active_contexts)
    lines = (line for turn in transcript.turns for line in _lines(turn))
    for table in (
        _table(title, ("", ""), _state(session, transcript)),
        _table("recent intents", ("intent", "state", "confirmed", "label", "next", "slots"), intents),
        _table("active contexts", ("context", "seconds left", "turns left", "parameters"), contexts),
        _table("transcript", ("time (UTC)", "who", "what"), lines),
    ):
        if table.row_count:
            screen.print(table, "")


def _state(session: GetSessionV1Response, transcript: GetTranscriptResponse) -> Iterator[tuple[str, ...]]:
    action, last = session.dialog_action, transcript.turns[-1]
    yield "conversation", session.session_id
    yield "bot", f"{transcript.bot_id}, version {transcript.bot_version or NOTHING}"
    yield "alias, locale", f"{transcript.bot_alias_id}, {transcript.locale_id or NOTHING}"
    yield "last turn", readable_time(last.timestamp)
    yield "next", _joined(action.type, action.intent_name, action.slot_to_elicit)
    yield "state", action.fulfillment_state or "in progress"
    yield "attributes", _pairs(session.session_attributes)


def _intent(intent: IntentSummary) -> tuple[str, ...]:
    return (
        intent.intent_name,
        intent.fulfillment_state or NOTHING,
        intent.confirmation_status,
        intent.checkpoint_label or NOTHING,
        _joined(intent.dialog_action_type, intent.slot_to_elicit),
        _pairs(intent.slots),
    )


def _context(context: ActiveContextV1) -> tuple[str, ...]:
    remaining = (context.time_to_live.time_to_live_in_seconds, context.time_to_live.turns_to_live)
    return (context.name, *(str(number) if number else NOTHING for number in remaining), _pairs(context.parameters))


def _lines(turn: SpokenTurn) -> Iterator[tuple[str, ...]]:
    _, time = readable_time(turn.timestamp).split(" ")
    if turn.input_transcript:
        yield time, "user", turn.input_transcript
    for message in turn.messages:
        yield time, "bot", _message_text(message)
    if not turn.input_transcript and not turn.messages:
        yield time, NOTHING, turn.operation_name or turn.response_reason or turn.input_mode or "no text"


def _message_text(message: Message) -> str:
    card = message.image_response_card
    return message.content or (f"[card] {card.title}" if card else f"[{message.content_type}]")


def _table(title: str, columns: Iterable[str], rows: Iterable[tuple[str, ...]]) -> Table:
    headed = any(columns)
    table = Table(title=Text(_plain(title)), title_style="bold", title_justify="left", box=None, pad_edge=False,
                  show_header=headed, header_style="dim")  # fmt: skip
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text(_plain(cell)) for cell in row))
    return table


def _pairs(pairs: Mapping[str, str | None]) -> str:
    return ", ".join(f"{name}={NOTHING if value is None else value}" for name, value in pairs.items()) or NOTHING


def _joined(*words: str | UnsetType) -> str:
    return " ".join(word for word in words if isinstance(word, str)) or NOTHING


def _plain(text: str) -> str:
    """Put text on one line, without control characters: transcripts come from outside."""
    return cell("".join(" " if letter.isspace() else letter for letter in text))
