"""The document's structure, by the rules of OpenAPI 3.1 that it uses."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson
import pytest
from starlette.routing import Route

from pipeline.auth.errors import Denial
from pipeline.config.settings import Settings
from pipeline.http.app import OPERATIONS, create_app
from pipeline.http.openapi.document import document
from pipeline.http.operations.operation import Operation
from schemas.access_key import Right
from schemas.lex.analytics.filters import FilterOperator, SessionFilterName
from tests.pipeline.auth.signing import kept
from tests.pipeline.http.serving import Client, client, serving

METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}


@pytest.fixture(scope="module")
def written() -> Any:
    """The document as a client reads it."""
    return orjson.loads(orjson.dumps(document(OPERATIONS)))


def operations(written: Any) -> Iterator[tuple[str, str, Any]]:
    for path, item in written["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from nodes(inner)


def test_the_server_serves_it(ask: Client, written: Any) -> None:
    assert ask.ask("GET", "/openapi.json").body == written


def test_every_route_is_in_it_and_nothing_else(written: Any) -> None:
    routes = {
        (route.path.rstrip("/"), method.lower())  # with a slash at its end, and without: one path
        for route in create_app(Settings()).routes
        if isinstance(route, Route)
        for method in route.methods or ()
        if method != "HEAD"  # of every GET, as HTTP has it
    }
    assert {(path, method) for path, method, _ in operations(written)} == routes


def test_its_root_says_what_it_is(written: Any) -> None:
    assert written["openapi"] == "3.1.0"
    assert set(written) == {"openapi", "info", "servers", "paths", "components"}
    assert {"title", "version", "license"} <= set(written["info"])
    assert [server["url"] for server in written["servers"]] == ["/"], "it is where the document came from"


def test_every_operation_is_complete(written: Any) -> None:
    names = []
    for path, method, operation in operations(written):
        assert path.startswith("/")
        assert method in METHODS
        assert operation["summary"]
        assert operation["responses"]
        names.append(operation["operationId"])
        placeholders = {part[1:-1] for part in path.split("/") if part.startswith("{")}
        parameters = operation.get("parameters", [])
        assert {parameter["name"] for parameter in parameters if parameter["in"] == "path"} == placeholders
        assert {parameter["in"] for parameter in parameters} <= {"path", "query"}
        assert all(parameter["required"] == (parameter["in"] == "path") for parameter in parameters)
        assert all(parameter["schema"]["description"] for parameter in parameters)
        for status, response in operation["responses"].items():
            assert 100 <= int(status) <= 599
            assert response["description"]
            assert "x-amzn-RequestId" in response["headers"]
            assert ("x-amzn-ErrorType" in response["headers"]) == (int(status) >= 400)
            assert ("Retry-After" in response["headers"]) == (int(status) == 429)
            ((media_type, described),) = response["content"].items()
            numbers = (path, status) == ("/metrics", "200")
            assert media_type == ("text/plain" if numbers else "application/json")
            assert described["schema"]
    assert len(names) == len(set(names))


def test_every_reference_leads_somewhere(written: Any) -> None:
    references = {node["$ref"] for node in nodes(written) if "$ref" in node}
    assert references == {f"#/components/schemas/{name}" for name in written["components"]["schemas"]}


def test_it_describes_filters_operators_and_limits(written: Any) -> None:
    schemas = written["components"]["schemas"]
    assert set(schemas["SessionFilterName"]["enum"]) == set(SessionFilterName)
    assert set(schemas["FilterOperator"]["enum"]) == set(FilterOperator)
    request = schemas["ListSessionAnalyticsDataRequest"]
    assert request["required"] == ["startDateTime", "endDateTime"]
    assert request["additionalProperties"] is False
    assert request["properties"]["filters"]["anyOf"][0]["maxItems"] == 10
    assert request["properties"]["maxResults"]["anyOf"][0]["maximum"] == 1000


ASKS_FOR_KEYS = {"/healthz": None, "/readyz": None, "/openapi.json": None, "/metrics": Right.ADMIN}


def test_it_describes_where_keys_are_required_and_their_rights(written: Any) -> None:
    """Keys may be asked for or not, so `{}`, which is none, is among what may be shown."""
    rights = {operation.path: operation.right for operation in OPERATIONS} | ASKS_FOR_KEYS
    rights |= {path: operation.right for operation in OPERATIONS for path in operation.other_paths}
    for path, _, operation in operations(written):
        right = rights[path]
        assert bool(operation["security"]) == (right is not None), path
        if right is not None:
            assert {name for one in operation["security"] for name in one} == set(
                written["components"]["securitySchemes"]
            )
            assert {} in operation["security"]
            assert f"`{right}`" in operation["description"]
            assert kinds(operation, 403) == set(Denial)
            assert len(kinds(operation, 500)) == 1


def kinds(operation: Any, status: int) -> set[str]:
    return set(operation["responses"][str(status)]["headers"]["x-amzn-ErrorType"]["schema"]["enum"])


def test_its_security_schemes_are_those_of_the_authenticator(written: Any) -> None:
    schemes = written["components"]["securitySchemes"]
    assert schemes["bearer"] | {"description": ""} == {"type": "http", "scheme": "bearer", "description": ""}
    signature = schemes["signature"]
    assert (signature["type"], signature["in"], signature["name"]) == ("apiKey", "header", "Authorization")
    assert signature["x-amazon-apigateway-authtype"] == "awsSigv4"


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_every_error_code_of_an_operation_is_described(written: Any, operation: Operation) -> None:
    described = written["paths"][operation.path.rstrip("/")][operation.method.lower()]
    for kind in asdict(operation.error_codes).values():
        if kind is not None:
            assert kind["name"] in kinds(described, kind["status"])


def test_it_is_the_same_whatever_the_settings(tmp_path: Path, written: Any) -> None:
    guarded = Settings(api_keys=str(kept(tmp_path / "keys")), clickhouse="http://127.0.0.1:1")
    with serving(create_app(guarded)) as url, client(url) as ask:
        assert ask.ask("GET", "/openapi.json").body == written
    assert "TURNFOLD_API_KEYS" in written["info"]["description"]
