"""Build the turn events of many conversations, and the list of sessions that is expected of them, the slow way."""

import random
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import orjson

from tests.effort import SHARE, examples
from tests.events import START, entry, iso

BOTS = ("WHOLEWAY01", "WHOLEWAY02")
BROKEN = (b"{", b"", b"[]", b"\xff", b'{"messageVersion":"2.0"}', b'{"invocationSource":"DialogCodeHook"}')
DAY_MS = 86_400_000
ENDINGS = [("Fulfilled", "Close"), ("Failed", "Close"), ("ReadyForFulfillment", "Close"), ("InProgress", "ElicitSlot")]


def conversation(chance: random.Random, number: int) -> list[dict[str, Any]]:
    """Return the entries of one ended conversation, in order."""
    moment = START + chance.randrange(20 * DAY_MS)
    bot = {
        "id": chance.choice(BOTS),
        "name": "Whole Way",
        "aliasId": chance.choice(("TSTALIASID", "LIVEALIAS1")),
        "version": str(chance.randrange(1, 4)),
        "localeId": chance.choice(("en_US", "de_DE")),
    }
    channel = chance.choice((None, "Slack", "Facebook"))
    talk = []
    for turn in range(chance.randrange(1, 9)):
        name = chance.choice(("BookHotel", "BookCar", "FallbackIntent"))
        state, action = chance.choice(ENDINGS)
        talk.append(
            entry(
                timestamp=iso(moment),
                requestId=f"request-{number}-{turn}",
                sessionId=f"guest-{number % 50}",
                bot=bot,
                inputMode=chance.choice(("Text", "Text", "Speech")),
                operationName="PutSession" if chance.random() < 0.1 else "RecognizeText",
                sessionState={
                    "originatingRequestId": f"request-{number}-0",
                    "intent": {"name": name, "state": state} if chance.random() < 0.9 else None,
                    "dialogAction": {"type": action},
                },
                **({"requestAttributes": {"x-amz-lex:channels:platform": channel}} if channel else {}),
            )
        )
        moment += chance.randrange(1, 60_000)
    return talk


def lines(seed: int, conversations: int) -> list[bytes]:
    """Return entries as they arrive: late, early, duplicated, and with broken ones among them."""
    chance = random.Random(seed)  # noqa: S311 - no secret is made of it
    arrivals: list[tuple[float, bytes]] = []
    for number in range(conversations):
        for place, one in enumerate(conversation(chance, number)):
            times = 1 + (chance.random() < 0.1)
            arrivals += [(number + place / 10 + chance.gauss(0, 3), orjson.dumps(one)) for _ in range(times)]
    arrivals += [(chance.uniform(0, conversations), chance.choice(BROKEN)) for _ in range(conversations // 20)]
    return [line for _, line in sorted(arrivals)]


def share_of_lines(seed: int, conversations: int, share: int = SHARE) -> list[bytes]:
    """Return the entries of a share of the conversations in `make test`, and of all in `make search`."""
    return lines(seed, examples(conversations, share))


def expected(arrived: Iterable[bytes]) -> dict[str, list[dict[str, Any]]]:
    """Return the expected list of sessions by bot id, newest start first, with times in milliseconds."""
    sets: defaultdict[tuple[str, str, str], dict[tuple[str, str], dict[str, Any]]] = defaultdict(dict)
    for line in arrived:
        if line in BROKEN:
            continue
        one = orjson.loads(line)
        key = (one["bot"]["id"], one["sessionId"], one["sessionState"]["originatingRequestId"])
        sets[key][one["timestamp"], one["requestId"]] = one
    bots: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for (bot, _, _), events in sets.items():
        bots[bot].append(_session([events[moment] for moment in sorted(events)]))
    for sessions in bots.values():
        sessions.sort(key=lambda s: (s["start"], s["sessionId"], s["originatingRequestId"]), reverse=True)
    return dict(bots)


def _session(events: list[dict[str, Any]]) -> dict[str, Any]:
    last, spoken = events[-1], [one for one in events if one["operationName"] != "PutSession"]
    named = [one["sessionState"] for one in events if one["sessionState"]["intent"]]
    names = [state["intent"]["name"] for state in named]
    modes = {one["inputMode"] for one in spoken}
    return {
        "sessionId": last["sessionId"],
        "originatingRequestId": last["sessionState"]["originatingRequestId"],
        "start": events[0]["timestamp"],
        "end": last["timestamp"],
        "numberOfTurns": len({one["requestId"] for one in spoken}),
        "mode": (modes.pop() if len(modes) == 1 else "MultiMode") if modes else None,
        "channel": last.get("requestAttributes", {}).get("x-amz-lex:channels:platform"),
        "botAliasId": last["bot"]["aliasId"],
        "botVersion": last["bot"]["version"],
        "localeId": last["bot"]["localeId"],
        "intents": sorted(set(names), key=names.index),
        "conversationEndState": _end(named[-1]) if named else "Dropped",
    }


def _end(state: dict[str, Any]) -> str:
    closed, intent = state["dialogAction"]["type"] == "Close", state["intent"]
    if intent["name"] == "FallbackIntent" or (closed and intent["state"] == "Failed"):
        return "Failure"
    return "Success" if closed and intent["state"] in {"Fulfilled", "ReadyForFulfillment"} else "Dropped"
