"""The operations in; the OpenAPI 3.1 document of every route out, and the route that serves it."""

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import msgspec
import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipeline.http.failures import JSON, NOT_READY, Dialect, Kind
from pipeline.http.operation import Operation
from schemas.analytics import Failure

REF = "#/components/schemas/{name}"
HEADERS = {
    "x-amzn-RequestId": {"description": "names this request, in the log too", "schema": {"type": "string"}},
}
FAILED = {**HEADERS, "x-amzn-ErrorType": {"description": "the kind of error", "schema": {"type": "string"}}}
STATUS = {"type": "object", "properties": {"status": {"type": "string"}}, "required": ["status"]}

Json = dict[str, Any]


def description(operations: Sequence[Operation]) -> Route:
    """`/openapi.json`."""
    written = orjson.dumps(document(operations))

    async def openapi(_: Request) -> Response:
        return Response(written, media_type=JSON)

    return Route("/openapi.json", openapi, methods=["GET"])


def document(operations: Sequence[Operation]) -> Json:
    """The whole document."""
    shapes = [shape for operation in operations for shape in (operation.request, operation.answered) if shape]
    _, components = msgspec.json.schema_components([*shapes, Failure], ref_template=REF)
    paths: Json = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
        for path in operation.also:
            paths.setdefault(path, {})[operation.method.lower()] = _unnamed(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Turnfold",
            "version": _version(),
            "summary": "Conversations of Amazon Lex bots, asked for as Lex's own SDKs ask",
        },
        "paths": paths | _own_paths(),
        "components": {"schemas": components},
    }


def _operation(operation: Operation) -> Json:
    dialect = operation.dialect
    described: Json = {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": [
            *(_parameter(name, kind, "path") for name, kind in operation.parameters.items()),
            *(_parameter(name, kind, "query") for name, kind in operation.query.items()),
        ],
        "responses": {"200": _success(_ref(operation.answered)), **_failures(dialect)},
    }
    if operation.request:
        described["requestBody"] = {"required": True, "content": {JSON: {"schema": _ref(operation.request)}}}
    return described


def _unnamed(operation: Operation) -> Json:
    """The operation under another spelling of its path: its name may stand only once in a document."""
    return {name: told for name, told in _operation(operation).items() if name != "operationId"}


def _own_paths() -> Json:
    """The routes that are no operation of Lex."""
    ready = {
        "200": _success(STATUS),
        str(NOT_READY.status): _failure(NOT_READY, "it cannot; the message says why"),
    }
    anything = {"type": "object"}
    numbers = _success({"type": "string"}, "text/plain")
    return {
        "/healthz": {"get": {"summary": "The process is alive", "responses": {"200": _success(STATUS)}}},
        "/readyz": {"get": {"summary": "Queries can be answered", "responses": ready}},
        "/metrics": {"get": {"summary": "How the process fares, for Prometheus", "responses": {"200": numbers}}},
        "/openapi.json": {"get": {"summary": "This document", "responses": {"200": _success(anything)}}},
    }


def _parameter(name: str, kind: object, where: str) -> Json:
    return {"name": name, "in": where, "required": where == "path", "schema": msgspec.json.schema(kind)}


def _success(schema: Json, media_type: str = JSON) -> Json:
    return {"description": "OK", "headers": HEADERS, "content": {media_type: {"schema": schema}}}


def _failures(dialect: Dialect) -> Json:
    missing = dialect.missing
    return {
        str(dialect.invalid.status): _failure(
            dialect.invalid, "the message says what is wrong, where and what is right"
        ),
        **({str(missing.status): _failure(missing, "there is none, or no longer")} if missing else {}),
        str(dialect.busy.status): _failure(dialect.busy, "too many requests at once; try again"),
        str(dialect.broken.status): _failure(dialect.broken, "ClickHouse does not answer, or a fault; try again"),
    }


def _failure(kind: Kind, text: str) -> Json:
    return {
        "description": f"{kind.name}: {text}",
        "headers": FAILED,
        "content": {JSON: {"schema": _ref(Failure)}},
    }


def _ref(shape: type[msgspec.Struct]) -> Json:
    return {"$ref": REF.format(name=shape.__name__)}


def _version() -> str:
    try:
        return version("turnfold")
    except PackageNotFoundError:  # run from its sources
        return "0"
