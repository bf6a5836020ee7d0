"""Histories come from the cache, else from the archive, without erased events."""

import asyncio
from collections.abc import Sequence

import pytest

from pipeline.fold.cache import ConversationCache, History
from pipeline.materialise.histories import load_histories, look_up_histories
from pipeline.store.connection.client import ClickHouse
from schemas.erasure import Erasure, ErasureList, digest, event_digest
from schemas.turn import ConversationKey
from tests.events import START, turn
from tests.pipeline.audit.tables import Tables, folded

TURNS = [turn(timestamp=START + 1000 * n, request_id=f"r{n}") for n in range(3)]
NEW = turn(session_id="new")
SESSION = digest(TURNS[0].session_id)
ERASURES = ErasureList([Erasure("", SESSION, 0)], {SESSION: [event_digest(TURNS[0])]})


def test_the_cache_is_asked_first_and_its_erased_events_are_discarded() -> None:
    cache = ConversationCache(10)
    cache.put(TURNS[0].key, History(TURNS))
    missed: list[ConversationKey] = []

    async def load(keys: Sequence[ConversationKey]) -> dict[ConversationKey, History]:
        missed.extend(keys)
        return {key: History() for key in keys}

    lookup = asyncio.run(look_up_histories(cache, [TURNS[0].key, NEW.key], ERASURES, load))
    assert missed == [NEW.key]
    assert (lookup.cached, lookup.archived, lookup.new) == (1, 0, 1)
    assert set(lookup.histories[TURNS[0].key].events.values()) == set(TURNS[1:])


@pytest.mark.parametrize(
    ("shared", "has_shadow", "starts"),
    [(False, False, {0}), (True, False, {0, 2}), (False, True, {0, 1, 2})],
)
def test_starts_are_of_current_rows_if_shared_and_of_all_events_with_shadow_tables(
    tables: Tables, starts: set[int], *, shared: bool, has_shadow: bool
) -> None:
    tables.put(*folded(TURNS[2:]), events=TURNS)

    async def use(clickhouse: ClickHouse) -> dict[ConversationKey, History]:
        keys = [TURNS[0].key, NEW.key]
        return await load_histories(clickhouse, keys, ErasureList(), shared=shared, has_shadow=has_shadow)

    histories = tables.use(use)
    assert histories[TURNS[0].key].starts == {START + 1000 * n for n in starts}
    assert not histories[NEW.key].events


def test_erased_events_that_are_still_archived_are_left_out(tables: Tables) -> None:
    tables.put(events=TURNS)

    async def use(clickhouse: ClickHouse) -> dict[ConversationKey, History]:
        return await load_histories(clickhouse, [TURNS[0].key], ERASURES, shared=False)

    assert set(tables.use(use)[TURNS[0].key].events.values()) == set(TURNS[1:])
