"""The operations in; the OpenAPI 3.1 document of every route out, and the route that serves it."""

from collections.abc import Sequence

import msgspec
import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipeline.http.errors import JSON
from pipeline.http.openapi.responses import FOREIGN, REF, Json, asked, failures, guarded, no_keys, ref, success, unready
from pipeline.http.operations.operation import Operation
from pipeline.runtime.version import package_version
from schemas.access_key import Right
from schemas.lex.analytics import ErrorBody

TEXT = """\
Where the query layer asks for keys (TURNFOLD_API_KEYS), a request is signed with AWS Signature Version 4, as AWS's
SDKs do by themselves, or carries a bearer token; `turnfold keys add` makes both kinds. A key has rights, and bots that
it may know of: others are answered for as if there were none. Where no keys are asked for, none need be shown.

Every error is one JSON object with a message, its kind in the header x-amzn-ErrorType. What is no HTTP, too large or
too slow is answered so before any of these paths (400, 408, 431), as is a path or method that there is not (404, 405).
"""
SCHEMES = {
    "signature": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "AWS Signature Version 4 of service `lex`, any region, with the headers Host and X-Amz-Date",
        "x-amazon-apigateway-authtype": "awsSigv4",
    },
    "bearer": {"type": "http", "scheme": "bearer", "description": "`Authorization: Bearer tf_...`"},
}
SECURITY: list[Json] = [{"signature": []}, {"bearer": []}, {}]
"""Either, or neither where no keys are asked for."""
UNGUARDED: list[Json] = []
"""Never asks for a key."""
STATUS = {"type": "object", "properties": {"status": {"type": "string"}}, "required": ["status"]}


def description(operations: Sequence[Operation]) -> Route:
    """`/openapi.json`."""
    written = orjson.dumps(document(operations))

    async def openapi(_: Request) -> Response:
        return Response(written, media_type=JSON)

    return Route("/openapi.json", openapi, methods=["GET"])


def document(operations: Sequence[Operation]) -> Json:
    """The whole document."""
    shapes = [shape for operation in operations for shape in (operation.request, operation.answered) if shape]
    _, components = msgspec.json.schema_components([*shapes, ErrorBody], ref_template=REF)
    paths: Json = {}
    for operation in operations:
        # a path and the same path with a slash at its end count as one, which is written without it
        paths.setdefault(operation.path.rstrip("/"), {})[operation.method.lower()] = _operation(operation)
        for path in {path.rstrip("/") for path in operation.also} - {operation.path.rstrip("/")}:
            paths.setdefault(path, {})[operation.method.lower()] = _unnamed(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Turnfold",
            "version": package_version("0"),
            "summary": "Conversations of Amazon Lex bots, asked for as Lex's own SDKs ask",
            "description": TEXT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "The server of this document"}],
        "paths": paths | _own_paths(),
        "components": {"schemas": components, "securitySchemes": SCHEMES},
    }


def _operation(operation: Operation) -> Json:
    described: Json = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": _needs(operation.right),
        "security": SECURITY,
        "parameters": [
            *(_parameter(name, kind, "path") for name, kind in operation.parameters.items()),
            *(_parameter(name, kind, "query") for name, kind in operation.query.items()),
        ],
        "responses": success(ref(operation.answered)) | failures(asked(operation.dialect)),
    }
    if operation.request:
        described["requestBody"] = {"required": True, "content": {JSON: {"schema": ref(operation.request)}}}
    return described


def _unnamed(operation: Operation) -> Json:
    """The operation under another spelling of its path: its name may stand only once in a document."""
    return {name: told for name, told in _operation(operation).items() if name != "operationId"}


def _own_paths() -> Json:
    """The routes that are no operation of Lex."""
    ready = success(STATUS) | failures([FOREIGN, no_keys(), unready()])
    numbers = success({"type": "string"}, "text/plain") | failures(guarded())
    itself = success({"type": "object"}) | failures([FOREIGN])
    return {
        "/healthz": _unguarded("IsAlive", "The process is alive", success(STATUS)),
        "/readyz": _unguarded("IsReady", "Queries can be answered", ready),
        "/metrics": {
            "get": {
                "operationId": "GetMetrics",
                "summary": "How the process fares, for Prometheus",
                "description": _needs(Right.ADMIN),
                "security": SECURITY,
                "responses": numbers,
            }
        },
        "/openapi.json": _unguarded("GetDescription", "This document", itself),
    }


def _unguarded(name: str, summary: str, responses: Json) -> Json:
    """A GET that answers whoever asks."""
    return {"get": {"operationId": name, "summary": summary, "security": UNGUARDED, "responses": responses}}


def _needs(right: Right) -> str:
    return f"Where keys are asked for: with one that has the right `{right}`."


def _parameter(name: str, kind: object, where: str) -> Json:
    return {"name": name, "in": where, "required": where == "path", "schema": msgspec.json.schema(kind)}
