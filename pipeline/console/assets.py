"""Serve the console's style sheet and script from memory, under addresses that change with their content."""

import hashlib
from importlib.resources import files

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from pipeline.http.server.default_headers import replace

TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
FOREVER = "public, max-age=31536000, immutable"


class Assets:
    """The static files of the package."""

    def __init__(self) -> None:
        folder = files("pipeline.console") / "static"
        self._contents = {
            file.name: file.read_bytes() for file in folder.iterdir() if file.name.split(".")[-1] in TYPES
        }
        self._hashes = {name: hashlib.sha256(content).hexdigest()[:12] for name, content in self._contents.items()}

    def url(self, name: str) -> str:
        """Return the address of a file."""
        return f"/console/static/{self._hashes[name]}/{name}"

    async def endpoint(self, request: Request) -> Response:
        """Answer a request for a file; without its right hash it is not found, as a cache would keep the wrong one."""
        name = request.path_params["name"]
        if self._hashes.get(name) != request.path_params["hash"]:
            raise HTTPException(404)
        replace(request.scope, {b"cache-control"})
        headers = {"cache-control": FOREVER, "content-type": TYPES[name.rpartition(".")[2]]}
        return Response(self._contents[name], headers=headers)
