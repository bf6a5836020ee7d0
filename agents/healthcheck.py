"""Check whether the worker, query layer or receiver of this container is alive: exit status 0 if it is, else 1.

    python -m agents.healthcheck

A container's health check runs this. It asks /healthz, not /readyz: a restart does not help a process that waits for
ClickHouse.
"""

import os
import sys

import urllib3

from pipeline.config.load import load_settings
from pipeline.config.settings import Settings
from pipeline.runtime.sockets import authority

SECONDS = 3.0
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - nothing is bound here
"""Wildcard address that a server listens on -> address to connect to."""


def addresses(settings: Settings) -> list[str]:
    """Return the possible URLs of /healthz: the worker's first; only one of them runs in a container."""
    scheme = "https" if settings.api_certificate else "http"
    servers = [
        ("http", settings.worker_host, settings.worker_port),
        (scheme, settings.api_host, settings.api_port),
        (scheme, settings.receive_host, settings.receive_port),
    ]
    return [f"{scheme}://{authority(ANYWHERE.get(host, host), port)}/healthz" for scheme, host, port in servers if port]


def alive(url: str) -> bool:
    """Return whether a process answers at the URL with status 200."""
    # The certificate is for the server's public name, not for loopback. An impostor on this machine learns nothing: no
    # key is sent, and the response only says that something is alive.
    with urllib3.PoolManager(cert_reqs="CERT_NONE", assert_hostname=False) as pool:
        try:
            response = pool.request("GET", url, timeout=SECONDS, retries=False)
        except urllib3.exceptions.HTTPError:
            return False
    return response.status == 200


if __name__ == "__main__":
    urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)  # `alive` explains why it is safe
    sys.exit(not any(alive(url) for url in addresses(load_settings(os.environ))))
