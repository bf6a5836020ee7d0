"""The settings of a worker or a query layer in; exit status 0 out where it is alive on this machine, else 1.

    python -m agents.healthcheck

What a container's health check runs. It asks /healthz, not /readyz: whoever waits for ClickHouse is no better
for being started again.
"""

import os
import sys

import urllib3

from pipeline.config.load import load_settings
from pipeline.config.settings import Settings

SECONDS = 3.0
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - nothing is bound here
"""Addresses that a server listens on and nobody can ask -> what can be asked instead."""


def addresses(settings: Settings) -> list[str]:
    """Where /healthz may be: a worker's first, as a query layer has no port for workers set."""
    places = [
        ("http", settings.worker_host, settings.worker_port),
        ("https" if settings.api_certificate else "http", settings.api_host, settings.api_port),
    ]
    return [
        f"{scheme}://{_bracketed(ANYWHERE.get(host, host))}:{port}/healthz" for scheme, host, port in places if port
    ]


def alive(url: str) -> bool:
    """Whether a process of ours answers there."""
    # its certificate is for the name that others ask it by, not for loopback; and who would be in its place on this
    # machine learns nothing: no key is shown, and what it says is no more than that something is alive
    with urllib3.PoolManager(cert_reqs="CERT_NONE", assert_hostname=False) as pool:
        try:
            answer = pool.request("GET", url, timeout=SECONDS, retries=False)
        except urllib3.exceptions.HTTPError:
            return False
    return answer.status == 200


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


if __name__ == "__main__":
    urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)  # of what `alive` does, and why
    sys.exit(not any(alive(url) for url in addresses(load_settings(os.environ))))
