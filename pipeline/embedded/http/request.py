"""An HTTP request as ClickHouse takes it in; the statement it asks for out, an INSERT's data in a file."""

import asyncio
import re
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request

from pipeline.embedded.errors import ClickHouseCode, engine_error
from pipeline.embedded.handle import EngineStatement, from_file
from pipeline.embedded.http.body import MAX_FORM, Form, chunks_of, is_form, read_form, read_text, spooled
from pipeline.embedded.http.compression import plain_blocks
from pipeline.embedded.http.decoding import plain
from pipeline.embedded.http.external_tables import describing, spooled_tables
from pipeline.embedded.statement import StatementShape, by_tags, shape

MAX_SECONDS = "60"
LONGEST_SECONDS = 3600.0
"""The longest that a statement may hold its handle, also one that asks for all the time there is."""
OWN_AGENT = "turnfold "
"""How the User-Agent of Turnfold's own processes begins (`client_name` of their driver)."""

# Parameters of a URL that are no settings (src/Server/HTTPHandler.cpp), or only of a server's wire. Those
# that are read nowhere here may be left aside.
_NO_SETTINGS = {
    "query", "database", "default_format", "user", "password", "quota_key", "query_id", "stacktrace", "role",
    "buffer_size", "wait_end_of_query", "session_id", "session_timeout", "session_check", "close_session",
    "client_protocol_version", "compress", "decompress", "enable_http_compression",
    "send_progress_in_http_headers", "http_headers_progress_interval_ms",
    "cancel_http_readonly_queries_on_client_close", "replace_running_query", "http_zlib_compression_level",
}  # fmt: skip
_SETTING = re.compile(r"[A-Za-z_]\w*")


class StatementRequest(msgspec.Struct, frozen=True):
    """A request, understood."""

    statement: EngineStatement
    answers: bool
    """There are rows to answer, though perhaps none."""


def read_arguments(request: Request) -> dict[str, str]:
    """The URL's parameters.

    Raises:
        Failure: they cannot be read.
    """
    try:
        query = request.scope["query_string"].decode()
        found = dict(parse_qsl(query, keep_blank_values=True, errors="strict"))
    except ValueError as error:
        raise engine_error(ClickHouseCode.BAD_ARGUMENTS, f"The URL cannot be read: {error}") from None
    return found


@asynccontextmanager
async def read_request(request: Request, arguments: Mapping[str, str], file: Path) -> AsyncIterator[StatementRequest]:
    """What the request asks for.

    Args:
        request: its body may be compressed, a statement, a form, or an INSERT's data.
        arguments: the URL's parameters.
        file: where an INSERT's data are kept until the block ends, and those of external tables beside it.

    Raises:
        Failure: it asks for nothing that can be run.
    """
    content_type = request.headers.get("content-type", "")
    chunks = plain(chunks_of(request), request.headers.get("content-encoding", ""))
    if is_set(arguments, "decompress"):
        chunks = plain_blocks(chunks)
    form = Form({}, {})
    if is_form(content_type):
        body, _ = await read_text(b"", chunks, MAX_FORM)
        form = read_form(body, content_type)
        arguments = {**arguments, **form.fields}
    parameters = {name.removeprefix("param_"): text for name, text in arguments.items() if name.startswith("param_")}
    text, insert = await read_text(arguments.get("query", "").encode(), chunks, inline_values=bool(parameters))
    kind = StatementShape() if insert else shape(text)
    _check(kind, arguments)
    sql, written = by_tags(text) if kind.kills else text, b""
    try:
        if insert:
            calls = await spooled(text[insert.data :], chunks, file)
            sql = from_file(insert.target, insert.settings, insert.input_format, file, literals=calls)
            written = insert.target + insert.settings + f" FORMAT {insert.input_format}".encode()
        async with spooled_tables(form.files, arguments, file) as tables:
            yield StatementRequest(
                EngineStatement(
                    sql=sql,
                    written=written,
                    reads=kind.reads,
                    output_format=kind.output_format or _default_format(request, arguments),
                    parameters=parameters,
                    settings=_settings(request.method, arguments, describing(form.files)),
                    database=arguments.get("database") or request.headers.get("x-clickhouse-database", ""),
                    tables=tables,
                    query_id=arguments.get("query_id", ""),
                    replaces=is_set(arguments, "replace_running_query"),
                    own=kind.kills  # which must be possible when nothing else is
                    or request.headers.get("user-agent", "").startswith(OWN_AGENT),
                ),
                kind.answers,
            )
    finally:
        await asyncio.to_thread(file.unlink, missing_ok=True)


def is_set(arguments: Mapping[str, str], name: str) -> bool:
    """Whether a parameter of the URL switches something on."""
    return arguments.get(name, "0").lower() not in {"", "0", "false"}


def _check(kind: StatementShape, arguments: Mapping[str, str]) -> None:
    if kind.empty:
        raise engine_error(ClickHouseCode.SYNTAX_ERROR, "Syntax error: the query is empty")
    if kind.several:
        raise engine_error(ClickHouseCode.SYNTAX_ERROR, "Syntax error: multi-statements are not allowed")
    if kind.takes_input:
        raise engine_error(
            ClickHouseCode.NOT_IMPLEMENTED,
            "The embedded engine has no data for input(): send them as an external table, and select from that",
        )
    if kind.of_a_session and arguments.get("session_id"):
        raise engine_error(
            ClickHouseCode.NOT_IMPLEMENTED,
            "The embedded engine keeps no sessions: send settings and `database` with each statement as parameters of "
            "the URL, and temporary tables as external ones",
        )
    if is_set(arguments, "session_check"):
        raise engine_error(
            ClickHouseCode.NOT_IMPLEMENTED, "The embedded engine keeps no sessions, so there is none to be checked"
        )


def _default_format(request: Request, arguments: Mapping[str, str]) -> str:
    return arguments.get("default_format") or request.headers.get("x-clickhouse-format") or "TabSeparated"


def _settings(method: str, arguments: Mapping[str, str], others: Collection[str]) -> dict[str, str]:
    # a server takes no bare expression for a SELECT; and without an end a statement keeps its handle for good
    found = {"implicit_select": "0", "max_execution_time": MAX_SECONDS}
    for name, value in arguments.items():
        if name in _NO_SETTINGS or name in others or name.startswith("param_"):
            continue
        if not _SETTING.fullmatch(name):
            raise engine_error(ClickHouseCode.UNKNOWN_SETTING, f"Unknown setting {name!r}")
        found[name] = value
    found["max_execution_time"] = _bounded(found["max_execution_time"])
    if method != "POST":
        found["readonly"] = "2"  # as with a server: what a link or an image can ask for changes nothing
    return found


def _bounded(seconds: str) -> str:
    try:
        asked = float(seconds)
    except ValueError:
        return seconds  # the engine says what is wrong
    return seconds if 0 < asked <= LONGEST_SECONDS else f"{LONGEST_SECONDS:g}"
