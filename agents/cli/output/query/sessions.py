"""Print sessions: a table for people, and the columns of CSV for programs."""

from collections.abc import Callable, Iterable, Iterator

from rich.text import Text

from agents.cli.output import tables
from agents.cli.output.query.formats import iso_time, readable_duration, readable_time
from agents.cli.output.tables import TableColumn
from agents.cli.output.write import cell, console
from schemas.lex.analytics.list_sessions import SessionSpecification

COLOURS = {"Success": "green", "Failure": "red", "Dropped": "yellow"}
OPEN = "open"
COLUMNS = (
    TableColumn("started (UTC)"),
    TableColumn("lasted", right=True),
    TableColumn("turns", right=True),
    TableColumn("ended"),
    TableColumn("intents", wraps=True),
    TableColumn("mode", rank=4),
    TableColumn("channel", rank=1),
    TableColumn("locale", rank=2),
    TableColumn("version", rank=3),
    TableColumn("session", wraps=True),
)
Cell = Callable[[SessionSpecification], str | int]


def cells() -> dict[str, Cell]:
    """Return the CSV columns of a session by name; times are UTC with milliseconds."""
    return {
        "conversationStartTime": lambda s: iso_time(s.conversation_start_time),
        "conversationEndTime": lambda s: iso_time(s.conversation_end_time),
        "conversationDurationSeconds": lambda s: s.conversation_duration_seconds,
        "numberOfTurns": lambda s: s.number_of_turns,
        "conversationEndState": lambda s: s.conversation_end_state or "",
        "invokedIntents": lambda s: "/".join(intent.intent_name for intent in s.invoked_intent_samples),
        "mode": lambda s: s.mode or "",
        "channel": lambda s: s.channel or "",
        "localeId": lambda s: s.locale_id,
        "botAliasId": lambda s: s.bot_alias_id,
        "botVersion": lambda s: s.bot_version,
        "sessionId": lambda s: s.session_id,
        "originatingRequestId": lambda s: s.originating_request_id,
    }


def print_table(sessions: Iterable[SessionSpecification], title: str) -> int:
    """Print a table as wide as the terminal, and return the number of its rows."""
    rows = [list(_texts(session)) for session in sessions]
    tables.print_table(COLUMNS, rows, title)
    return len(rows)


def print_line(session: SessionSpecification) -> None:
    """Print a line with the columns of the table that matter while one watches."""
    started, lasted, turns, state, intents, *others = _texts(session)
    *_, session_id = others
    turns.append(" turn" if session.number_of_turns == 1 else " turns")
    lasted.align("right", 8)
    turns.align("right", 9)
    state.align("left", 8)
    line = Text("  ").join((started, lasted, turns, state, intents, session_id))
    console().print(line, soft_wrap=True)


def _texts(session: SessionSpecification) -> Iterator[Text]:
    state = session.conversation_end_state or OPEN
    yield Text(readable_time(session.conversation_start_time))
    yield Text(readable_duration(session.conversation_duration_seconds))
    yield Text(str(session.number_of_turns))
    yield Text(cell(state), COLOURS.get(state, "cyan"))
    yield Text(cell(" > ".join(intent.intent_name for intent in session.invoked_intent_samples)))
    for value in (session.mode, session.channel, session.locale_id, session.bot_version, session.session_id):
        yield Text(cell(value or "-"))
