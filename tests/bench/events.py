"""Generate the log entries of realistic traffic, 1.6 KB each, in the order of arrival."""

import heapq
import random
from collections.abc import Iterator
from typing import Any

import orjson

from tests.events import entry, iso

START = 1_780_000_000_000
TURNS = (5, 15)
"""Minimum and maximum turns of a conversation; ten on average."""
TWICE = 0.01
"""Share of events that arrive twice."""
BOTS = [f"BENCHBOT{number:02d}" for number in range(4)]
INTENTS = ["BookHotel", "BookCar", "OrderStatus", "ReturnItem", "CheckBalance"]
WORDS = ["the", "order", "number", "is", "hotel", "tomorrow", "please", "four", "nights", "change", "booking", "card"]


def events(conversations: int, seed: int = 7) -> Iterator[tuple[str, bytes]]:
    """Yield (session id, entry); a conversation starts every 100 ms of event time, hundreds are open at once."""
    chance = random.Random(seed)  # noqa: S311 - no secret is made of it
    coming: list[tuple[int, int, int]] = []
    for number in range(conversations):
        begun = START + 100 * number
        while coming and coming[0][0] <= begun:
            yield from _turn(chance, coming)
        heapq.heappush(coming, (begun, number, chance.randint(*TURNS)))
    while coming:
        yield from _turn(chance, coming)


def _turn(chance: random.Random, coming: list[tuple[int, int, int]]) -> Iterator[tuple[str, bytes]]:
    moment, number, left = heapq.heappop(coming)
    if left > 1:
        heapq.heappush(coming, (moment + chance.randint(2_000, 30_000), number, left - 1))
    session = f"user-{number // 5 * 5 if number % 5 == 1 else number}"  # one in five comes back in a session
    raw = orjson.dumps(_entry(chance, moment, number, left, session))
    yield session, raw
    if chance.random() < TWICE:
        yield session, raw


def _entry(chance: random.Random, moment: int, number: int, left: int, session: str) -> dict[str, Any]:
    intent = INTENTS[(number + left // 6) % len(INTENTS)]
    slots = {name: _slot(chance) for name in ("Location", "CheckInDate", "Nights")}
    state, action = ("Fulfilled", "Close") if left == 1 else ("InProgress", "ElicitSlot")
    return entry(
        timestamp=iso(moment),
        requestId=f"{number:08x}-{left:04x}-4c3b-9d2e-{chance.getrandbits(48):012x}",
        sessionId=session,
        inputMode=chance.choice(["Text", "Text", "Speech"]),
        inputTranscript=" ".join(chance.choices(WORDS, k=12)),
        bot={
            "id": BOTS[number % len(BOTS)],
            "name": "Bench",
            "aliasId": "TSTALIASID",
            "version": "3",
            "localeId": "en_US",
        },
        sessionState={
            "originatingRequestId": f"{number:08x}-origin",
            "intent": {"name": intent, "state": state, "confirmationState": "None", "slots": slots},
            "dialogAction": {"type": action, "slotToElicit": "Nights"},
            "sessionAttributes": {"customer": f"{number:012d}", "tier": "gold"},
        },
        interpretations=[
            {"intent": {"name": name, "state": "InProgress"}, "nluConfidence": "0.87"} for name in INTENTS[:4]
        ],
        messages=[{"contentType": "PlainText", "content": " ".join(chance.choices(WORDS, k=20))}],
        requestAttributes={"x-amz-lex:channels:platform": chance.choice(["Slack", "Facebook", "Web"])},
    )


def _slot(chance: random.Random) -> dict[str, Any]:
    text = " ".join(chance.choices(WORDS, k=2))
    return {"shape": "Scalar", "value": {"originalValue": text, "interpretedValue": text, "resolvedValues": [text]}}
