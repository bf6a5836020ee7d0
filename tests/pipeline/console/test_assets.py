import gzip

import pytest
from starlette.testclient import TestClient

from pipeline.console.assets import FOREVER, Assets

MAX_SCRIPT = 15 * 1024


@pytest.mark.parametrize("name", ["console.css", "console.js", "icon.svg"])
def test_a_file_is_kept_by_caches_under_an_address_of_its_content(site: TestClient, name: str) -> None:
    answer = site.get(Assets().url(name))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == FOREVER
    assert site.get(f"/console/static/000000000000/{name}").status_code == 404


@pytest.mark.parametrize("path", ["../routes.py", "..%2froutes.py", "console.txt"])
def test_nothing_else_is_served(site: TestClient, path: str) -> None:
    assert site.get(f"/console/static/x/{path}").status_code in {400, 404}


def test_the_script_is_small() -> None:
    assets = Assets()
    assert len(assets._contents["console.js"]) < MAX_SCRIPT
    assert len(gzip.compress(assets._contents["console.css"])) < MAX_SCRIPT
