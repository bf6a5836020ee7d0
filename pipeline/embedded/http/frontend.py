"""Serve the engine as an ASGI application that behaves as ClickHouse's HTTP interface."""

import asyncio
import re
import uuid
from collections.abc import Collection, Mapping

import orjson
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from pipeline.embedded.engine import Engine
from pipeline.embedded.errors import EngineError
from pipeline.embedded.handle import EngineResult
from pipeline.embedded.http.auth import Account, check_account, check_host
from pipeline.embedded.http.compression import ResponseEncoder, choose_encoding
from pipeline.embedded.http.native_clients import handshake_block, is_handshake
from pipeline.embedded.http.request import StatementRequest, is_set, read_arguments, read_request
from pipeline.embedded.http.running_statement import RunningStatement

NAME = "turnfold"
"""The display name of the server."""
CLIENT_DISCONNECTED = 499
"""The status of a response that nobody reads."""
HEADER_TEXT = re.compile(r"[!-~]+")
CONTENT_TYPES = {
    "CSV": "text/csv; charset=UTF-8; header=absent",
    "CSVWithNames": "text/csv; charset=UTF-8; header=present",
    "JSON": "application/json; charset=UTF-8",
    "JSONCompact": "application/json; charset=UTF-8",
    "JSONEachRow": "application/x-ndjson; charset=UTF-8",
    "Native": "application/octet-stream",
    "RowBinary": "application/octet-stream",
    "TabSeparated": "text/tab-separated-values; charset=UTF-8",
    "TSV": "text/tab-separated-values; charset=UTF-8",
}


def create_frontend(engine: Engine, account: Account, names: Collection[str] = ()) -> Starlette:
    """Create the application. Every statement is independent: there are no sessions.

    Args:
        engine: runs the statements.
        account: the user who may send them.
        names: host names of the server besides localhost.
    """

    async def run_statement(request: Request) -> Response:
        query_id = str(uuid.uuid4())
        try:
            check_host(request.headers, names)
            if request.method != "POST" and not request.scope["query_string"]:
                return PlainTextResponse("Ok.\n")
            arguments = read_arguments(request)
            query_id = match[0] if (match := HEADER_TEXT.fullmatch(arguments.get("query_id", ""))) else query_id
            check_account(account, request.headers, arguments)
            async with read_request(
                request, {**arguments, "query_id": query_id}, engine.incoming / uuid.uuid4().hex
            ) as parsed:
                return await _respond(engine, parsed, request, arguments, query_id)
        except EngineError as error:
            return _error_response(engine, error, query_id)
        except (ClientDisconnect, asyncio.CancelledError):
            return Response(status_code=CLIENT_DISCONNECTED)  # or the server stops

    async def answer_ok(request: Request) -> Response:
        try:
            check_host(request.headers, names)
        except EngineError as error:
            return _error_response(engine, error, str(uuid.uuid4()))
        return PlainTextResponse("Ok.\n")

    return Starlette(
        routes=[
            Route("/", run_statement, methods=["GET", "POST"]),
            Route("/ping", answer_ok),
            Route("/replicas_status", answer_ok),
        ]
    )


async def _respond(
    engine: Engine, parsed: StatementRequest, request: Request, arguments: Mapping[str, str], query_id: str
) -> Response:
    """Run a statement, and respond at once if its result is short, else with a stream."""
    compresses = is_set(arguments, "enable_http_compression")
    encoding = choose_encoding(request.headers.get("accept-encoding", "")) if compresses else ""
    encoder = ResponseEncoder(encoding, blocks=is_set(arguments, "compress"))
    statement = parsed.statement
    headers = _headers(engine, query_id)
    if encoding:
        headers["Content-Encoding"] = encoding
    if is_handshake(statement.sql, arguments, statement.output_format):
        body = handshake_block(NAME, engine.version, engine.timezone)
        return Response(encoder.encode(body) + encoder.finish(), headers=headers | _format_headers("Native"))
    running = RunningStatement(engine, statement)
    result = await running.begin(request)
    if result is None:
        headers |= _format_headers(statement.output_format)
        return StreamingResponse(running.stream(encoder), headers=headers)
    headers |= _format_headers(statement.output_format if result.body or parsed.returns_rows else "")
    headers["X-ClickHouse-Summary"] = _summary(result)
    return Response(encoder.encode(result.body) + encoder.finish(), headers=headers)


def _headers(engine: Engine, query_id: str) -> dict[str, str]:
    return {
        "X-ClickHouse-Query-Id": query_id,
        "X-ClickHouse-Server-Display-Name": NAME,
        "X-ClickHouse-Timezone": engine.timezone,
    }


def _format_headers(output_format: str) -> dict[str, str]:
    content_type = {"Content-Type": CONTENT_TYPES.get(output_format, "text/plain; charset=UTF-8")}
    return content_type | ({"X-ClickHouse-Format": output_format} if output_format else {})


def _summary(result: EngineResult) -> str:
    summary = {
        "read_rows": result.read_rows,
        "read_bytes": result.read_bytes,
        "written_rows": result.written_rows,
        "written_bytes": result.written_bytes,
        "total_rows_to_read": result.read_rows,
        "result_rows": result.result_rows,
        "result_bytes": len(result.body),
        "elapsed_ns": result.elapsed_ns,
    }
    return orjson.dumps({name: str(value) for name, value in summary.items()}).decode()


def _error_response(engine: Engine, error: EngineError, query_id: str) -> Response:
    text = error.text if "(version " in error.text else f"{error.text} (version {engine.version})"
    headers = _headers(engine, query_id) | {"X-ClickHouse-Exception-Code": str(error.code)}
    return PlainTextResponse(f"{text}\n", error.status, headers)
