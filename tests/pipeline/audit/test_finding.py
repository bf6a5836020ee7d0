"""A finding tells every way in which rows differ, and is the same where nothing has changed."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from pipeline.audit.finding import Finding, Kind, findings
from pipeline.fold.fold import fold
from pipeline.materialise.reconcile import ReconcileRules
from pipeline.store.conversations import ArchiveAndRows
from schemas.turn import Turn
from tests.events import RULES, START, turn, turns
from tests.pipeline.audit.tables import folded

RIGHT = fold([turn()], RULES)


@given(st.lists(turns(), max_size=12))
def test_the_fold_of_the_events_is_no_finding(events: list[Turn]) -> None:
    rows = folded(events)
    keys = [(row.bot_id, row.session_id, row.originating_request_id) for row in rows]
    said = ArchiveAndRows(
        {key: [one for one in events if one.key == key] for key in keys},
        {key: [row] for key, row in zip(keys, rows, strict=True)},
        {key: row.version for key, row in zip(keys, rows, strict=True)},
    )
    assert findings(said, ReconcileRules(RULES), START) == {}


def test_one_conversation_may_differ_in_several_ways() -> None:
    key = turn().key
    double = msgspec.structs.replace(RIGHT, start=START - 5)
    wrong = msgspec.structs.replace(RIGHT, mode="Speech")
    kinds = [difference.kind for difference in Finding(key, RIGHT, (double, wrong)).differences()]
    assert kinds == [Kind.OUTDATED, Kind.WRONG]
    assert [one.kind for one in Finding(key, RIGHT, (double,)).differences()] == [Kind.MISSING, Kind.OUTDATED]
    assert [one.kind for one in Finding(key, None, (double, wrong)).differences()] == [Kind.WITHOUT_EVENTS] * 2


def test_a_finding_changes_with_whatever_changes() -> None:
    one = Finding(turn().key, RIGHT, ())
    assert one == Finding(turn().key, fold([turn()], RULES), ())
    assert one != Finding(turn().key, msgspec.structs.replace(RIGHT, version=2), ())
    assert one != Finding(turn().key, RIGHT, (RIGHT,))


def test_a_difference_shows_no_transcripts() -> None:
    wrong = msgspec.structs.replace(RIGHT, utterance_texts=("my secret",))
    (difference,) = Finding(turn().key, RIGHT, (wrong,)).differences()
    actual, due = difference.columns["utterance_texts"]
    assert actual != due
    assert str(actual).startswith("1 texts, sha256:")
    assert "secret" not in repr(difference)
