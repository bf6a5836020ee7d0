"""Nothing that can be asked of the engine leaves the data folder: not a file, not an address, not a program.

Everything that it has is walked, so that what a later version brings is found. Outside are a file with a word in it, a
folder where nothing may be written, and a port on which nobody may call.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from pipeline.embedded.confinement import (
    DATABASE_ENGINES,
    READONLY_SETTINGS,
    TABLE_ENGINES,
    check_confined,
    has_unsafe_values,
)
from pipeline.embedded.data_folder import open_folder
from pipeline.embedded.errors import EngineError
from pipeline.embedded.handle import ExternalTable, create_external, insert_from_file
from tests.effort import OF_ENGINE, drawn

WORD = "outside-the-data-folder"
INSIDE = {
    "SQLStandardValues", "eval", "format", "fuzzJSON", "fuzzQuery", "generateRandom", "generateSeries",
    "generate_series", "input", "merge", "mergeTreeAnalyzeIndexes", "mergeTreeAnalyzeIndexesUUID",
    "mergeTreeCodecBlockCounts", "mergeTreeIndex", "mergeTreeProjection", "mergeTreeTextIndex", "null", "numbers",
    "numbers_mt", "primes", "values", "view", "viewExplain", "viewIfPermitted", "zeros", "zeros_mt",
    # of tables and dictionaries that are there, which the engine does not let anybody make
    "dictionary", "loop", "prometheusQuery", "prometheusQueryRange", "timeSeriesData", "timeSeriesMetricFamilies",
    "timeSeriesMetrics", "timeSeriesSamples", "timeSeriesSelector", "timeSeriesTags",
    # of clusters that the configuration describes: none
    "cluster", "clusterAllReplicas",
}  # fmt: skip
"""Table functions that can read and write nothing but the engine's own tables."""


class Outside(NamedTuple):
    """What must not be reached."""

    file: Path
    folder: Path
    port: int
    called: list[object]

    def untouched(self) -> bool:
        """Whether nobody called, and nothing was written."""
        return not self.called and [*self.folder.iterdir()] == [self.file] and self.file.read_text() == WORD


class Asking:
    """Asks the engine as the front does."""

    def __init__(self, folder: Path) -> None:
        self.opened = open_folder(folder)
        self._handle = self.opened.open_handle()  # one for all: thousands are asked

    def __call__(self, sql: str) -> str:
        """What is answered, or what is said where it is refused."""
        try:
            check_confined(self._handle, sql.encode())
            answer: str = self._handle.query(sql.encode(), "TabSeparated").bytes().decode(errors="replace")
        except (EngineError, RuntimeError) as refused:
            return f"refused: {refused}"
        return answer

    def close(self) -> None:
        """Let the engine go."""
        self._handle.close()
        self.opened.keeper.close()

    def names(self, table: str) -> list[str]:
        """Of everything in a system table."""
        return self(f"SELECT DISTINCT name FROM system.{table} ORDER BY name").split()  # noqa: S608 - of this file


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    asking = Asking(tmp_path_factory.mktemp("data") / "clickhouse")
    assert asking("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a") == ""
    yield asking
    asking.close()


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Outside]:
    monkeypatch.chdir(tmp_path)  # where a relative path leads
    file = tmp_path / "secret"
    file.write_text(WORD)
    called: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def listen() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    called.append(connection.recv(100))
                    connection.close()

        threading.Thread(target=listen, daemon=True).start()
        yield Outside(file, tmp_path, listening.getsockname()[1], called)
        listening.shutdown(socket.SHUT_RDWR)


def ways_out(outside: Outside) -> list[str]:
    """Arguments, each of which would make some function or engine reach something."""
    at = f"127.0.0.1:{outside.port}"
    url = f"http://{at}/bucket/key"
    return [
        f"'{outside.file}'",
        f"'{outside.file}', 'LineAsString', 'a String'",
        f"'{outside.file}', 't'",
        f"'{url}'",
        f"'{url}', 'CSV', 'a String'",
        f"'{url}', 'key', 'secret', 'CSV', 'a String'",
        f"'{at}', system, one",
        f"'{at}', 'db', 't', 'user', 'secret'",
        f"'{at}', 'db', 't', 'user', 'secret', 'a String'",
        f"'default', '{url}', 'CSV', 'a String'",
        f"'default', '{at}', 'a String'",
        f"'DSN={at}', 'db', 't'",
        f"'{at}', 'a', 'a String'",
        f"'{outside.file}', 'CSV', 'a String', (SELECT 1)",
        f"url('{url}')",
        f"file('{outside.file}', 'LineAsString')",
        "default, t",
        "x",
        "",
    ]


