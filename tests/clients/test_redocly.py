"""Redocly's linter, with its recommended rules, finds no error in the OpenAPI document."""

from pathlib import Path

import orjson

from pipeline.http.app import OPERATIONS
from pipeline.http.openapi.document import document
from tests.clients.tools import run, with_packages


def test_the_openapi_document_has_no_error(tmp_path: Path) -> None:
    folder = with_packages("redocly")
    written = tmp_path / "openapi.json"
    written.write_bytes(orjson.dumps(document(OPERATIONS)))
    run(["node_modules/.bin/redocly", "lint", "--extends=recommended", str(written)], folder)
