"""Save and load the plan and the progress of reprocessing in ClickHouse, so that any machine can resume it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from pipeline.store.connection.client import ClickHouse
from schemas.reprocessing import DatedState, Run, SavedState, WorkUnit

WHOLE = ""
"""The unit name under which the run itself is saved."""

WORKERS = "workers"
"""The unit name under which workers announce themselves; such a run has no plan."""

FIND = """
SELECT unit, state, dateDiff('millisecond', saved, now64(3))
FROM runs FINAL
WHERE run = {run:String}
"""
LAST_SAVED = """
SELECT toUnixTimestamp64Milli(max(saved)), toUnixTimestamp64Milli(now64(3))
FROM runs
WHERE run = {run:String}
"""
NAMES = "SELECT DISTINCT run FROM runs WHERE unit = '' ORDER BY run"

_run, _unit = msgspec.json.Decoder(Run), msgspec.json.Decoder(WorkUnit)


@dataclass(frozen=True, slots=True)
class SavedUnit:
    """A saved unit and its `age`: milliseconds since it was saved, by the server's clock."""

    unit: WorkUnit
    age: int


async def save_run(clickhouse: ClickHouse, name: str, run: Run, *, into_live: bool) -> None:
    """Save the plan and the phase of a run.

    Raises:
        TransientError: a retry may succeed.
    """
    await _save(clickhouse, name, [SavedState(name, WHOLE, into_live, msgspec.json.encode(run))])


async def save_units(
    clickhouse: ClickHouse, name: str, run: Run, units: Mapping[str, WorkUnit], *, into_live: bool
) -> None:
    """Save the progress of these units, by name, apart from those of an earlier run of the same name.

    Raises:
        TransientError: a retry may succeed.
    """
    rows = [
        SavedState(name, f"{run.begun}/{unit_name}", into_live, msgspec.json.encode(unit))
        for unit_name, unit in units.items()
    ]
    await _save(clickhouse, name, rows)


async def _save(clickhouse: ClickHouse, name: str, rows: Sequence[SavedState]) -> None:
    """Insert rows of a run so that they replace its earlier ones, even if the server's clock has been set back."""
    ((last, now),) = await clickhouse.rows(LAST_SAVED, {"run": name})
    if last > now:
        rows = [DatedState(row.run, row.unit, row.into_live, row.state, last + 1) for row in rows]
    await clickhouse.insert("runs", rows)


async def load_run(clickhouse: ClickHouse, name: str) -> tuple[Run, dict[str, SavedUnit]] | None:
    """Load the last saved state of a run, and its units by name; None if there is no such run.

    Raises:
        TransientError: a retry may succeed.
    """
    saved = {unit: (state, age) for unit, state, age in await clickhouse.rows(FIND, {"run": name})}
    if WHOLE not in saved:
        return None
    run = _run.decode(saved.pop(WHOLE)[0])
    prefix = f"{run.begun}/"
    return run, {
        unit.removeprefix(prefix): SavedUnit(_unit.decode(state), age)
        for unit, (state, age) in saved.items()
        if unit.startswith(prefix)
    }


async def run_names(clickhouse: ClickHouse) -> list[str]:
    """Return the names of all runs ever saved.

    Raises:
        TransientError: a retry may succeed.
    """
    return [name for (name,) in await clickhouse.rows(NAMES)]


async def announce_workers(clickhouse: ClickHouse, group: str) -> None:
    """Announce to the workers of other groups, and to jobs, that a worker of this group writes the live tables.

    Raises:
        TransientError: a retry may succeed.
    """
    await clickhouse.insert("runs", [SavedState(group, WORKERS, True, b"{}")])