@pytest.mark.search
def test_no_table_function_leaves_the_folder(ask: Asking, outside: Outside) -> None:
    names = ask.names("table_functions")
    assert len(names) > 80
    for name in drawn(names, OF_ENGINE):
        calls = [f"{name}({arguments})" for arguments in ways_out(outside)]
        answers = [ask(f"DESCRIBE {call}") for call in calls]
        answers += [ask(f"INSERT INTO FUNCTION {call} SELECT 'x'") for call in calls]
        assert name in INSIDE or all(answer.startswith("refused: ") for answer in answers), name
        assert name in INSIDE or any("ACCESS_DENIED" in answer for answer in answers), (name, answers)
        assert not any(WORD in answer for answer in answers), name
    assert outside.untouched()


def test_no_table_engine_leaves_the_folder(ask: Asking, outside: Outside) -> None:
    for name in set(ask.names("table_engines")) - set(TABLE_ENGINES):
        made = (
            f"CREATE {kind} other (a String) ENGINE = {name}({arguments}) ORDER BY a"
            for kind in ("TABLE", "TEMPORARY TABLE")
            for arguments in ways_out(outside)
        )
        answers = [ask(sql) for sql in made]
        assert all(answer.startswith("refused: ") for answer in answers), name
        assert any("ACCESS_DENIED" in answer for answer in answers), (name, answers)
    assert outside.untouched()


def test_no_database_engine_leaves_the_folder(ask: Asking, outside: Outside) -> None:
    for name in set(ask.names("database_engines")) - DATABASE_ENGINES:
        for arguments in ways_out(outside):
            assert "ACCESS_DENIED" in ask(f"CREATE DATABASE other ENGINE = {name}({arguments})"), (name, arguments)
        assert "ACCESS_DENIED" in ask(f"/**/ CREATE DATABASE `ENGINE = Atomic` ENGINE = {name}"), name
    assert outside.untouched()


@pytest.mark.search
def test_no_function_reads_a_file(ask: Asking, outside: Outside) -> None:
    names = ask.names("functions")
    assert len(names) > 1000
    for name in drawn(names, OF_ENGINE):
        assert WORD not in ask(f"SELECT `{name}`('{outside.file}')"), name
    assert outside.untouched()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT file('{file}')",
        "SELECT `fi\\x6ce`('{file}')",
        "SELECT \"fi\\Nle\" /* */ ('{file}')",
        "WITH file('{file}') AS secret SELECT secret",
        "SELECT 1 AS `a'`, file('{file}') AS b",
        "SELECT 'a`', file('{file}'), '`'",
        "SELECT * APPLY file FROM (SELECT '{file}' AS a)",
        "SELECT * APPLY(`file`) FROM (SELECT '{file}' AS a)",
        "SELECT arrayMap(file, ['{file}'])",
        "SELECT 1 AS `a'` INTO OUTFILE '{folder}/out'",
        "DROP TABLE IF EXISTS no PARALLEL WITH CREATE DATABASE other ENGINE = DataLakeCatalog('{url}')",
        "DROP TABLE IF EXISTS no PARALLEL WITH ATTACH TABLE o FROM '{folder}/' (a UInt8) ENGINE = MergeTree ORDER BY a",
        "SELECT * FROM viewExplain('EXPLAIN', '', (SELECT file('{file}')))",
        "CREATE VIEW other AS SELECT file('{file}') AS a",
        "CREATE TABLE other (a String DEFAULT file('{file}')) ENGINE = Memory",
        "CREATE TABLE o (a UInt8) ENGINE = MergeTree ORDER BY a SETTINGS disk = disk(type = web, endpoint = '{url}')",
        "CREATE TABLE other (a UInt8) ENGINE = Log SETTINGS disk = disk(type = local, path = '{folder}/')",
        "CREATE DATABASE other ENGINE = Atomic SETTINGS disk = disk(type = web, endpoint = '{url}')",
        "ALTER TABLE t MODIFY SETTING disk = disk(type = web, endpoint = '{url}')",
        "ALTER TABLE t ADD COLUMN b String DEFAULT file('{file}')",
        "ATTACH TABLE other FROM '{folder}' (a UInt8) ENGINE = MergeTree ORDER BY a",
        "SELECT 1 INTO OUTFILE '{folder}/out'",
        "EXPLAIN SELECT 1 INTO/**/OUTFILE '{folder}/out'",
        "INSERT INTO t FROM INFILE '{file}' FORMAT CSV",
        "INSERT INTO t SELECT length(file('{file}'))",
        "SELECT * FROM `{file}`",
        "SELECT * FROM default.`{file}`",
        "SELECT * FROM _clickhouse_local.`{file}`",
        "CREATE DICTIONARY d (a UInt64) PRIMARY KEY a SOURCE(HTTP(url '{url}' format 'CSV')) LAYOUT(FLAT())",
        "CREATE NAMED COLLECTION n AS url = '{url}'",
        "CREATE FUNCTION f AS x -> file(x)",
        "BACKUP TABLE t TO File('{folder}/backup')",
        "BACKUP TABLE t TO S3('{url}', 'key', 'secret')",
        "RESTORE TABLE t FROM File('{file}')",
        "RESTORE TABLE t FROM S3('{url}', 'key', 'secret')",
        "CREATE USER u",
        "GRANT ALL ON *.* TO default",
        "SYSTEM RELOAD CONFIG",
        "SYSTEM SHUTDOWN",
        "DROP DATABASE default",
        "DETACH DATABASE default",
        "DETACH DATABASE default PERMANENTLY",
        "RENAME DATABASE default TO other",
        "DROP DATABASE system",
        "DROP TABLE system.one",
        "CREATE VIEW system.other AS SELECT 1",
        "SET allow_python_table_function = 1",
        "SELECT * FROM Python(outside)",
    ],
)
def test_no_statement_leaves_the_folder(ask: Asking, outside: Outside, sql: str) -> None:
    url = f"http://127.0.0.1:{outside.port}/"
    asked = sql.format_map({"file": outside.file, "folder": outside.folder, "url": url})
    assert ask(asked).startswith("refused: ")
    assert outside.untouched()


