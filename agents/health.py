"""The settings of a worker or a query layer in; exit status 0 out where it is alive on this machine, else 1.

    python -m agents.health

What a container's health check runs. It asks /healthz, not /readyz: whoever waits for ClickHouse is no better
for being started again.
"""

import os
import sys

import urllib3

from pipeline.environment import read_settings
from pipeline.settings import Settings

SECONDS = 3.0
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - nothing is bound here
"""Addresses that a server listens on and nobody can ask -> what can be asked instead."""


def addresses(settings: Settings) -> list[str]:
    """Where /healthz may be: a worker's first, as a query layer has no port for workers set."""
    places = [(settings.worker_host, settings.worker_port), (settings.api_host, settings.api_port)]
    return [f"http://{_bracketed(ANYWHERE.get(host, host))}:{port}/healthz" for host, port in places if port]


def alive(url: str) -> bool:
    """Whether a process of ours answers there."""
    try:
        answer = urllib3.request("GET", url, timeout=SECONDS, retries=False)
    except urllib3.exceptions.HTTPError:
        return False
    return answer.status == 200


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


if __name__ == "__main__":
    sys.exit(not any(alive(url) for url in addresses(read_settings(os.environ))))
