"""Keep statements inside the data folder: what the engine's one user may do, and what no grant of ClickHouse covers.

The engine of chdb runs as a library: it takes itself for `clickhouse-local`, whose user may do anything. But it reads
a configuration, and a users.xml that the configuration names, and enforces what they say as a server does. So there:

- grants: tables, databases, views and rows, the table engines that keep data in the folder, and nothing else. No
  source (files, URLs, other servers), no dictionaries, functions, named collections, backups, no SYSTEM and no users;
- constraints: settings that name a file or an address, that carry SQL in their values, that switch the dialect, or
  that let an experimental feature in, cannot be changed; `disk` of a MergeTree table neither;
- the database `default`: clickhouse-local's shows every file of the machine as a table. It is given another name and
  dropped, and an ordinary one takes its place.

For what is left there is neither grant nor setting: the function `file`, the table functions `executable` and `python`
(and `sqlite`, whose grant is asked for only after its file is opened, and made where there was none), disks that a
statement defines (`disk(type = web, ...)`), databases of engine `DataLakeCatalog`, `ATTACH ... FROM`, and the client's
`INTO OUTFILE` and `FROM INFILE`, which the engine obeys by itself. Statements with such words are read by the engine's
own parser (function `formatQuerySingleLine`), so that comments, escapes and odd quotes hide nothing, and are refused by
what it has understood. That is for clear words, and for systems without Landlock: what stands in strings and data is
SQL in places (`format(Values, ...)`, columns in table functions), so what keeps the engine from files is `seal`, which
binds its whole process.
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
KEPT = (
    "DROP DATABASE ON default.*",  # each handle begins in it: without it none could be opened to make it anew
    "DROP DATABASE, DROP TABLE, DROP VIEW, TRUNCATE, ALTER, CREATE TABLE, CREATE VIEW, INSERT ON system.*",
)
"""What is taken away again."""
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
ENGINES = (
    *(f"{kind}MergeTree" for kind in _MERGE_TREES),
    "Buffer", "GenerateRandom", "Join", "Log", "MaterializedView", "Memory", "Merge", "Null", "Set", "StripeLog",
    "TinyLog", "View",
)  # fmt: skip
"""Table engines whose data are in the folder, in memory, or nowhere."""
OF_CLUSTERS = ("CLUSTER ON *.*", "READ ON REMOTE", "WRITE ON REMOTE", "TABLE ENGINE ON `Distributed`")
"""What is granted beside, where the configuration describes clusters."""
FIXED = (
    "additional_result_filter", "additional_table_filters", "ai_function_embedding_default_credentials",
    "ai_function_text_default_credentials", "allow_experimental_eval_table_function", "cluster_for_parallel_replicas",
    "dialect", "distributed_cache_file_cache_name", "filesystem_cache_name", "filter",
    "format_avro_schema_registry_url",
    "format_schema", "format_schema_source", "format_template_resultset", "format_template_row",
    "input_format_record_errors_file_path", "merge_tree_disk", "merge_tree_storage_policy", "output_format_schema",
    "polyglot_dialect", "rename_files_after_processing", "s3_base", "select", "url_base",
)  # fmt: skip
"""Settings that name files or addresses, or carry SQL."""
OVERLAY = "_clickhouse_local"
"""The name that clickhouse-local's database of files is given, until it is dropped."""

