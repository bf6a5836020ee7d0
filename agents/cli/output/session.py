"""A session and its transcript in; what people want to know of it out, on standard output."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

from msgspec import UnsetType
from rich.table import Table
from rich.text import Text

from agents.cli.output.write import cell, console
from schemas.lex.session_v1 import ActiveContextV1, GetSessionV1Response, IntentSummary
from schemas.lex.session_v2 import Message
from schemas.lex.transcript import GetTranscriptResponse, SpokenTurn

NOTHING = "-"


def print_session(title: str, session: GetSessionV1Response, transcript: GetTranscriptResponse) -> None:
    """State, intents, contexts and transcript, each under its name."""
    screen = console()
    intents = map(_intent, session.recent_intent_summary_view)
    contexts = map(_context, session.active_contexts)
    spoken = (line for turn in transcript.turns for line in _lines(turn))
    for table in (
        _table(title, ("", ""), _state(session, transcript)),
        _table("recent intents", ("intent", "state", "confirmed", "label", "next", "slots"), intents),
        _table("active contexts", ("context", "seconds left", "turns left", "parameters"), contexts),
        _table("transcript", ("time (UTC)", "who", "what"), spoken),
    ):
        if table.row_count:
            screen.print(table, "")


def _state(session: GetSessionV1Response, transcript: GetTranscriptResponse) -> Iterator[tuple[str, ...]]:
    action, last = session.dialog_action, transcript.turns[-1]
    yield "conversation", session.session_id
    yield "bot", f"{transcript.bot_id}, version {transcript.bot_version or NOTHING}"
    yield "alias, locale", f"{transcript.bot_alias_id}, {transcript.locale_id or NOTHING}"
    yield "last turn", f"{_time(last):%Y-%m-%d %H:%M:%S}"
    yield "next", _words(action.type, action.intent_name, action.slot_to_elicit)
    yield "state", action.fulfillment_state or "in progress"
    yield "attributes", _pairs(session.session_attributes)


def _intent(told: IntentSummary) -> tuple[str, ...]:
    return (
        told.intent_name,
        told.fulfillment_state or NOTHING,
        told.confirmation_status,
        told.checkpoint_label or NOTHING,
        _words(told.dialog_action_type, told.slot_to_elicit),
        _pairs(told.slots),
    )


def _context(context: ActiveContextV1) -> tuple[str, ...]:
    life = context.time_to_live
    left = (life.time_to_live_in_seconds, life.turns_to_live)
    return (context.name, *(str(number) if number else NOTHING for number in left), _pairs(context.parameters))


def _lines(turn: SpokenTurn) -> Iterator[tuple[str, ...]]:
    time = f"{_time(turn):%H:%M:%S}"
    if turn.input_transcript:
        yield time, "user", turn.input_transcript
    for message in turn.messages:
        yield time, "bot", _said(message)
    if not turn.input_transcript and not turn.messages:
        yield time, NOTHING, turn.operation_name or turn.response_reason or turn.input_mode or "nothing said"


def _said(message: Message) -> str:
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


def _time(turn: SpokenTurn) -> datetime:
    # by whole milliseconds: a float of seconds may lie just below the one it stands for
    return datetime.fromtimestamp(round(turn.timestamp * 1000) / 1000, UTC)


def _words(*words: str | UnsetType) -> str:
    return " ".join(word for word in words if isinstance(word, str)) or NOTHING


def _plain(text: str) -> str:
    """On one line, without anything that a terminal would obey: what was said comes from outside."""
    return cell("".join(" " if letter.isspace() else letter for letter in text))
