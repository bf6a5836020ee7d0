"""The results of the metrics operations over a list of rows, computed in the simplest way, and rows to compute of."""

import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from schemas.conversation import Conversation
from tests.pipeline.query.rows import BOT, FIELDS, IDLE_TTL, INTENTS, NOW, OTHER_BOT, conversation, end_state

Item = dict[str, Any]
"""What filters, groups and metrics look at, by their names; None where the item has no value."""

LENGTHS = {"OneHour": 3_600_000, "OneDay": 86_400_000}
TEXTS = ("yes", "no", "Book a room", "Zürich\n", "'); --", "\0\t\\N", "\u20ac", "\U0001f600", "a" * 300)


def rows(count: int, seed: int) -> list[Conversation]:
    """Conversations of some days with visits, stages and utterances; many begin, end and overlap at one instant."""
    rng = random.Random(seed)  # noqa: S311 -- test data
    return [_row(rng, number) for number in range(count)]


def _row(rng: random.Random, number: int) -> Conversation:
    start = NOW - rng.randrange(0, 400_000_000, rng.choice((1, 1_800_000, 3_600_000)))
    end = start + rng.choice((0, 999, 60_000, 1_800_000, 3_600_000, rng.randrange(90_000_000)))
    visits, stages, spoken = (range(rng.randrange(4)) for _ in range(3))
    times = sorted(rng.choice((start, end, rng.randint(start, end))) for _ in spoken)
    return conversation(
        number,
        bot_id=rng.choice((BOT, BOT, BOT, OTHER_BOT)),
        start=start,
        end=end,
        duration_seconds=(end - start) // 1000,
        turns=rng.randrange(5),
        session_id=f"session-{rng.randrange(number + 1)}",
        mode=rng.choice(("", "Text", "Speech")),
        channel=rng.choice(("", "Slack", "Connect Chat")),
        bot_version=rng.choice(("DRAFT", "1")),
        locale_id=rng.choice(("en_US", "de_DE")),
        intent_path=rng.choice(("", "/BookHotel", "/BookHotel/BookCar")),
        end_state=rng.choice(("", "Success", "Failure")),
        visit_intents=tuple(rng.choice(INTENTS) for _ in visits),
        visit_levels=tuple(rng.choice((1, 2, 9, 10)) for _ in visits),
        visit_states=tuple(rng.choice(("", "Success", "Failed", "Switched")) for _ in visits),
        stage_intents=tuple(rng.choice(INTENTS) for _ in stages),
        stage_names=tuple(rng.choice(("City", "Nights", "ConfirmIntent")) for _ in stages),
        stage_states=tuple(rng.choice(("", "Success", "Failed", "Dropped")) for _ in stages),
        stage_switched_to=tuple(rng.choice(("", "", *INTENTS)) for _ in stages),
        stage_retries=tuple(rng.randrange(3) for _ in stages),
        utterance_times=tuple(times),
        utterance_request_ids=tuple(f"request-{number}-{i}" for i in spoken),
        utterance_texts=tuple(rng.choice(TEXTS) for _ in spoken),
        utterance_missed=tuple(rng.random() < 0.4 for _ in spoken),
        utterance_intents=tuple(rng.choice(("", *INTENTS)) for _ in spoken),
        utterance_slots=tuple(rng.choice(("", "City")) for _ in spoken),
        fold=2,
    )


def _common(row: Conversation) -> Item:
    fields = {name: getattr(row, column) or None for name, column in FIELDS.items()}
    return fields | {"ConversationStartTime": row.start, "end": row.end}


def _state(state: str, row: Conversation, now: int) -> str | None:
    return state or ("Dropped" if (now - row.end) / 1000 > IDLE_TTL else None)


def _starts(path: str) -> tuple[str, ...]:
    """Every path that this one is or begins with; of none there is none."""
    return tuple(path[:end] for end in range(len(path) + 1) if f"{path}/"[end] == "/") if path else ()


def _sessions(row: Conversation, now: int) -> Iterator[Item]:
    state = end_state(row, now) or None
    numbers = {"Duration": row.duration_seconds, "TurnsPerConversation": row.turns}
    said = {"UtteranceText": row.utterance_texts, "IntentPathStart": _starts(row.intent_path)}
    yield _common(row) | numbers | said | {"ConversationEndState": state, "state": state}


def _intents(row: Conversation, now: int) -> Iterator[Item]:
    for name, level, stored in zip(row.visit_intents, row.visit_levels, row.visit_states, strict=True):
        state = _state(stored, row, now)
        fields = {"IntentName": name, "IntentLevel": level, "IntentEndState": state}
        yield _common(row) | fields | {"state": "Failure" if state == "Failed" else state}


def _stages(row: Conversation, now: int) -> Iterator[Item]:
    fields = (row.stage_intents, row.stage_names, row.stage_states, row.stage_switched_to, row.stage_retries)
    for intent, name, stored, switched_to, retries in zip(*fields, strict=True):
        found = {"IntentName": intent, "IntentStageName": name, "SwitchedToIntent": switched_to or None}
        yield _common(row) | found | {"Retry": retries, "state": _state(stored, row, now)}


def _utterances(row: Conversation, _: int) -> Iterator[Item]:
    fields = (row.utterance_times, row.utterance_request_ids, row.utterance_texts, row.utterance_missed)
    for time, request, text, missed, intent in zip(*fields, row.utterance_intents, strict=True):
        state = "Missed" if missed else "Detected"
        found = {"UtteranceTimestamp": time, "UtteranceText": text, "UtteranceState": state, "state": state}
        yield _common(row) | found | {"request": request, "intent": intent}