SUSPICIOUS = re.compile(rb"(?i)file|disk|python|executable|sqlite|attach|database|\\")
"""Without such a word, and without an escape that could hide one, there is nothing to be refused."""
_SUSPICIOUS_VALUES = re.compile(rb"(?i)file|python|executable|sqlite|\\(?:x[0-9a-f]|N)")
"""In quotes, `\\x65` is an `e`, and `\\N` nothing at all."""
LONGEST_SUSPICION = 10
_LITERALS_ONLY = (
    b"input_format_values_interpret_expressions = 0, input_format_values_deduce_templates_of_expressions = 0 "
)
_QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`""", re.DOTALL)
"""Literals and names, in one: each may have the other's quotes in it."""
_CALLS = re.compile(
    r"(?i)(?<![\w.])(file|executable|python|sqlite|disk)\("
    r"|\bAPPLY[ (]*(file)\b|\barray\w*\((file),"  # a function as an argument
)
_REACHING = {"`file`", "`executable`", "`python`", "`sqlite`", "`disk`"}
_CLIENTS = re.compile(r"(?i)\b(INTO OUTFILE|FROM INFILE)\b")
_MAKES_DATABASE = re.compile(r"(?i)(?:^|\bPARALLEL WITH\b)\s*(?:CREATE|ATTACH)\b[^(]*?\bDATABASE\b")
_ENGINE = re.compile(r"\bENGINE = (\w+)")
DATABASE_ENGINES = {"Atomic", "Memory"}
_ATTACHES = re.compile(r"(?i)(?:^|\bPARALLEL WITH\b)\s*ATTACH\b.*''", re.DOTALL)


def check_confined(handle: Any, sql: bytes) -> None:
    """Raise Failure where the statement would leave the data folder in a way that no grant covers.

    Args:
        handle: chdb's connection, whose parser reads the statement.
        sql: the statement, without the data of an INSERT.
    """
    if not SUSPICIOUS.search(sql):
        return
    text = _QUOTED.sub(_emptied, understood(handle, sql))
    if found := _CLIENTS.search(text):
        raise engine_error(ClickHouseCode.NOT_IMPLEMENTED, f"{found[1].upper()} is for a client, not for its server")
    if found := _CALLS.search(text):
        sentence = f"{found[found.lastindex or 1]}(...) would leave the data folder, which the embedded engine does not"
        raise engine_error(ClickHouseCode.ACCESS_DENIED, sentence)
    engines = set(_ENGINE.findall(text)) if _MAKES_DATABASE.match(text) else set()
    if beyond := engines - DATABASE_ENGINES:
        raise engine_error(
            ClickHouseCode.ACCESS_DENIED, f"Databases are of engine Atomic or Memory here, not {', '.join(beyond)}"
        )
    if _ATTACHES.search(text):
        raise engine_error(ClickHouseCode.ACCESS_DENIED, "The embedded engine attaches nothing by a path or a UUID")


def _emptied(quoted: re.Match[str]) -> str:
    text = quoted[0]
    if text[0] == "'":
        return "''"
    return text[1:-1] if text.lower() in _REACHING else "``"


def understood(handle: Any, sql: bytes) -> str:
    """Return the statement as the engine's parser has read it: without comments, everything quoted in one way."""
    quoted = sql.replace(b"\\", b"\\\\").replace(b"'", b"\\'")
    try:
        result = handle.query(b"SELECT formatQuerySingleLine('" + quoted + b"')", "RawBLOB")
    except Exception as error:  # noqa: BLE001 - chdb raises several kinds
        raise error_of_engine(error) from None
    text: str = result.bytes().decode(errors="replace")
    return text


@contextmanager
def configuration(beside: Path, clusters: str = "") -> Iterator[Path]:
    """The file of a configuration that confines the engine, for as long as it takes to start it.

    Args:
        beside: a folder in which one of its own is made for it: the engine may read no other.
        clusters: elements that describe other servers, which may then be reached.
    """
    with TemporaryDirectory(prefix="turnfold-", dir=beside) as folder:
        config, users = Path(folder, "config.xml"), Path(folder, "users.xml")
        users.write_text(_users(OF_CLUSTERS if clusters else ()))
        config.write_text(
            f"<clickhouse>{clusters}"  # of two elements of one name the first counts
            f"<users_config>{users}</users_config><default_database>{OVERLAY}</default_database></clickhouse>"
        )
        yield config


def prepare_default(folder: Path) -> None:
    """Make `default` an ordinary database of the folder, with the tables that clickhouse-local's overlay had there.

    A link from the database's name to its tables is made by the engine at each start, for whom it may concern. The
    overlay would take what is there for its own, whatever its name is: so the link goes first.
    """
    metadata = folder / "metadata"
    described, link = metadata / "default.sql", metadata / "default"
    uuid = link.readlink().name if link.is_symlink() else str(uuid4())
    if not described.exists():
        metadata.mkdir(mode=0o700, exist_ok=True)
        described.write_text(f"ATTACH DATABASE _ UUID '{uuid}'\nENGINE = Atomic\n")
    if link.is_symlink():
        link.unlink()


def hides_a_call(values: bytes) -> bool:
    """Whether data in format Values may call what `check_confined` refuses: their expressions are SQL, too."""
    return bool(_SUSPICIOUS_VALUES.search(values))


def with_literals_only(settings: bytes) -> bytes:
    """The SETTINGS of an INSERT in format Values, so that its data are literals, and no expressions.

    Raises:
        Failure: they say themselves what is to become of expressions.
    """
    if b"input_format_values" in settings.lower():
        sentence = (
            "Values that name files, disks or programs are read as literals only: leave input_format_values_... aside"
        )
        raise engine_error(ClickHouseCode.ACCESS_DENIED, sentence)
    return (settings.rstrip() + b", " if settings else b"SETTINGS ") + _LITERALS_ONLY


def _users(more: Iterable[str]) -> str:
    rest = "".join(f"<query>GRANT {grant}</query>" for grant in more)
    rest += "".join(f"<query>REVOKE {kept}</query>" for kept in KEPT)
    engines = ", ".join(f"TABLE ENGINE ON `{engine}`" for engine in ENGINES)
    fixed = "".join(f"<{name}><readonly/></{name}>" for name in (*FIXED, "allow_python_table_function"))
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
