"""Entries of one identity and different content: on the real engine, too, order, batches and merges decide nothing."""

import random
from itertools import pairwise

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.fold.event_set import EventSet
from pipeline.ingest.decode import decode_entry
from pipeline.store.archive import read_back, write
from pipeline.store.client import ClickHouse
from schemas.turn import Turn
from tests.clickhouse_runner import Use
from tests.effort import examples
from tests.events import slow_fold
from tests.pipeline.audit.tables import Tables, fold_and_write
from tests.pipeline.query.session_entries import Sessions, archived, v2

SAID = [b"one", b"two", b"three"]
MAX_BYTES = 1_000_000


def entries() -> list[bytes]:
    """Two events of a session that goes on, each with three contents; another alias in one, another intent in two."""
    found = []
    for ago in (1, 2):
        for place, said in enumerate(SAID):
            entry = v2(ago, requestId=f"request-{ago}", inputTranscript=said.decode())
            entry["sessionState"]["intent"]["name"] = f"Intent{place // 2}"
            if (ago, place) == (1, 0):
                entry["bot"]["aliasId"] = "OTHERALIAS"
                entry["bot"]["aliasName"] = "other"
            found.append(orjson.dumps(entry))
    return found


ENTRIES = entries()


@settings(max_examples=examples(8), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.randoms(use_true_random=False), st.booleans())
def test_any_order_split_and_merge_gives_the_same_rows_and_answers(
    tables: Tables,
    chance: random.Random,
    merged: bool,  # noqa: FBT001 - drawn
) -> None:
    tables.empty()
    log = [*ENTRIES, *chance.sample(ENTRIES, 2)]
    chance.shuffle(log)
    borders = [0, *sorted(chance.sample(range(1, len(log)), 3)), len(log)]
    for first, end in pairwise(borders):
        tables.use(lambda clickhouse, some=log[first:end]: worker(clickhouse, some))  # type: ignore[misc] # a default
    if merged:
        tables.use(lambda clickhouse: clickhouse.command("OPTIMIZE TABLE turns FINAL"))
    turns = [decode_entry(entry, MAX_BYTES) for entry in ENTRIES]
    assert tables.rows() == slow_fold(turns)
    assert tables.audit() == []
    assert answers(tables.use) == answers_of_the_greatest(tables)
    known = tables.use(lambda clickhouse: read_back(clickhouse, [turns[0].key]))
    assert EventSet(known[turns[0].key]).events == EventSet(turns).events


async def worker(clickhouse: ClickHouse, some: list[bytes]) -> None:
    """Fold and write as a worker without memory, with the payloads as they came."""
    kept = {decode_entry(raw, MAX_BYTES): raw for raw in some}
    await fold_and_write(clickhouse, [decode_entry(raw, MAX_BYTES) for raw in some], kept)


def answers(use: Use) -> list[object]:
    """What the API says of the session."""
    sessions = Sessions(use)
    return [sessions.v1(), sessions.v2(), sessions.transcript()]


def answers_of_the_greatest(tables: Tables) -> list[object]:
    """The same of an archive that has never had another content."""
    counts: dict[object, tuple[Turn, bytes]] = {}
    for raw in sorted(ENTRIES, key=lambda raw: decode_entry(raw, MAX_BYTES).content):
        counts[decode_entry(raw, MAX_BYTES).order] = (decode_entry(raw, MAX_BYTES), raw)
    tables.empty()
    rows = [archived(raw) for _, raw in counts.values()]
    tables.use(lambda clickhouse: write(clickhouse, [], rows))
    return answers(tables.use)