def test_no_setting_names_a_file_or_an_address(ask: Asking, outside: Outside) -> None:
    named = ask("SELECT name FROM system.settings WHERE type IN ('String', 'Map', 'URI')").split()
    assert len(named) > 50
    for value in (str(outside.file), f"http://127.0.0.1:{outside.port}/"):
        for name in named:
            for form in ("TabSeparated", "Template", "Protobuf", "AvroConfluent"):
                answer = ask(f"SELECT 'a' AS a SETTINGS {name} = '{value}' FORMAT {form}")
                assert WORD not in answer, name
        for name in READONLY_SETTINGS:
            if not name.startswith("merge_tree_"):
                assert ask(f"SET {name} = '{value}'").startswith("refused: "), name
    assert outside.untouched()


@pytest.mark.parametrize(
    "values",
    ["(file('{file}'))", "(`fi\\x6ce`('{file}'))", "('a'), ((SELECT file('{file}')))", "(\"fi\\Nle\"('{file}'))"],
)
def test_values_are_no_way_around(ask: Asking, outside: Outside, values: str) -> None:
    data = outside.folder.parent / f"{outside.folder.name}-values"
    data.write_text(values.format(file=outside.file))
    literals = has_unsafe_values(data.read_bytes())
    external = ExternalTable("e", "a String", "Values", data, literals)
    handle = ask.opened.open_handle()
    handle.query("CREATE TEMPORARY TABLE v (a String)")
    with pytest.raises(RuntimeError, match="Interpreting expressions is disabled"):
        handle.query(insert_from_file(b"INSERT INTO v", b"", "Values", data, literals=literals))
    with pytest.raises(RuntimeError, match="Interpreting expressions is disabled"):
        create_external(handle, external)
    with pytest.raises(EngineError, match="literals only"):
        insert_from_file(
            b"INSERT INTO v", b"SETTINGS input_format_values_interpret_expressions = 1", "VALUES", data, literals=True
        )
    assert WORD not in handle.query("SELECT * FROM v", "CSV").bytes().decode()
    handle.close()


def test_columns_of_an_external_table_are_no_way_around(ask: Asking, outside: Outside) -> None:
    data = outside.folder.parent / f"{outside.folder.name}-rows"
    data.write_text("1\n")
    handle = ask.opened.open_handle()
    with suppress(RuntimeError):
        create_external(handle, ExternalTable("e", f"a UInt8, b String DEFAULT file('{outside.file}')", "CSV", data))
    with suppress(RuntimeError):
        assert WORD not in handle.query("SELECT * FROM e", "CSV").bytes().decode()
    handle.close()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 'file(1) INTO OUTFILE' AS file, $$disk($$ AS disk",
        "SELECT 1 AS `file(INTO OUTFILE 'a`, 2 AS `ENGINE = File`",
        "CREATE TABLE file (file UInt8, disk String) ENGINE = MergeTree ORDER BY file",
        "INSERT INTO file (file, disk) SELECT 1, 'attach'",
        "SELECT name, path FROM system.disks WHERE name IN ('disk') -- file(",
        "CREATE OR REPLACE VIEW profile AS SELECT * FROM file",
        "CREATE DATABASE IF NOT EXISTS database ENGINE = Atomic",
        "DETACH TABLE file",
        "ATTACH TABLE file",
        "CREATE MATERIALIZED VIEW files ENGINE = Memory AS SELECT * FROM file",
        "EXCHANGE TABLES file AND t",
        "KILL QUERY WHERE query_id = 'file'",
        "SELECT * FROM mergeTreeIndex(default, t)",
    ],
)
def test_what_stays_inside_is_not_refused(ask: Asking, sql: str) -> None:
    assert "refused" not in ask(sql)
