"""Confine statements to the data folder, by grants and constraints of ClickHouse and by checks of their own text.

The engine of chdb runs as a library: it behaves as `clickhouse-local`, whose user may do anything. But it reads a
configuration and the users.xml that the configuration names, and enforces them as a server does. So users.xml has:

- grants: tables, databases, views and rows, the table engines that keep data in the folder, and nothing else. No
  sources (files, URLs, other servers), no dictionaries, functions, named collections, backups, SYSTEM or users;
- constraints: settings that name a file or an address, that carry SQL in their values, that switch the dialect, or
  that enable an experimental feature cannot be changed, nor can `disk` of a MergeTree table.

The database `default` of clickhouse-local shows every file of the machine as a table. It gets another name and is
dropped, and an ordinary database takes its place.

Neither a grant nor a setting covers the rest: the function `file`, the table functions `executable` and `python` (and
`sqlite`, whose grant is checked only after its file is opened, and created if missing), disks that a statement defines
(`disk(type = web, ...)`), databases of engine `DataLakeCatalog`, `ATTACH ... FROM`, and the client's `INTO OUTFILE` and
`FROM INFILE`, which the engine executes itself. Statements with such words are parsed by the engine's own parser
(function `formatQuerySingleLine`), so that comments, escapes and unusual quotes hide nothing, and the parsed text is
checked. This check gives clear messages, and protects systems without Landlock. It is not complete: strings and data
are SQL in places (`format(Values, ...)`, columns in table functions). `seal`, which binds the whole process, keeps the
engine from files.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

from pipeline.embedded.errors import ClickHouseCode, engine_error, error_of_engine

PRIVILEGES = (
    "CHECK", "SHOW", "SELECT", "INSERT", "ALTER", "CREATE DATABASE", "CREATE TABLE", "CREATE VIEW",
    "CREATE TEMPORARY TABLE", "CREATE TEMPORARY VIEW", "DROP DATABASE", "DROP TABLE", "DROP VIEW", "UNDROP TABLE",
    "TRUNCATE", "OPTIMIZE", "KILL QUERY", "SYSTEM MERGES", "SYSTEM TTL MERGES", "SYSTEM FLUSH", "SYSTEM DROP CACHE",
)  # fmt: skip
REVOKED = (
    "DROP DATABASE ON default.*",  # each handle starts in it: without it no handle could be opened to create it again
    "DROP DATABASE, DROP TABLE, DROP VIEW, TRUNCATE, ALTER, CREATE TABLE, CREATE VIEW, INSERT ON system.*",
)
"""Privileges that are revoked again."""
_MERGE_TREES = (
    "",
    "Aggregating",
    "Coalescing",
    "Collapsing",
    "Graphite",
    "Replacing",
    "Summing",
    "VersionedCollapsing",
)
TABLE_ENGINES = (
    *(f"{kind}MergeTree" for kind in _MERGE_TREES),
    "Buffer", "GenerateRandom", "Join", "Log", "MaterializedView", "Memory", "Merge", "Null", "Set", "StripeLog",
    "TinyLog", "View",
)  # fmt: skip
"""Table engines that keep their data in the folder, in memory, or nowhere."""
CLUSTER_PRIVILEGES = ("CLUSTER ON *.*", "READ ON REMOTE", "WRITE ON REMOTE", "TABLE ENGINE ON `Distributed`")
"""Further privileges if the configuration describes clusters."""
READONLY_SETTINGS = (
    "additional_result_filter", "additional_table_filters", "ai_function_embedding_default_credentials",
    "ai_function_text_default_credentials", "allow_experimental_eval_table_function", "cluster_for_parallel_replicas",
    "dialect", "distributed_cache_file_cache_name", "filesystem_cache_name", "filter",
    "format_avro_schema_registry_url",
    "format_schema", "format_schema_source", "format_template_resultset", "format_template_row",
    "input_format_record_errors_file_path", "merge_tree_disk", "merge_tree_storage_policy", "output_format_schema",
    "polyglot_dialect", "rename_files_after_processing", "s3_base", "select", "url_base",
)  # fmt: skip
"""Settings that name files or addresses, or that carry SQL."""
OVERLAY_DATABASE = "_clickhouse_local"
"""The name of clickhouse-local's database of files until it is dropped."""

