"""Whom Kafka does not let in is told so at once, with what to look at, and without the password."""

import time

import msgspec
import pytest

from pipeline.errors import TransientError, UsageError
from pipeline.kafka.client import PATIENCE, admin
from tests.certificates import Certificates
from tests.demanding import DOORS, PASSWORD, Demanding

pytestmark = pytest.mark.apache
GUESS = "a-guessed-password"


def refusal(settings: object, patience: float = PATIENCE) -> str:
    """What is said, which holds no password."""
    with pytest.raises((UsageError, TransientError)) as refused, admin(settings, patience):  # type: ignore[arg-type]  # a Settings
        pytest.fail("it is not let in")
    told = str(refused.value)
    assert PASSWORD not in told
    assert GUESS not in told
    return f"{type(refused.value).__name__}: {told}"
