"""Intents: empty, unknown, and with names that need encoding."""

import re
from typing import Any

from starlette.testclient import TestClient

from pipeline.config.settings import Settings
from pipeline.console.screens.intents import NamedResult
from schemas.lex.analytics.metrics import MetricsResult
from tests.pipeline.console.site import INTENTS, insert
from tests.pipeline.query.rows import conversation

VISITED: dict[str, Any] = {"visit_intents": ("Book/../Hotel",), "visit_levels": (1,), "visit_states": ("Success",)}


def test_an_intent_is_linked_whatever_its_name(site: TestClient, with_tables: Settings) -> None:
    insert(with_tables, rows=[conversation(**VISITED)])
    text = site.get(INTENTS).text
    address = "intents/Book%2F%2E%2E%2FHotel"
    assert f'href="{address}?' in text
    shown = site.get(INTENTS.replace("intents", address)).text
    assert "<h1>Book/../Hotel</h1>" in shown
    assert "The bot asked for nothing within this intent" in shown


def test_an_intent_that_nobody_visited_has_no_visits(site: TestClient) -> None:
    text = site.get(f"{INTENTS}/Nobody").text
    assert re.search(r'<data value="0" data-metric="Count" data-statistic="Sum">0</data>\s*visits', text)


def test_without_visits_the_page_says_what_to_do(site: TestClient) -> None:
    assert "No intent was visited in this span" in site.get(INTENTS).text


def test_filters_that_do_not_apply_are_told(site: TestClient) -> None:
    assert "does not apply to these numbers" in site.get(f"{INTENTS}?Duration=GT+60").text


def test_a_file_has_every_state(site: TestClient, with_tables: Settings) -> None:
    insert(with_tables, rows=[conversation(**VISITED)])
    lines = site.get(f"{INTENTS}?download=csv").text.splitlines()
    assert lines == ["intent,Count,Success,Failure,Switched,Dropped", "Book/../Hotel,1,1,0,0,0"]


def test_visits_without_a_state_are_open() -> None:
    assert NamedResult("A", 5, {"Success": 3, "Dropped": 1}, MetricsResult((), (), ())).is_open == 1
