"""Every panel of the dashboard uses metrics and labels that exist, and queries that run."""

import asyncio
import re
from typing import Any

import pytest

from pipeline.config.settings import Settings
from pipeline.fold.fold import fold
from pipeline.store.archive import write
from pipeline.store.connection.client import ClickHouse, Row, connection
from schemas.turn import ArchivedTurn
from schemas.views import VIEWS
from tests.deploy.files import dashboard, read_yaml
from tests.deploy.macros import expand_grafana
from tests.deploy.series import expressions, series, wrong_names
from tests.events import RULES

DASHBOARD = dashboard()
PANELS: list[dict[str, Any]] = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
(DATASOURCES,) = [read_yaml("grafana/provisioning/datasources/turnfold.yaml")["datasources"]]
TABLES = [panel for panel in PANELS if panel["datasource"]["type"] == "grafana-clickhouse-datasource"]
SERVICES = read_yaml("compose.yaml")["services"]


def test_panels_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert max(x for x, _ in cells) < 24
        assert not cells & taken, panel["title"]
        taken |= cells
    numbers = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_panel_has_a_description_and_a_known_source(panel: dict[str, Any]) -> None:
    assert panel["description"].endswith(".")
    sources = {source["uid"]: source["type"] for source in DATASOURCES}
    for one in (panel, *panel["targets"]):
        assert sources[one["datasource"]["uid"]] == one["datasource"]["type"]


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_panel_uses_existing_metrics(panel: dict[str, Any]) -> None:
    known = series()
    for expression in expressions([panel]):
        assert list(wrong_names(expression, known)) == []


def test_every_metric_is_shown() -> None:
    shown = " ".join(expressions(PANELS))
    families = {re.sub(r"_(bucket|count|sum)$", "", name) for name in series() if name.startswith("turnfold_")}
    assert {family for family in families if family not in shown} == set()


@pytest.mark.parametrize("panel", TABLES, ids=lambda panel: panel["title"])
def test_a_query_reads_what_its_user_may_read(panel: dict[str, Any]) -> None:
    may_read = {*(view.name for view in VIEWS), "system.parts"}
    assert set(re.findall(r"\bFROM (\S+)", panel["targets"][0]["rawSql"])) <= may_read


@pytest.fixture(scope="module")
def turn() -> ArchivedTurn:
    return ArchivedTurn(
        *("BOTAAAAAA1", "session-1", "request-1", 1_780_000_000_000, "request-1", "", "RecognizeText", "Travel"),
        *("TSTALIASID", "Test", "1", "en_US", "Text", "Slack", "BookHotel", "Fulfilled", "Close"),
        missed_utterance=False,
        utterance="a room",
        slot_to_elicit="",
        content=1,
        payload=b"{}",
    )


@pytest.mark.parametrize("panel", TABLES, ids=lambda panel: panel["title"])
def test_a_query_of_the_tables_returns_rows(panel: dict[str, Any], with_tables: Settings, turn: ArchivedTurn) -> None:
    row = fold([turn], RULES)
    (target,) = panel["targets"]

    async def ask() -> list[Row]:
        clickhouse: ClickHouse
        async with connection(with_tables) as clickhouse:
            await write(clickhouse, [row], [turn])
            return list(await clickhouse.rows(expand_grafana(target["rawSql"])))

    assert asyncio.run(ask())


def test_data_sources_use_the_names_of_services() -> None:
    prometheus, clickhouse = DATASOURCES
    assert prometheus["url"] == "http://prometheus:9090"
    assert clickhouse["jsonData"]["host"] in SERVICES
    environ = SERVICES["grafana"]["environment"]
    assert clickhouse["secureJsonData"]["password"] == "$CLICKHOUSE_PASSWORD"
    assert "CLICKHOUSE_PASSWORD" in environ
    assert re.fullmatch(rf"{clickhouse['type']}@\d+\.\d+\.\d+", environ["GF_PLUGINS_PREINSTALL_SYNC"])
    (provider,) = read_yaml("grafana/provisioning/dashboards/turnfold.yaml")["providers"]
    mounted = [volume.split(":")[1] for volume in SERVICES["grafana"]["volumes"]]
    assert provider["options"]["path"] in mounted
