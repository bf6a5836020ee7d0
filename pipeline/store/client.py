"""Statements and rows in, ClickHouse's answers out; its trouble sorted into what passes and what is a fault."""

import ssl
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

from pipeline.config.settings import Settings
from pipeline.runtime.errors import ExceededError, StatementError, TransientError, UsageError
from pipeline.runtime.tls import client_context
from pipeline.store.limits import Limits
from pipeline.store.schema.cluster_ddl import cluster_options
from schemas.columns import columns, transpose

Row = tuple[Any, ...]

NON_RETRYABLE_CODES = {
    6, 16, 20, 26, 27, 36, 38, 41, 42, 43, 44, 46, 47, 48, 50, 53, 57, 60, 62, 63, 70, 72, 73, 81, 115, 117, 139,
    164, 179, 192, 193, 194, 215, 288, 344, 386, 392, 456, 457, 497, 516, 701,
}  # fmt: skip
"""Codes of what a second try cannot mend: wrong statements, types, names, passwords, a cluster that is none
(src/Common/ErrorCodes.cpp)."""


INSERT_SETTINGS = {
    "max_partitions_per_insert_block": 0,  # events of 100 months may come at once
    "min_free_disk_bytes_to_perform_insert": 16 * 1024 * 1024,  # a disk that fills in the middle leaves broken parts
}
SETTINGS_OF: Mapping[str, Mapping[str, object]] = {
    "turns": {"optimize_on_insert": 0},  # it looks for events to replace in a batch, whose events are distinct
}


class ClickHouse:
    """One database. Times are integers (milliseconds) both ways; parameters are always bound, never written in."""

    def __init__(self, client: AsyncClient, cluster: str = "") -> None:
        self._client = client
        self.cluster = cluster
        """Empty: one server."""

    @classmethod
    async def connect(cls, settings: Settings, *, database: str | None = None) -> Self:
        """A client of `settings.clickhouse`, once the server has answered.

        Raises:
            TransientError: the server is not there. StatementError: it lets the user or the database not in.
            UsageError: its certificate is not trusted.
        """
        options.pd = None  # where pandas is installed the driver would import it for the first insert: 0.8 s, 50 MB
        url = urlsplit(settings.clickhouse)
        if settings.clickhouse_ca:
            client_context(settings.clickhouse_ca, "TURNFOLD_CLICKHOUSE_CA")  # the driver would not say what is wrong
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
                compress=False,  # the wire is short and the payload column is compressed on arrival
                query_retries=0,  # whoever calls decides what is tried again
                form_encode_query_params=True,  # keys of a batch outgrow a URL
                client_name="turnfold",
                settings=dict(cluster_options(settings)),
            )
        return cls(client, settings.clickhouse_cluster)

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.close()

    async def command(self, statement: str, parameters: Mapping[str, object] | None = None) -> None:
        """Run a statement that answers nothing."""
        with translate_errors():
            await self._client.command(statement, parameters=dict(parameters or {}))

    async def rows(  # noqa: PLR0913 - what a SELECT may bring with it, each by its name
        self,
        statement: str,
        parameters: Mapping[str, object] | None = None,
        settings: Mapping[str, object] | None = None,
        *,
        as_bytes: Sequence[str] = (),
        limits: Limits | None = None,
        tables: ExternalData | None = None,
    ) -> Sequence[Row]:
        """All rows that a SELECT answers; `{name:Type}` in it stands for a parameter.

        Strings come as text, those of the columns `as_bytes` as they are. `tables` are sent along, for it to read.

        Raises:
            TransientError: worth a second try. StatementError: not. ExceededError: it goes beyond `limits`.
        """
        with translate_errors(limits):
            result = await self._client.query(
                statement,
                parameters=dict(parameters or {}),
                settings={**self._bounds(limits), **(settings or {})},
                query_formats={"DateTime64": "int"},
                column_formats=dict.fromkeys(as_bytes, "bytes"),
                external_data=tables,
            )
        answered: Sequence[Row] = result.result_rows
        return answered

    def _bounds(self, limits: Limits | None) -> dict[str, object]:
        """The settings of these limits. A user who may only read anyway must not say so again."""
        bounds = limits.settings() if limits else {}
        if (known := self._client.server_settings.get("readonly")) and known.value != "0":
            bounds.pop("readonly", None)
        return bounds

    async def insert(self, table: str, rows: Sequence[msgspec.Struct]) -> None:
        """Insert `rows`, all of one struct type whose fields are the columns, as one block.

        Raises:
            TransientError: worth a second try; some of the rows may be in. StatementError: not.
        """
        if not rows:
            return
        shape = columns(type(rows[0]))
        with translate_errors():
            await self._client.insert(
                table,
                transpose(rows),
                column_names=list(shape),
                column_type_names=list(shape.values()),
                column_oriented=True,
                settings={**INSERT_SETTINGS, **SETTINGS_OF.get(table, {})},
            )


@asynccontextmanager
async def connection(settings: Settings, *, database: str | None = None) -> AsyncIterator[ClickHouse]:
    """A client for the length of a `with` block."""
    clickhouse = await ClickHouse.connect(settings, database=database)
    try:
        yield clickhouse
    finally:
        await clickhouse.close()


@contextmanager
def translate_errors(limits: Limits | None = None) -> Iterator[None]:
    """What the driver raises in the block, as TransientError, StatementError or UsageError.

    A statement that goes beyond limits of its own raises ExceededError; beyond others', it may be worth a second try.
    """
    try:
        yield
    except ClickHouseError as error:
        if limits and (beyond := limits.exceeded(getattr(error, "code", None) or 0, str(error))):
            raise ExceededError(beyond) from error
        if untrusted := _untrusted(error):
            raise UsageError(
                f"ClickHouse shows a certificate that is not trusted ({untrusted.verify_message}): "
                "TURNFOLD_CLICKHOUSE_CA should name the file of the authorities that vouch for it"
            ) from error
        ours = isinstance(error, DataError | NotSupportedError | ProgrammingError)  # it never left this process
        if ours or getattr(error, "code", None) in NON_RETRYABLE_CODES:
            raise StatementError(str(error)) from error
        raise TransientError(str(error)) from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise TransientError(f"ClickHouse does not answer: {error!r}") from error


def _untrusted(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    """The failed verification that `error` comes from, if it does."""
    while error is not None and type(error) is not ssl.SSLCertVerificationError:  # aiohttp's is a bare subclass
        error = error.__cause__ or error.__context__
    return error
