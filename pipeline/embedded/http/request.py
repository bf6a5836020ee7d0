"""Parse an HTTP request as ClickHouse does: statement, settings, parameters, and the data of an INSERT in a file."""

import asyncio
import re
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request

from pipeline.embedded.errors import ClickHouseCode, engine_error
from pipeline.embedded.handle import EngineStatement, insert_from_file
from pipeline.embedded.http.body import MAX_FORM, Form, body_chunks, is_form, read_form, read_statement, spool_data
from pipeline.embedded.http.compression import decode_blocks
from pipeline.embedded.http.decoding import decode_body
from pipeline.embedded.http.external_tables import describing_arguments, spool_tables
from pipeline.embedded.statement import StatementKind, classify, kill_by_tag

DEFAULT_SECONDS = "60"
"""Seconds that a statement may run if its client sets no max_execution_time."""
MAX_SECONDS = 3600.0
"""Seconds that any statement may run, even with max_execution_time = 0: it occupies a handle."""
OWN_AGENT = "turnfold "
"""The start of the User-Agent of Turnfold's own processes (`client_name` of their driver)."""

# Parameters of a URL that are not settings (src/Server/HTTPHandler.cpp), or settings of a server's HTTP interface
# only. Those that are not read anywhere here are ignored.
_NOT_SETTINGS = {
    "query", "database", "default_format", "user", "password", "quota_key", "query_id", "stacktrace", "role",
    "buffer_size", "wait_end_of_query", "session_id", "session_timeout", "session_check", "close_session",
    "client_protocol_version", "compress", "decompress", "enable_http_compression",
    "send_progress_in_http_headers", "http_headers_progress_interval_ms",
    "cancel_http_readonly_queries_on_client_close", "replace_running_query", "http_zlib_compression_level",
}  # fmt: skip
_SETTING = re.compile(r"[A-Za-z_]\w*")


class StatementRequest(msgspec.Struct, frozen=True):
    """A parsed request."""

    statement: EngineStatement
    returns_rows: bool
    """True if the statement returns rows, perhaps none."""


def read_arguments(request: Request) -> dict[str, str]:
    """Return the parameters of the URL.

    Raises:
        EngineError: the URL is malformed.
    """
    try:
        query = request.scope["query_string"].decode()
        return dict(parse_qsl(query, keep_blank_values=True, errors="strict"))
    except ValueError as error:
        raise engine_error(ClickHouseCode.BAD_ARGUMENTS, f"The URL cannot be read: {error}") from None


@asynccontextmanager
async def read_request(request: Request, arguments: Mapping[str, str], file: Path) -> AsyncIterator[StatementRequest]:
    """Parse a request, and yield its statement; the files with its data exist during the block.

    Args:
        request: its body may be compressed, and is a statement, a form, or the data of an INSERT.
        arguments: the parameters of the URL.
        file: the path for the data of an INSERT; those of external tables are next to it.

    Raises:
        EngineError: the request has no statement that can be run.
    """
    content_type = request.headers.get("content-type", "")
    chunks = decode_body(body_chunks(request), request.headers.get("content-encoding", ""))
    if is_set(arguments, "decompress"):
        chunks = decode_blocks(chunks)
    form = Form({}, {})
    if is_form(content_type):
        body, _ = await read_statement(b"", chunks, MAX_FORM)
        form = read_form(body, content_type)
        arguments = {**arguments, **form.fields}
    parameters = {name.removeprefix("param_"): text for name, text in arguments.items() if name.startswith("param_")}
    text, insert = await read_statement(arguments.get("query", "").encode(), chunks, inline_values=bool(parameters))
    kind = StatementKind() if insert else classify(text)
    _check_supported(kind, arguments)
    sql, written = kill_by_tag(text) if kind.kills else text, b""
    try:
        if insert:
            unsafe = await spool_data(text[insert.data :], chunks, file, insert.input_format)
            sql = insert_from_file(insert.target, insert.settings, insert.input_format, file, literals=unsafe)
            written = insert.target + insert.settings + f" FORMAT {insert.input_format}".encode()
        async with spool_tables(form.files, arguments, file) as tables:
            yield StatementRequest(
                EngineStatement(
                    sql=sql,
                    written=written,
                    reads=kind.reads,
                    output_format=kind.output_format or _default_format(request, arguments),
                    parameters=parameters,
                    settings=_settings(request.method, arguments, describing_arguments(form.files)),
                    database=arguments.get("database") or request.headers.get("x-clickhouse-database", ""),
                    tables=tables,
                    query_id=arguments.get("query_id", ""),
                    replaces=is_set(arguments, "replace_running_query"),
                    own=kind.kills  # which must be possible when all other handles are busy
                    or request.headers.get("user-agent", "").startswith(OWN_AGENT),
                ),
                kind.returns_rows,
            )
    finally:
        await asyncio.to_thread(file.unlink, missing_ok=True)


def is_set(arguments: Mapping[str, str], name: str) -> bool:
    """Return whether a parameter of the URL enables something."""
    return arguments.get(name, "0").lower() not in {"", "0", "false"}


def _check_supported(kind: StatementKind, arguments: Mapping[str, str]) -> None:
    if kind.empty:
        raise engine_error(ClickHouseCode.SYNTAX_ERROR, "Syntax error: the query is empty")
    if kind.multiple:
        raise engine_error(ClickHouseCode.SYNTAX_ERROR, "Syntax error: multi-statements are not allowed")
    if kind.reads_input:
        raise engine_error(
            ClickHouseCode.NOT_IMPLEMENTED,
            "The embedded engine does not support input(): send the data as an external table, and select from it",
        )
    if kind.session_only and arguments.get("session_id"):
        raise engine_error(
            ClickHouseCode.NOT_IMPLEMENTED,
            "The embedded engine has no sessions: send settings and `database` with each statement as parameters of "
            "the URL, and temporary tables as external tables",
        )
    if is_set(arguments, "session_check"):
        raise engine_error(
            ClickHouseCode.NOT_IMPLEMENTED, "The embedded engine has no sessions, so that session_check fails"
        )


def _default_format(request: Request, arguments: Mapping[str, str]) -> str:
    return arguments.get("default_format") or request.headers.get("x-clickhouse-format") or "TabSeparated"


def _settings(method: str, arguments: Mapping[str, str], ignored: Collection[str]) -> dict[str, str]:
    # a server takes no bare expression as a SELECT; without a limit a statement could occupy its handle for ever
    settings = {"implicit_select": "0", "max_execution_time": DEFAULT_SECONDS}
    for name, value in arguments.items():
        if name in _NOT_SETTINGS or name in ignored or name.startswith("param_"):
            continue
        if not _SETTING.fullmatch(name):
            raise engine_error(ClickHouseCode.UNKNOWN_SETTING, f"Unknown setting {name!r}")
        settings[name] = value
    settings["max_execution_time"] = _limited(settings["max_execution_time"])
    if method != "POST":
        settings["readonly"] = "2"  # as with a server: a link or an image must not change anything
    return settings


def _limited(seconds: str) -> str:
    try:
        requested = float(seconds)
    except ValueError:
        return seconds  # the engine reports the error
    return seconds if 0 < requested <= MAX_SECONDS else f"{MAX_SECONDS:g}"
