"""One embedded stack that tests share, with the same traffic for all: broken, late, early and doubled."""

from collections.abc import Iterator

import pytest

from tests.integration.stack import Stack, running
from tests.integration.traffic import lines


@pytest.fixture(scope="session")
def traffic() -> list[bytes]:
    """Some hundred conversations as they arrive."""
    return lines(seed=20_260_601, conversations=400)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, traffic: list[bytes]) -> Iterator[Stack]:
    """A stack that has folded the traffic."""
    with running(tmp_path_factory.mktemp("stack") / "data") as stack:
        sent = stack.turnfold("ingest", "-", data=b"\n".join(traffic))
        assert sent.returncode == 0, sent.stderr
        stack.wait_until_folded()
        yield stack
