"""Run the embedded ClickHouse with the users and roles of deploy/clickhouse, and ask it with the rights of one."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree as ET

from pipeline.runtime.sockets import free_port
from tests import services
from tests.deploy.files import DEPLOY
from tests.paths import ROOT

OWNER = "GRANT ALL ON *.* WITH GRANT OPTION"
USERS = """
<clickhouse>
    <profiles><default/></profiles>
    <quotas><default/></quotas>
    <users>{users}</users>
</clickhouse>
"""
USER = """
<{name}>
    <password/><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota>
    <grants>{grants}</grants>
</{name}>
"""


def grants(user: str) -> list[str]:
    """Return the grants of a user of deploy/clickhouse."""
    tree = ET.parse(DEPLOY / "clickhouse" / f"{user}.xml")  # noqa: S314 - a file of this repository
    return [query.text or "" for query in tree.iterfind(f"users/{user}/grants/query")]


def _user(name: str, granted: list[str]) -> str:
    return USER.format(name=name, grants="".join(f"<query>{grant}</query>" for grant in granted))


@contextmanager
def clickhouse_with_grants(folder: Path, granted: list[str]) -> Iterator[str]:
    """Run ClickHouse on the data in `folder`, with these grants for whoever asks, and yield its URL.

    Its engine knows one user only, `default`, who therefore gets the grants. User `turnfold`, who owns the views as
    in compose.yaml, may do anything.
    """
    data = folder / "data"
    (data / "users.d").mkdir(parents=True, exist_ok=True)
    shutil.copy(DEPLOY / "clickhouse" / "reader.xml", data / "users.d")
    users = {"default": granted, "turnfold": [OWNER]}
    rendered = "".join(
        USER.format(name=name, grants="".join(f"<query>{grant}</query>" for grant in its))
        for name, its in users.items()
    )
    (data / "users.xml").write_text(USERS.format(users=rendered))
    (folder / "more.xml").write_text(f"<users_config>{data / 'users.xml'}</users_config>")
    port = free_port()
    command = [*services.clickhouse_command(data, port), "--clusters", str(folder / "more.xml")]
    with subprocess.Popen(command, cwd=ROOT, stdout=sys.stderr) as process:
        try:
            services.await_answer(f"http://127.0.0.1:{port}", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(services.STOPPED_WITHIN)
