"""Requests that the OpenAPI document allows, and many others, get only responses that it describes."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
import requests
import schemathesis
from hypothesis import Phase, settings
from schemathesis import Case
from schemathesis.checks import CheckFunction, load_all_checks
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from pipeline.http.app import OPERATIONS
from pipeline.http.openapi.document import document
from tests.effort import IN_SEARCH, OF_ENGINE, SEARCHING, examples
from tests.pipeline.http.seeded_server import PARAMETERS, Planted
from tests.pipeline.http.serving import WINDOW, WITHIN

SCHEMA = schemathesis.openapi.from_dict(orjson.loads(orjson.dumps(document(OPERATIONS))))
SENSELESS: list[CheckFunction] = [positive_data_acceptance]
"""A schema cannot say that a window begins before it ends. What is sure to make sense is looked at here."""
PHASES = tuple(Phase) if SEARCHING else (Phase.generate, Phase.shrink)
"""`make search` also sends some fifty cases by the limits of the schema, each just kept and just not."""
OPEN = {"/healthz", "/readyz", "/openapi.json"}
REFUSED = {400, 403, 404, 405, 431}

load_all_checks()


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as opened:
        yield opened


@pytest.mark.parametrize("who", [pytest.param("all", marks=IN_SEARCH), "narrow", "nobody"])
@SCHEMA.parametrize()
@settings(max_examples=examples(10, OF_ENGINE), phases=PHASES, deadline=None)
def test_every_answer_is_one_that_is_described(
    case: Case[Any], layer: Planted, session: requests.Session, who: str
) -> None:
    positive = case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE
    ask(case, layer, session, who)
    if positive and case.path_parameters:
        aim(case)
        status = ask(case, layer, session, who)
        assert status == (403 if who == "nobody" else 200) or (status == 400 and may_be_senseless(case.body))


def ask(case: Case[Any], layer: Planted, session: requests.Session, who: str) -> int:
    """The status of an answer, which is as described, and nothing that is not for this one's eyes."""
    response = case.call(layer.url, session, layer.headers(who), timeout=WITHIN)
    case.validate_response(response, excluded_checks=SENSELESS)
    layer.check(response.content, who)
    if who == "nobody" and case.operation.path not in OPEN:
        assert response.status_code in REFUSED
    if response.status_code >= 400:
        assert list(response.json()) == ["message"]
    return int(response.status_code)


def may_be_senseless(body: object) -> bool:
    """To a schema, 1.0 is a whole number, any operator goes with any filter, and results may have two orders."""
    return isinstance(body, dict) and (
        any(body.get(member) for member in ("filters", "metrics", "aggregationDuration"))
        or isinstance(body.get("maxResults"), float)
    )


def aim(case: Case[Any]) -> None:
    """Ask for what there is: by chance, one would never meet it."""
    case.path_parameters = {name: PARAMETERS[name] for name in case.path_parameters}
    case.query = {name: value for name, value in case.query.items() if name == "maxResults"}
    if isinstance(case.body, dict):
        case.body |= {name: value for name, value in (WINDOW | {"nextToken": None}).items() if name in case.body}
