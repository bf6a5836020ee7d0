"""Define `turnfold watch`, which shows conversations as they come."""

import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import click

from agents.cli.http_client import list_rows
from agents.cli.list_options import filter_option, filters_in_words, unknown_bot
from agents.cli.options import parse_duration, parse_filters, resolve_bot_id
from agents.cli.output.query.lists import print_json_line
from agents.cli.output.query.sessions import print_line
from agents.cli.output.write import say
from agents.cli.signals import StopSignal
from pipeline.config.settings import Settings
from pipeline.runtime.errors import TransientError
from schemas.lex.analytics.filters import SessionFilterName
from schemas.lex.analytics.list_sessions import ListSessionAnalyticsDataResponse, SessionSortName, SessionSpecification
from schemas.lex.analytics.operation import SortOrder

PAGE = 100
"""Newest conversations that each poll asks for; if none of them is known, it asks for all since the last poll."""
KNOWN = 10_000
"""Conversations that are remembered, so that each state of them is shown once."""
AHEAD_S = 3600.0
"""Seconds that a window reaches into the future, as clocks differ."""

Key = tuple[str, float, str]


@click.command(epilog=filters_in_words(SessionFilterName))
@click.argument("bot")
@filter_option
@click.option("--last", default="5m", show_default=True, metavar="DURATION",
              help="Begin with the conversations that began this long ago: 90s, 15m, 24h.")  # fmt: skip
@click.option("--every", type=click.FloatRange(0.2, 3600), default=2.0, show_default=True, metavar="SECONDS",
              help="Seconds between two requests to the query layer.")  # fmt: skip
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.pass_obj
def watch(  # noqa: PLR0913 - each option of the command is an argument
    settings: Settings, bot: str, *, conditions: tuple[str, ...], last: str, every: float, form: str
) -> None:
    """Show the conversations of BOT as they come, until Ctrl-C: a line for a new one, and one when it has ended.

    BOT is the id of a Lex V2 bot, or the name of a Lex V1 bot. With --format json, a line is an object of the API. All
    times shown are UTC.
    """
    since = time.time() - parse_duration(last)
    request: dict[str, object] = {"filters": parse_filters(conditions, SessionFilterName)} if conditions else {}
    bot_id = resolve_bot_id(bot)
    watcher = SessionWatcher(settings, bot_id, request, since)
    show = print_json_line if form == "json" else print_line
    if form == "table":
        say(f"watching {bot} since {datetime.fromtimestamp(since, UTC):%Y-%m-%d %H:%M:%S} UTC; Ctrl-C ends", err=True)
        if misspelt := unknown_bot(settings, bot, bot_id):
            say(misspelt, err=True)
    with StopSignal() as stop:
        for session in stop.until_signal(watcher.sessions(every)):
            show(session)


class SessionWatcher:
    """Yields each state of the newest conversations once: when one appears, and when its end state changes."""

    def __init__(self, settings: Settings, bot_id: str, request: Mapping[str, object], since: float) -> None:
        self._settings = settings
        self._bot_id = bot_id
        self._request = request
        self._since = since
        self._states: OrderedDict[Key, object] = OrderedDict()
        self._problem = ""

    def sessions(self, every: float) -> Iterator[SessionSpecification]:
        """Poll without end; while the query layer does not answer, say so once and go on.

        Raises:
            UsageError: the query layer rejects the request.
        """
        while True:
            try:
                yield from self.poll()
                self._problem = ""
            except TransientError as error:
                if not self._problem:
                    say(f"{error}; trying again", err=True)
                self._problem = str(error)
            time.sleep(every)

    def poll(self) -> list[SessionSpecification]:
        """Return what is new, the oldest conversation first.

        Raises:
            UsageError: the query layer rejects the request. TransientError: it does not answer.
        """
        page = list(self._list(PAGE))
        if len(page) == PAGE and not any(_key(session) in self._states for session in page):
            page = list(self._until_known())
        new = [session for session in reversed(page) if self._is_new(session)]
        while len(self._states) > KNOWN:
            self._states.popitem(last=False)
        return new

    def _list(self, limit: int | None) -> Iterator[SessionSpecification]:
        window = {
            "startDateTime": self._since,
            "endDateTime": time.time() + AHEAD_S,
            "sortBy": {"name": SessionSortName.CONVERSATION_START_TIME.value, "order": SortOrder.DESCENDING},
        }
        path = f"/bots/{self._bot_id}/analytics/sessions"
        request = {**window, **self._request}
        return list_rows(
            self._settings, path, request, ListSessionAnalyticsDataResponse, lambda page: page.sessions, limit
        )

    def _until_known(self) -> Iterator[SessionSpecification]:
        for session, _ in zip(self._list(None), range(KNOWN), strict=False):
            if _key(session) in self._states:
                return
            yield session

    def _is_new(self, session: SessionSpecification) -> bool:
        """Return whether this state was not shown yet, and remember it."""
        key, state = _key(session), session.conversation_end_state
        known = key in self._states and self._states[key] == state
        self._states[key] = state
        self._states.move_to_end(key)
        return not known


def _key(session: SessionSpecification) -> Key:
    return session.session_id, session.conversation_start_time, session.originating_request_id
