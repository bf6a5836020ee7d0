"""Every number on every screen is the API's for the same filters: both are asked, and compared."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.integration.console.conftest import DEMO
from tests.integration.stack import Stack

END = datetime.now(UTC).replace(microsecond=0)
BEGIN = datetime.fromtimestamp(END.timestamp() - 6 * 86_400, UTC)
SPAN = f"from={BEGIN:%Y-%m-%dT%H:%M:%SZ}&to={END:%Y-%m-%dT%H:%M:%SZ}"
FILTERED = [
    {"name": "LocaleId", "operator": "EQ", "values": ["en_GB", "en_US"]},
    {"name": "Channel", "operator": "EQ", "values": ["Slack", "Facebook"]},
]
QUERIES = {
    "everything": (SPAN, []),
    "filtered": (f"{SPAN}&LocaleId=en_GB&LocaleId=en_US&Channel=Slack&Channel=Facebook", FILTERED),
}

Values = dict[tuple[str, str], float]


@pytest.fixture(params=QUERIES, ids=list(QUERIES))
def query(request: pytest.FixtureRequest) -> tuple[str, list[dict[str, Any]]]:
    """A query of the console, and the same filters for the API."""
    return QUERIES[request.param]


def shown(where: Locator) -> Values:
    """(metric, statistic) -> value of the numbers in an element."""
    found = where.locator("data[data-metric]").evaluate_all(
        "all => all.map(each => [each.dataset.metric, each.dataset.statistic, each.value])"
    )
    return {(metric, statistic): float(value) for metric, statistic, value in found}


def asked(stack: Stack, method: str, filters: list[dict[str, Any]], names: list[tuple[str, str]], **more: Any) -> Any:
    """The results of a metrics operation."""
    answer = getattr(stack.client(), method)(
        botId=DEMO,
        startDateTime=BEGIN,
        endDateTime=END,
        metrics=[{"name": name, "statistic": statistic} for name, statistic in names],
        maxResults=1000,
        **({"filters": filters} if filters else {}),
        **more,
    )
    return answer["results"]


def values(result: dict[str, Any]) -> Values:
    return {(each["name"], each["statistic"]): each["value"] for each in result["metricsResults"]}


def by_group(results: list[dict[str, Any]]) -> Iterator[tuple[str, Values]]:
    for result in results:
        yield result["groupByKeys"][0].get("value", ""), values(result)


def rows(page: Page, attribute: str) -> dict[str, Values]:
    """The numbers of each row by its attribute."""
    return {row.get_attribute(attribute) or "": shown(row) for row in page.locator(f"tr[{attribute}]").all()}


def test_tiles(page: Page, stack: Stack, query: tuple[str, Any]) -> None:
    page.goto(f"/console/bots/{DEMO}/overview?{query[0]}&wait=yes")
    names = [("Count", "Sum"), ("Success", "Avg"), ("Duration", "Avg"), ("TurnsPerConversation", "Avg")]
    (result,) = asked(stack, "list_session_metrics", query[1], names)
    (missed,) = asked(stack, "list_utterance_metrics", query[1], [("Missed", "Sum"), ("Missed", "Avg")])
    assert shown(page.locator(".tiles")) == values(result) | values(missed)
    assert values(result)["Count", "Sum"] > 0


def test_the_timeline_is_all_conversations(page: Page, stack: Stack, query: tuple[str, Any]) -> None:
    page.goto(f"/console/bots/{DEMO}/overview?{query[0]}&wait=yes")
    bins = [{"name": "ConversationStartTime", "interval": "OneHour"}]
    results = asked(stack, "list_session_metrics", query[1], [("Count", "Sum")], binBy=bins)
    expected = {str(each["binKeys"][0]["value"]): int(each["metricsResults"][0]["value"]) for each in results}
    table = page.locator("tr[data-bin]").evaluate_all(
        "all => all.map(row => [row.dataset.bin, row.lastElementChild.textContent])"
    )
    assert {start: int(count) for start, count in table} == expected


def test_small_tables(page: Page, stack: Stack, query: tuple[str, Any]) -> None:
    page.goto(f"/console/bots/{DEMO}/overview?{query[0]}&wait=yes")
    results = asked(stack, "list_session_metrics", query[1], [("Count", "Sum")], groupBy=[{"name": "LocaleId"}])
    by_locale = page.locator("section").filter(has=page.get_by_role("heading", name="By locale"))
    found = {row.get_attribute("data-value"): shown(row) for row in by_locale.locator("tr[data-value]").all()}
    assert found == dict(by_group(results))


def test_the_number_of_sessions(page: Page, stack: Stack, query: tuple[str, Any]) -> None:
    page.goto(f"/console/bots/{DEMO}/sessions?{query[0]}&wait=yes")
    (result,) = asked(stack, "list_session_metrics", query[1], [("Count", "Sum")])
    assert shown(page.locator(".of")) == values(result)


def test_intents_and_stages(page: Page, stack: Stack, query: tuple[str, Any]) -> None:
    page.goto(f"/console/bots/{DEMO}/intents?{query[0]}")
    names = [("Count", "Sum"), *((state, "Sum") for state in ("Success", "Failure", "Switched", "Dropped"))]
    results = asked(stack, "list_intent_metrics", query[1], names, groupBy=[{"name": "IntentName"}])
    assert rows(page, "data-intent") == dict(by_group(results))
    page.get_by_role("link", name="BookHotel", exact=True).click()
    stage_filters = [*query[1], {"name": "IntentName", "operator": "EQ", "values": ["BookHotel"]}]
    names = [("Count", "Sum"), *((state, "Sum") for state in ("Success", "Failed", "Dropped", "Retry"))]
    groups = [{"name": "IntentStageName"}]
    results = asked(stack, "list_intent_stage_metrics", stage_filters, names, groupBy=groups)
    assert rows(page, "data-stage") == dict(by_group(results))


def test_utterances(page: Page, stack: Stack, query: tuple[str, Any]) -> None:
    page.goto(f"/console/bots/{DEMO}/utterances?{query[0]}")
    names = [("Missed", "Sum"), ("Count", "Sum")]
    results = asked(stack, "list_utterance_metrics", query[1], names, groupBy=[{"name": "UtteranceText"}])
    expected = dict(by_group(results))
    found = {row.locator("th").inner_text(): shown(row) for row in page.locator("#rows tbody tr").all()}
    assert found == {text: expected[text] for text in found}
    assert len(found) == min(100, len(expected))
    assert next(iter(found.values()))["Missed", "Sum"] == max(each["Missed", "Sum"] for each in expected.values())


def test_paths(page: Page, stack: Stack, query: tuple[str, Any]) -> None:
    page.goto(f"/console/bots/{DEMO}/paths?{query[0]}&wait=yes")
    answer = stack.client().list_intent_paths(
        botId=DEMO, startDateTime=BEGIN, endDateTime=END, intentPath="/", **({"filters": query[1]} if query[1] else {})
    )
    expected: dict[str, int] = {}
    for node in answer["nodeSummaries"]:
        expected[node["intentPath"]] = expected.get(node["intentPath"], 0) + node["intentCount"]
    found = {
        row.get_attribute("data-path") or "": int(row.locator("td").first.inner_text())
        for row in page.locator("tr[data-path]").all()
    }
    assert {path: count for path, count in found.items() if path.count("/") == 1} == expected
    counted = page.locator("tr[data-path]").first.locator("td").first
    number = int(counted.inner_text())
    counted.get_by_role("link").click()
    expect(page.locator('.of data[data-metric="Count"]')).to_have_attribute("value", str(number))
    page.go_back()
    ended = page.locator("tr[data-path]").first.locator("td").last
    number = int(ended.inner_text())
    ended.get_by_role("link").click()
    expect(page.locator('.of data[data-metric="Count"]')).to_have_attribute("value", str(number))


def test_comparisons(page: Page, stack: Stack, query: tuple[str, Any]) -> None:
    page.goto(f"/console/bots/{DEMO}/compare?{query[0]}&by=LocaleId&a=en_US&b=en_GB&wait=yes")
    table = page.get_by_role("region", name="Conversations side by side")
    for column, locale in ((1, "en_US"), (2, "en_GB")):
        filters = [each for each in query[1] if each["name"] != "LocaleId"]
        filters.append({"name": "LocaleId", "operator": "EQ", "values": [locale]})
        names = [("Count", "Sum"), *((name, "Avg") for name in ("Success", "Failure", "Dropped", "Duration"))]
        (result,) = asked(stack, "list_session_metrics", filters, [*names, ("TurnsPerConversation", "Avg")])
        cells = table.locator(f"tbody td:nth-child({column + 1})")
        found = cells.evaluate_all("all => all.map(cell => cell.firstElementChild.value)")
        assert [float(value) for value in found] == list(values(result).values())
