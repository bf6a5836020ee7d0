"""An engine in, the ASGI application that serves it as a server serves ClickHouse's HTTP interface out."""

import asyncio
import re
import uuid
from collections.abc import Collection

import orjson
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from pipeline.embedded.access import Account, check_account, check_host
from pipeline.embedded.engine import Engine
from pipeline.embedded.failures import Failure
from pipeline.embedded.handle import Answer, Statement
from pipeline.embedded.request import read_arguments, read_request

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
    """The application. Every statement stands alone: a `session_id` is accepted, and binds nothing.

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
            async with read_request(request, arguments, engine.incoming / uuid.uuid4().hex) as asked:
                answer = await _run(engine, asked.statement, request)
        except Failure as failed:
            return _failed(engine, failed, query_id)
        except (ClientDisconnect, asyncio.CancelledError):
            return Response(status_code=GONE)  # the client has left, or the server is at its end
        output_format = asked.statement.output_format if answer.body or asked.answers else ""
        return _answered(engine, answer, output_format, query_id)

    async def fine(request: Request) -> Response:
        try:
            check_host(request.headers, names)
        except Failure as failed:
            return _failed(engine, failed, str(uuid.uuid4()))
        return PlainTextResponse("Ok.\n")

    return Starlette(
        routes=[
            Route("/", statement, methods=["GET", "POST"]),
            Route("/ping", fine),
            Route("/replicas_status", fine),
        ]
    )


async def _run(engine: Engine, statement: Statement, request: Request) -> Answer:
    """Runs the statement; a read whose client goes away is given up, a write comes to its end."""
    running = asyncio.create_task(engine.run(statement))
    gone = asyncio.create_task(_gone(request))
    try:
        await asyncio.wait([running, gone] if statement.reads else [running], return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            raise ClientDisconnect
        return running.result()
    finally:
        gone.cancel()
        running.cancel()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _headers(engine: Engine, query_id: str) -> dict[str, str]:
    return {
        "X-ClickHouse-Query-Id": query_id,
        "X-ClickHouse-Server-Display-Name": NAME,
        "X-ClickHouse-Timezone": engine.timezone,
    }


def _answered(engine: Engine, answer: Answer, output_format: str, query_id: str) -> Response:
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
    headers = _headers(engine, query_id)
    headers["X-ClickHouse-Summary"] = orjson.dumps({name: str(value) for name, value in summary.items()}).decode()
    if output_format:
        headers["X-ClickHouse-Format"] = output_format
    headers["Content-Type"] = CONTENT_TYPES.get(output_format, "text/plain; charset=UTF-8")
    return Response(answer.body, headers=headers)


def _failed(engine: Engine, failed: Failure, query_id: str) -> Response:
    text = failed.text if "(version " in failed.text else f"{failed.text} (version {engine.version})"
    headers = _headers(engine, query_id) | {"X-ClickHouse-Exception-Code": str(failed.code)}
    return PlainTextResponse(f"{text}\n", failed.status, headers)