ITEMS = {
    "ListSessionMetrics": _sessions,
    "ListIntentMetrics": _intents,
    "ListIntentStageMetrics": _stages,
    "ListUtteranceMetrics": _utterances,
}


def results(
    operation: str, stored: Sequence[Conversation], request: Mapping[str, Any], now: int = NOW
) -> list[dict[str, Any]]:
    """All results of a request, in its order, as JSON without empty lists."""
    after, before = request["startDateTime"] * 1000, request["endDateTime"] * 1000
    items = [item for row in stored for item in ITEMS[operation](row, now) if _fits(item, request, after, before)]
    bin_by = (request.get("binBy") or [None])[0]
    names = [group["name"] for group in request.get("groupBy") or []]
    length = LENGTHS[bin_by["interval"]] if bin_by else before - after
    counted: dict[tuple[Any, ...], list[Item]] = {} if bin_by or names else {(None,): []}
    overlapping: dict[tuple[Any, ...], list[Item]] = {cell: [] for cell in counted}
    for item in items:
        group = tuple(item[name] for name in names)
        counted.setdefault((item[bin_by["name"]] // length if bin_by else None, *group), []).append(item)
        bins = range(item["ConversationStartTime"] // length, item["end"] // length + 1) if bin_by else [None]
        for number in bins:
            overlapping.setdefault((number, *group), []).append(item)
    concurrent = any(metric["name"] == "Concurrency" for metric in request["metrics"])
    found = []
    for cell in overlapping if concurrent else counted:
        number, group = cell[0], cell[1:]
        begin = number * length if bin_by else after
        here = counted.get(cell, [])
        values = [
            _concurrency(metric["statistic"], overlapping[cell], begin, length)
            if metric["name"] == "Concurrency"
            else _statistic(metric, here)
            for metric in request["metrics"]
        ]
        found.append((number, group, values, here))
    found.sort(key=lambda each: [(value is not None, value) for value in each[1]])
    if bin_by:
        found.sort(key=lambda each: each[0], reverse=bin_by.get("order") != "Ascending")
    for i, metric in enumerate(request["metrics"]):
        if metric.get("order"):
            found.sort(key=lambda each: each[2][i] or 0, reverse=metric["order"] == "Descending")
    return [_json(bin_by, names, length, request, *each) for each in found]


def _fits(item: Item, request: Mapping[str, Any], after: int, before: int) -> bool:
    if "UtteranceTimestamp" in item:
        if not after < item["UtteranceTimestamp"] < before:
            return False
    elif not (after < item["ConversationStartTime"] and item["end"] < before):
        return False
    return all(_matches(item[each["name"]], **each) for each in request.get("filters") or [])


def _matches(value: Any, name: str, operator: str, values: Sequence[str]) -> bool:
    if value is None:
        return False
    if isinstance(value, tuple):  # all that was said in a conversation, or all starts of its path
        return any(_matches(text, name, operator, values) for text in value)
    if name == "Duration":
        wanted = [int(each) for each in values]
        return bool({"EQ": value in wanted, "GT": value > wanted[0], "LT": value < wanted[0]}[operator])
    spelt = {"IntentEndState": {"Failure": "Failed"}, "ConversationEndState": {"Failed": "Failure"}}.get(name, {})
    texts = [spelt.get(each, each) for each in values]
    return value in texts if operator == "EQ" else any(text in value for text in texts)


def _statistic(metric: Mapping[str, str], items: Sequence[Item]) -> float | None:
    name = metric["name"]
    if name == "UtteranceTimestamp":
        times = [item[name] for item in items]
        found = {"Avg": sum(times) / len(times), "Max": max(times)} if times else {}
        return found[metric["statistic"]] / 1000 if times else None
    if name in {"Duration", "TurnsPerConversation", "Retry"}:
        numbers = [item[name] for item in items]
    else:
        numbers = [int(name in {"Count", item["state"]}) for item in items]
    if not numbers:
        return 0.0
    return float({"Sum": sum(numbers), "Avg": sum(numbers) / len(numbers), "Max": max(numbers)}[metric["statistic"]])


def _concurrency(statistic: str, items: Sequence[Item], begin: int, length: int) -> float:
    spans = [(max(item["ConversationStartTime"], begin), min(item["end"], begin + length)) for item in items]
    at_once = [sum(start <= instant <= end for start, end in spans) for instant, _ in spans]
    shared = sum(end - start for start, end in spans) / length
    return float({"Sum": len(items), "Avg": shared, "Max": max(at_once, default=0)}[statistic])


def _json(  # noqa: PLR0917 -- all that a result is made of
    bin_by: Mapping[str, str] | None,
    names: Sequence[str],
    length: int,
    request: Mapping[str, Any],
    number: int,
    group: Sequence[Any],
    values: Sequence[float | None],
    items: Sequence[Item],
) -> dict[str, Any]:
    latest = (
        max(items, key=lambda item: (item["UtteranceTimestamp"], item["request"]))
        if request.get("attributes") and items
        else {}
    )
    found: dict[str, Any] = {
        "binKeys": [{"name": bin_by["name"], "value": number * length // 1000}] if bin_by else [],
        "groupByKeys": [
            {"name": name} if value is None else {"name": name, "value": str(value)}
            for name, value in zip(names, group, strict=True)
        ],
        "metricsResults": [
            {"name": metric["name"], "statistic": metric["statistic"], "value": value}
            for metric, value in zip(request["metrics"], values, strict=True)
            if value is not None
        ],
        "attributeResults": [{"lastUsedIntent": latest["intent"]}] if latest.get("intent") else [],
    }
    return {name: value for name, value in found.items() if value}


def at(text: str) -> int:
    """Milliseconds of an instant of UTC."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)
