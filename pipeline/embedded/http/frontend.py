"""An engine in, the ASGI application that serves it as a server serves ClickHouse's HTTP interface out."""

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
from pipeline.embedded.handle import EngineAnswer
from pipeline.embedded.http.auth import Account, check_account, check_host
from pipeline.embedded.http.compression import Encoder, chosen_encoding
from pipeline.embedded.http.go_handshake import asks_for_revision, hello
from pipeline.embedded.http.request import StatementRequest, is_set, read_arguments, read_request
from pipeline.embedded.running_statement import Running

NAME = "turnfold"
GONE = 499
"""The status of an answer that nobody reads."""
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


def create_front(engine: Engine, account: Account, names: Collection[str] = ()) -> Starlette:
    """The application. Every statement stands alone: there are no sessions.

    Args:
        engine: runs the statements.
        account: who may ask for them.
        names: what the server is called, beside localhost.
    """

    async def statement(request: Request) -> Response:
        query_id = str(uuid.uuid4())
        try:
            check_host(request.headers, names)
            if request.method != "POST" and not request.scope["query_string"]:
                return PlainTextResponse("Ok.\n")
            arguments = read_arguments(request)
            query_id = found[0] if (found := HEADER_TEXT.fullmatch(arguments.get("query_id", ""))) else query_id
            check_account(account, request.headers, arguments)
            async with read_request(
                request, {**arguments, "query_id": query_id}, engine.incoming / uuid.uuid4().hex
            ) as asked:
                return await _answered(engine, asked, request, arguments, query_id)
        except EngineError as failed:
            return _failed(engine, failed, query_id)
        except (ClientDisconnect, asyncio.CancelledError):
            return Response(status_code=GONE)  # the client has left, or the server is at its end

    async def fine(request: Request) -> Response:
        try:
            check_host(request.headers, names)
        except EngineError as failed:
            return _failed(engine, failed, str(uuid.uuid4()))
        return PlainTextResponse("Ok.\n")

    return Starlette(
        routes=[
            Route("/", statement, methods=["GET", "POST"]),
            Route("/ping", fine),
            Route("/replicas_status", fine),
        ]
    )


async def _answered(
    engine: Engine, asked: StatementRequest, request: Request, arguments: Mapping[str, str], query_id: str
) -> Response:
    """The answer to a statement, as a whole where it is short."""
    compresses = is_set(arguments, "enable_http_compression")
    encoding = chosen_encoding(request.headers.get("accept-encoding", "")) if compresses else ""
    encoder = Encoder(encoding, blocks=is_set(arguments, "compress"))
    statement = asked.statement
    headers = _headers(engine, query_id)
    if encoding:
        headers["Content-Encoding"] = encoding
    if asks_for_revision(statement.sql, arguments, statement.output_format):
        body = hello(NAME, engine.version, engine.timezone)
        return Response(encoder.encode(body) + encoder.finish(), headers=headers | _format_headers("Native"))
    running = Running(engine, statement)
    answer = await running.begin(request)
    if answer is None:
        headers |= _format_headers(statement.output_format)
        return StreamingResponse(running.rest(encoder), headers=headers)
    headers |= _format_headers(statement.output_format if answer.body or asked.answers else "")
    headers["X-ClickHouse-Summary"] = _summary(answer)
    return Response(encoder.encode(answer.body) + encoder.finish(), headers=headers)


def _headers(engine: Engine, query_id: str) -> dict[str, str]:
    return {
        "X-ClickHouse-Query-Id": query_id,
        "X-ClickHouse-Server-Display-Name": NAME,
        "X-ClickHouse-Timezone": engine.timezone,
    }


def _format_headers(output_format: str) -> dict[str, str]:
    content_type = {"Content-Type": CONTENT_TYPES.get(output_format, "text/plain; charset=UTF-8")}
    return content_type | ({"X-ClickHouse-Format": output_format} if output_format else {})


def _summary(answer: EngineAnswer) -> str:
    summary = {
        "read_rows": answer.read_rows,
        "read_bytes": answer.read_bytes,
        "written_rows": answer.written_rows,
        "written_bytes": answer.written_bytes,
        "total_rows_to_read": answer.read_rows,
        "result_rows": answer.result_rows,
        "result_bytes": len(answer.body),
        "elapsed_ns": answer.elapsed_ns,
    }
    return orjson.dumps({name: str(value) for name, value in summary.items()}).decode()


def _failed(engine: Engine, failed: EngineError, query_id: str) -> Response:
    text = failed.text if "(version " in failed.text else f"{failed.text} (version {engine.version})"
    headers = _headers(engine, query_id) | {"X-ClickHouse-Exception-Code": str(failed.code)}
    return PlainTextResponse(f"{text}\n", failed.status, headers)
