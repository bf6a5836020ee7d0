"""Run statements and insert rows in ClickHouse, and sort its errors into transient and permanent ones."""

import ssl
import traceback
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp
import clickhouse_connect
import msgspec
from clickhouse_connect.driver import options
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.exceptions import ClickHouseError, DataError, NotSupportedError, ProgrammingError
from clickhouse_connect.driver.external import ExternalData
from clickhouse_connect.driver.transform import NativeTransform

from pipeline.config.settings import Settings
from pipeline.runtime.errors import ExceededError, StatementError, TransientError, UsageError
from pipeline.runtime.tls import client_context
from pipeline.store.connection.limits import MIN_FREE_BYTES, Limits
from pipeline.store.connection.native_block import NativeBlock
from pipeline.store.schema.cluster_ddl import cluster_options
from schemas.columns import columns, transpose

Row = tuple[Any, ...]

NON_RETRYABLE_CODES = {
    6, 16, 20, 26, 27, 36, 38, 41, 42, 43, 44, 46, 47, 48, 50, 53, 57, 60, 62, 63, 70, 72, 73, 81, 115, 117, 139,
    164, 179, 192, 193, 194, 215, 288, 344, 386, 392, 395, 456, 457, 495, 497, 514, 516, 701,
}  # fmt: skip
"""Codes of errors that a retry cannot solve: wrong statements, types, names, passwords, an unknown cluster, nowhere to
keep a role, rows that a view refuses to read (src/Common/ErrorCodes.cpp)."""
INSERT_SETTINGS = {
    "max_partitions_per_insert_block": 0,  # one batch may have events of 100 months
    "min_free_disk_bytes_to_perform_insert": MIN_FREE_BYTES,
}
DISTINCT_ROWS = {"turns", "conversations"}
"""Tables whose batches never have two rows of one key. To search them for such rows takes a third of an insert."""


class ClickHouse:
    """A client of one database.

    Times are integers (milliseconds) both ways; parameters are bound, never interpolated.
    """

    def __init__(self, client: AsyncClient, cluster: str = "") -> None:
        self._client = client
        self.cluster = cluster
        """The name of the cluster; empty for a single server."""

    @classmethod
    async def connect(cls, settings: Settings, *, database: str | None = None) -> Self:
        """Connect to `settings.clickhouse`, and wait until the server has answered.

        Raises:
            TransientError: the server is unavailable. StatementError: it refuses the user or the database.
            UsageError: its certificate is not trusted.
        """
        # else the driver imports these, if installed, at the first insert: 0.9 s, 70 MB, and threads of a BLAS
        options.pd = options.np = None
        url = urlsplit(settings.clickhouse)
        if settings.clickhouse_ca:
            # the driver does not say what is wrong with it
            client_context(settings.clickhouse_ca, "TURNFOLD_CLICKHOUSE_CA")
        with translate_errors():
            client = await clickhouse_connect.get_async_client(
                interface=url.scheme,
                host=url.hostname,
                port=url.port or (8443 if url.scheme == "https" else 8123),
                username=settings.clickhouse_user,
                password=settings.clickhouse_password,
                ca_cert=settings.clickhouse_ca or None,
                database=settings.clickhouse_database if database is None else database,
                connect_timeout=min(10.0, settings.clickhouse_timeout),
                send_receive_timeout=settings.clickhouse_timeout,
                compress=False,  # the network is near, and the payload column is compressed on arrival
                query_retries=0,  # callers decide what is retried
                form_encode_query_params=True,  # the keys of a batch do not fit into a URL
                client_name="turnfold",
                settings=dict(cluster_options(settings)),
            )
        return cls(client, settings.clickhouse_cluster)

    def use(self, database: str) -> None:
        """Send later statements to another database."""
        self._client.database = database

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def command(self, statement: str, parameters: Mapping[str, object] | None = None) -> None:
        """Run a statement that has no result."""
        with translate_errors():
            await self._client.command(statement, parameters=dict(parameters or {}))

    async def rows(  # noqa: PLR0913 - the parts of a SELECT request, each by its name
        self,
        statement: str,
        parameters: Mapping[str, object] | None = None,
        settings: Mapping[str, object] | None = None,
        *,
        as_bytes: Sequence[str] = (),
        limits: Limits | None = None,
        tables: ExternalData | None = None,
    ) -> Sequence[Row]:
        """Return all rows of a SELECT; `{name:Type}` in it stands for a parameter.

        Strings are decoded to text, except in the columns `as_bytes`. `tables` are external tables that it reads.

        Raises:
            TransientError: a retry may succeed. StatementError: no retry can. ExceededError: it exceeds `limits`.
        """
        with translate_errors(limits):
            result = await self._client.query(
                statement,
                parameters=dict(parameters or {}),
                settings={**self._limit_settings(limits), **(settings or {})},
                query_formats={"DateTime64": "int"},
                column_formats=dict.fromkeys(as_bytes, "bytes"),
                external_data=tables,
            )
        rows: Sequence[Row] = result.result_rows
        return rows

    def _limit_settings(self, limits: Limits | None) -> dict[str, object]:
        """Return the settings of these limits. A user that is read-only already must not set `readonly` again."""
        settings = limits.settings() if limits else {}
        if (known := self._client.server_settings.get("readonly")) and known.value != "0":
            settings.pop("readonly", None)
        return settings

    async def insert(self, table: str, rows: Sequence[msgspec.Struct]) -> None:
        """Insert `rows`, all of one struct type whose fields are the columns, as one block.

        Raises:
            TransientError: a retry may succeed; some of the rows may be inserted. StatementError: no retry can.
        """
        if not rows:
            return
        types, data = columns(type(rows[0])), transpose(rows)
        block = NativeBlock(types, data)
        settings = INSERT_SETTINGS | {"optimize_on_insert": int(table not in DISTINCT_ROWS)}
        with translate_errors():
            try:
                await self._client.raw_insert(table, list(types), block.chunks(), settings, "Native")
            except ClickHouseError:
                if block.error is None:
                    raise
            if block.error is not None:  # after the handler, else it would be the context of its own consequence
                raise block.error


