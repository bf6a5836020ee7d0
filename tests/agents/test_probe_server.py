"""A worker serves metrics to scrapers, and not to web pages."""

import asyncio
from unittest.mock import sentinel

import pytest

from agents.probe_server import ProbeServer
from agents.watchdog import StuckWatch
from pipeline.config.settings import Settings
from pipeline.metrics.worker import WorkerMetrics
from tests.services import ask


@pytest.mark.parametrize(("host", "status"), [("127.0.0.1", 200), ("localhost", 200), ("rebound.example.org", 403)])
def test_a_page_whose_name_was_rebound_is_not_answered(host: str, status: int) -> None:
    async def use() -> None:
        stuck = StuckWatch(Settings(), WorkerMetrics(), lambda: sentinel.consumer)
        probes = ProbeServer(Settings(), sentinel.metrics, sentinel.readiness, stuck)
        port = probes.listen().getsockname()[1]
        await probes.on_start()
        try:
            url = f"http://127.0.0.1:{port}"
            answer = await asyncio.to_thread(ask, url, path="/healthz", headers={"Host": f"{host}:{port}"})
            assert answer.status == status
        finally:
            assert probes._runner
            await probes._runner.cleanup()

    asyncio.run(use())
