"""Build the OpenAPI 3.1 document of all routes, and the route that serves it."""

from collections.abc import Sequence

import msgspec
import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipeline.http.errors import JSON
from pipeline.http.openapi.responses import (
    FOREIGN_HOST,
    REF,
    Json,
    authentication_errors,
    error_responses,
    keys_unavailable,
    not_ready,
    operation_errors,
    ref,
    success,
)
from pipeline.http.operations.operation import Operation
from pipeline.runtime.version import package_version
from schemas.access_key import Right
from schemas.lex.analytics.operation import ErrorBody

TEXT = """\
Where the query layer requires access keys (TURNFOLD_API_KEYS), a request is signed with AWS Signature Version 4, as
AWS's SDKs do by themselves, or carries a bearer token; `turnfold keys add` makes both kinds. A key has rights, and bots
that it may access: others are answered as bots without data. Where no keys are required, none need be sent.

Every error is one JSON object with a message; its code is in the header x-amzn-ErrorType. A request that is not HTTP,
too large or too slow is refused in the same form on any path (400, 408, 431), as is an unknown path or method (404,
405).
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
"""Either scheme, or none where no keys are required."""
PUBLIC: list[Json] = []
"""No key is ever required."""
STATUS = {"type": "object", "properties": {"status": {"type": "string"}}, "required": ["status"]}


def openapi_route(operations: Sequence[Operation]) -> Route:
    """Build the route `/openapi.json`."""
    content = orjson.dumps(document(operations))

    async def openapi(_: Request) -> Response:
        return Response(content, media_type=JSON)

    return Route("/openapi.json", openapi, methods=["GET"])


def document(operations: Sequence[Operation]) -> Json:
    """Build the whole document."""
    structs = [struct for operation in operations for struct in (operation.request, operation.response) if struct]
    _, components = msgspec.json.schema_components([*structs, ErrorBody], ref_template=REF)
    paths: Json = {}
    for operation in operations:
        # a path with and without a slash at its end is one path, documented without it
        paths.setdefault(operation.path.rstrip("/"), {})[operation.method.lower()] = _operation(operation)
        for path in {path.rstrip("/") for path in operation.other_paths} - {operation.path.rstrip("/")}:
            paths.setdefault(path, {})[operation.method.lower()] = _without_id(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Turnfold",
            "version": package_version("0"),
            "summary": "Conversations of Amazon Lex bots, for Lex's own SDKs",
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
        "description": _key_description(operation.right),
        "security": SECURITY,
        "parameters": [
            *(_parameter(name, kind, "path") for name, kind in operation.parameters.items()),
            *(_parameter(name, kind, "query") for name, kind in operation.query.items()),
        ],
        "responses": success(ref(operation.response)) | error_responses(operation_errors(operation.error_codes)),
    }
    if operation.request:
        described["requestBody"] = {"required": True, "content": {JSON: {"schema": ref(operation.request)}}}
    return described


def _without_id(operation: Operation) -> Json:
    """Describe the operation under another spelling of its path: an operation id must be unique."""
    return {name: value for name, value in _operation(operation).items() if name != "operationId"}


def _own_paths() -> Json:
    """Describe the routes that are not operations of Lex."""
    ready = success(STATUS) | error_responses([FOREIGN_HOST, keys_unavailable(), not_ready()])
    metrics = success({"type": "string"}, "text/plain") | error_responses(authentication_errors())
    document = success({"type": "object"}) | error_responses([FOREIGN_HOST])
    return {
        "/healthz": _public("IsAlive", "The process is alive", success(STATUS)),
        "/readyz": _public("IsReady", "Queries can be answered", ready),
        "/metrics": {
            "get": {
                "operationId": "GetMetrics",
                "summary": "Metrics of the process, for Prometheus",
                "description": _key_description(Right.ADMIN),
                "security": SECURITY,
                "responses": metrics,
            }
        },
        "/openapi.json": _public("GetDescription", "This document", document),
    }


def _public(name: str, summary: str, responses: Json) -> Json:
    """Describe a GET that requires no key."""
    return {"get": {"operationId": name, "summary": summary, "security": PUBLIC, "responses": responses}}


def _key_description(right: Right) -> str:
    return f"Where keys are required: a key with the right `{right}`."


def _parameter(name: str, kind: object, where: str) -> Json:
    return {"name": name, "in": where, "required": where == "path", "schema": msgspec.json.schema(kind)}