@asynccontextmanager
async def connection(settings: Settings, *, database: str | None = None) -> AsyncIterator[ClickHouse]:
    """Connect for the length of a `with` block."""
    clickhouse = await ClickHouse.connect(settings, database=database)
    try:
        yield clickhouse
    finally:
        await clickhouse.close()


@contextmanager
def translate_errors(limits: Limits | None = None) -> Iterator[None]:
    """Translate what the driver raises in the block to TransientError, StatementError or UsageError.

    A statement that exceeds its own `limits` raises ExceededError; where it exceeds others, a retry may succeed. An
    answer that is damaged may fail to be parsed in any way, and is as transient as one that is cut.
    """
    try:
        yield
    except ClickHouseError as error:
        if limits and (exceeded := limits.exceeded(getattr(error, "code", None) or 0, str(error))):
            raise ExceededError(exceeded) from error
        if untrusted := _untrusted(error):
            raise UsageError(
                f"ClickHouse shows a certificate that is not trusted ({untrusted.verify_message}): "
                "TURNFOLD_CLICKHOUSE_CA should name the file of the authorities that vouch for it"
            ) from error
        is_local = isinstance(error, DataError | NotSupportedError | ProgrammingError)  # it was never sent
        if (is_local and not _is_raised_by_parser(error)) or getattr(error, "code", None) in NON_RETRYABLE_CODES:
            raise StatementError(str(error)) from error
        reason = str(error).replace("Network Error", "the connection to ClickHouse failed", 1)
        raise TransientError(reason) from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise TransientError(f"ClickHouse does not answer: {error!r}") from error
    except Exception as error:
        if not _is_raised_by_parser(error):
            raise
        raise TransientError(f"an answer of ClickHouse is damaged: {error!r}") from error


def _is_raised_by_parser(error: Exception) -> bool:
    """Return whether the driver raised `error` while it parsed an answer: else it is about what was to be sent."""
    frames = traceback.walk_tb(error.__traceback__)
    return any(frame.f_globals.get("__name__") == NativeTransform.__module__ for frame, _ in frames)


def _untrusted(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    """Return the failed verification of a certificate that caused `error`, if one did."""
    seen: set[int] = set()  # an error that is raised again while it is handled can be among its own causes
    while error is not None and id(error) not in seen:
        if type(error) is ssl.SSLCertVerificationError:  # aiohttp's is a bare subclass
            return error
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return None
