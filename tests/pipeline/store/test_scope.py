import pytest

from pipeline.store.scope import LAST_TIME, Scope


@pytest.mark.parametrize(
    ("scope", "timed", "since", "until"),
    [
        (Scope(), False, 0, LAST_TIME),
        (Scope("BOT"), False, 0, LAST_TIME),
        (Scope(since=0), True, 0, LAST_TIME),
        (Scope(until=0), True, 0, 0),
        (Scope("BOT", 5, 7), True, 5, 7),
    ],
)
def test_a_missing_bound_lies_outside_of_all_times(
    scope: Scope,
    timed: bool,  # noqa: FBT001 -- a parameter
    since: int,
    until: int,
) -> None:
    assert scope.timed == timed
    assert scope.parameters() == {"since": since, "until": until}
