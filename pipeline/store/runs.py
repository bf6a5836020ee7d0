"""Plans and progress of replays, rebuilds and backfills in, kept in ClickHouse; the same out, on any machine."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from pipeline.store.client import ClickHouse
from schemas.reprocessing import Run, SavedState, WorkUnit

WHOLE = ""
"""The unit under which the run itself is kept."""

FIND = """
SELECT unit, state, dateDiff('millisecond', saved, now64(3))
FROM runs FINAL
WHERE run = {run:String}
"""
NAMES = "SELECT DISTINCT run FROM runs WHERE unit = '' ORDER BY run"

_run, _unit = msgspec.json.Decoder(Run), msgspec.json.Decoder(WorkUnit)


@dataclass(frozen=True, slots=True)
class SavedUnit:
    """A unit as it was saved, and how long ago by the server's clock, in milliseconds."""

    unit: WorkUnit
    age: int


async def save_run(clickhouse: ClickHouse, name: str, run: Run, *, into_live: bool) -> None:
    """Keep the plan and the phase of a run.

    Raises:
        TransientError: worth a second try.
    """
    await clickhouse.insert("runs", [SavedState(name, WHOLE, into_live, msgspec.json.encode(run))])


async def save_units(
    clickhouse: ClickHouse, name: str, run: Run, units: Mapping[str, WorkUnit], *, into_live: bool
) -> None:
    """Keep how far these units have come, by their names. Units of an earlier run of the same name do not count.

    Raises:
        TransientError: worth a second try.
    """
    rows = [
        SavedState(name, f"{run.begun}/{unit_name}", into_live, msgspec.json.encode(unit))
        for unit_name, unit in units.items()
    ]
    await clickhouse.insert("runs", rows)


async def load_run(clickhouse: ClickHouse, name: str) -> tuple[Run, dict[str, SavedUnit]] | None:
    """The run of that name as it was saved last, and its units by their names; None where there is none.

    Raises:
        TransientError: worth a second try.
    """
    found = {unit: (state, age) for unit, state, age in await clickhouse.rows(FIND, {"run": name})}
    if WHOLE not in found:
        return None
    run = _run.decode(found.pop(WHOLE)[0])
    ours = f"{run.begun}/"
    return run, {
        unit.removeprefix(ours): SavedUnit(_unit.decode(state), age)
        for unit, (state, age) in found.items()
        if unit.startswith(ours)
    }


async def run_names(clickhouse: ClickHouse) -> list[str]:
    """The names of all runs there ever were.

    Raises:
        TransientError: worth a second try.
    """
    return [name for (name,) in await clickhouse.rows(NAMES)]
