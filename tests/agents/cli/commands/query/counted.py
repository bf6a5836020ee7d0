"""A query layer over a few conversations of two days, which commands ask."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from pipeline.config.settings import Settings
from pipeline.http.app import create_app
from tests.events import iso
from tests.pipeline.http.serving import serving
from tests.pipeline.http.told import tell
from tests.pipeline.query.session_entries import Entry, v2

DAY = 86_400_000
START = 1_780_012_800_000
"""The beginning of 2026-05-29, UTC."""
FROM_TO = ("--from", "2026-05-28", "--to", "2026-06-28")


def conversation(number: int, *intents: str) -> list[Entry]:
    """A conversation that goes from intent to intent, and misses what is said to the fallback intent."""
    done: dict[str, Any] = {"state": {"dialogAction": {"type": "Close"}}, "intent_": {"state": "Fulfilled"}}
    return [
        v2(
            intent=name,
            timestamp=iso(START + number * DAY // 2 + 1000 * i),
            requestId=f"r{number}-{i}",
            conversation=f"r{number}-0",
            sessionId=f"guest-{number}",
            inputTranscript=f"I want {name}",
            missedUtterance=name == "FallbackIntent",
            **(done if i == len(intents) - 1 else {}),
        )
        for i, name in enumerate(intents)
    ]


ENTRIES = [
    *conversation(0, "BookHotel", "BookCar"),
    *conversation(1, "BookHotel"),
    *conversation(2, "BookCar", "FallbackIntent"),
    *conversation(3, "BookHotel", "BookCar"),
]


@contextmanager
def counted(settings: Settings) -> Iterator[Settings]:
    """Settings of a query layer over these conversations."""
    tell(settings, *ENTRIES)
    with serving(create_app(settings)) as url:
        yield msgspec.structs.replace(settings, api=url)
