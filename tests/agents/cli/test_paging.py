"""Several pages are one list."""

from operator import attrgetter

import msgspec
import pytest

from agents.cli import paging
from agents.cli.paging import list_rows
from pipeline.config.settings import Settings
from pipeline.http.app import create_app
from schemas.lex.analytics.list_sessions import ListSessionAnalyticsDataResponse
from tests.pipeline.http.operations.test_list_sessions import insert
from tests.pipeline.http.serving import serving
from tests.pipeline.query.rows import BOT, NOW, conversation

COUNT = 25


def test_as_many_rows_are_read_as_are_wanted(with_tables: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    insert(with_tables, *(conversation(number, start=NOW + number, end=NOW + number) for number in range(COUNT)))
    monkeypatch.setattr(paging, "PAGE", 4)
    path, request = f"/bots/{BOT}/analytics/sessions", {"startDateTime": 0, "endDateTime": 4_000_000_000}
    with serving(create_app(with_tables)) as url:
        settings = msgspec.structs.replace(with_tables, api=url)
        for limit in (None, 3, 4, 5, 24, 25, 26):
            found = list_rows(settings, path, request, ListSessionAnalyticsDataResponse, attrgetter("sessions"), limit)
            assert [one.session_id for one in found] == [f"session-{n}" for n in range(COUNT)][::-1][:limit]