SUSPICIOUS = re.compile(rb"(?i)file|disk|python|executable|sqlite|attach|\\")
"""A statement without such a word, and without an escape that could hide one, needs no check."""
_CREATE, _DATABASE = re.compile(rb"(?i)create"), re.compile(rb"(?i)database")
"""Two words that are suspicious together: `database` alone is a column of most system tables."""
_SUSPICIOUS_VALUES = re.compile(rb"(?i)file|python|executable|sqlite|\\(?:x[0-9a-f]|N)")
"""In quotes, `\\x65` is an `e`, and `\\N` is nothing at all."""
MAX_SUSPICIOUS_LENGTH = 10
"""Bytes of the longest match of `_SUSPICIOUS_VALUES`."""
_LITERALS_ONLY = (
    b"input_format_values_interpret_expressions = 0, input_format_values_deduce_templates_of_expressions = 0 "
)
_QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`""", re.DOTALL)
"""Literals and names in one pattern: each may contain the quotes of the other."""
_UNSAFE_CALLS = re.compile(
    r"(?i)(?<![\w.])(file|executable|python|sqlite|disk)\("
    r"|\bAPPLY[ (]*(file)\b|\barray\w*\((file),"  # a function as an argument
)
_UNSAFE_NAMES = {"`file`", "`executable`", "`python`", "`sqlite`", "`disk`"}
_CLIENT_CLAUSES = re.compile(r"(?i)\b(INTO OUTFILE|FROM INFILE)\b")
_CREATES_DATABASE = re.compile(r"(?i)(?:^|\bPARALLEL WITH\b)\s*(?:CREATE|ATTACH)\b[^(]*?\bDATABASE\b")
_ENGINE = re.compile(r"\bENGINE = (\w+)")
DATABASE_ENGINES = {"Atomic", "Memory"}
_ATTACHES_BY_PATH = re.compile(r"(?i)(?:^|\bPARALLEL WITH\b)\s*ATTACH\b.*''", re.DOTALL)


def check_confined(handle: Any, sql: bytes) -> None:
    """Check that a statement does not leave the data folder in a way that no grant covers.

    Args:
        handle: chdb's connection, whose parser reads the statement.
        sql: the statement, without the data of an INSERT.

    Raises:
        EngineError: the statement would leave the data folder.
    """
    if not (SUSPICIOUS.search(sql) or (_CREATE.search(sql) and _DATABASE.search(sql))):
        return
    text = _QUOTED.sub(_without_content, formatted_by_engine(handle, sql))
    if match := _CLIENT_CLAUSES.search(text):
        raise engine_error(
            ClickHouseCode.NOT_IMPLEMENTED, f"{match[1].upper()} is executed by clients, not by the server"
        )
    if match := _UNSAFE_CALLS.search(text):
        message = f"{match[match.lastindex or 1]}(...) would leave the data folder, which the embedded engine forbids"
        raise engine_error(ClickHouseCode.ACCESS_DENIED, message)
    engines = set(_ENGINE.findall(text)) if _CREATES_DATABASE.match(text) else set()
    if forbidden := engines - DATABASE_ENGINES:
        raise engine_error(
            ClickHouseCode.ACCESS_DENIED,
            f"The embedded engine allows database engines Atomic and Memory, not {', '.join(forbidden)}",
        )
    if _ATTACHES_BY_PATH.search(text):
        raise engine_error(ClickHouseCode.ACCESS_DENIED, "The embedded engine does not attach by a path or a UUID")


def _without_content(quoted: re.Match[str]) -> str:
    text = quoted[0]
    if text[0] == "'":
        return "''"
    return text[1:-1] if text.lower() in _UNSAFE_NAMES else "``"


def formatted_by_engine(handle: Any, sql: bytes) -> str:
    """Return the statement as the engine's parser formats it: without comments, with one style of quotes."""
    quoted = sql.replace(b"\\", b"\\\\").replace(b"'", b"\\'")
    try:
        result = handle.query(b"SELECT formatQuerySingleLine('" + quoted + b"')", "RawBLOB")
    except Exception as error:  # noqa: BLE001 - chdb raises several types
        raise error_of_engine(error) from None
    text: str = result.bytes().decode(errors="replace")
    return text


@contextmanager
def confining_config(parent: Path, clusters: str = "") -> Iterator[Path]:
    """Write the configuration that confines the engine, and yield its path while the engine starts.

    Args:
        parent: a folder in which a temporary one is created for it: the engine may read no other.
        clusters: XML elements that describe other servers, which may then be reached.
    """
    with TemporaryDirectory(prefix="turnfold-", dir=parent) as folder:
        config, users = Path(folder, "config.xml"), Path(folder, "users.xml")
        users.write_text(_users(CLUSTER_PRIVILEGES if clusters else ()))
        config.write_text(
            f"<clickhouse>{clusters}"  # of two elements with the same name the first counts
            f"<users_config>{users}</users_config><default_database>{OVERLAY_DATABASE}</default_database></clickhouse>"
        )
        yield config


def prepare_default_database(folder: Path) -> None:
    """Make `default` an ordinary database of the folder, with the tables that clickhouse-local's overlay had there.

    At each start the engine creates a link from the database's name to its tables. The overlay would take the tables
    behind an existing link for its own, whatever the overlay is called: so the link is removed first.
    """
    metadata = folder / "metadata"
    described, link = metadata / "default.sql", metadata / "default"
    uuid = link.readlink().name if link.is_symlink() else str(uuid4())
    if not described.exists():
        metadata.mkdir(mode=0o700, exist_ok=True)
        described.write_text(f"ATTACH DATABASE _ UUID '{uuid}'\nENGINE = Atomic\n")
    if link.is_symlink():
        link.unlink()


def reads_expressions(input_format: str) -> bool:
    """Return whether data of a format may be expressions, which are SQL. Of all others no byte is looked at."""
    return input_format.lower() == "values"


def has_unsafe_values(values: bytes) -> bool:
    """Return whether data in format Values may call a function that `check_confined` refuses: expressions are SQL."""
    return bool(_SUSPICIOUS_VALUES.search(values))


def with_literals_only(settings: bytes) -> bytes:
    """Return the SETTINGS of an INSERT in format Values that make the engine read literals and no expressions.

    Raises:
        EngineError: the statement has its own settings for expressions.
    """
    if b"input_format_values" in settings.lower():
        message = "Values that name files, disks or programs are read as literals only: omit input_format_values_..."
        raise engine_error(ClickHouseCode.ACCESS_DENIED, message)
    return (settings.rstrip() + b", " if settings else b"SETTINGS ") + _LITERALS_ONLY


def _users(further_grants: Iterable[str]) -> str:
    rest = "".join(f"<query>GRANT {grant}</query>" for grant in further_grants)
    rest += "".join(f"<query>REVOKE {revoked}</query>" for revoked in REVOKED)
    engines = ", ".join(f"TABLE ENGINE ON `{engine}`" for engine in TABLE_ENGINES)
    fixed = "".join(f"<{name}><readonly/></{name}>" for name in (*READONLY_SETTINGS, "allow_python_table_function"))
    return f"""<clickhouse>
  <users><default>
    <password></password>
    <networks><ip>::/0</ip></networks>
    <profile>default</profile>
    <quota>default</quota>
    <grants><query>GRANT {", ".join(PRIVILEGES)} ON *.*</query><query>GRANT {engines}</query>{rest}</grants>
  </default></users>
  <profiles><default>
    <allow_python_table_function>0</allow_python_table_function>
    <constraints>{fixed}</constraints>
  </default></profiles>
  <quotas><default/></quotas>
</clickhouse>
"""
