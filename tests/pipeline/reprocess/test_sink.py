"""Batches of a job are counted as they are decoded and written."""

from pipeline.config.settings import Settings
from pipeline.reprocess.batch import DecodedInputs, InputBatch
from pipeline.reprocess.sink import _decode_function, _result
from schemas.reprocessing import Job, JobKind, JobRules, Target
from tests.events import raw, turn


class Raw:
    problem = ""
    origin = "file:1"
    place = None

    def __init__(self, data: bytes) -> None:
        self.data = data


def test_the_decode_function_decodes_only_the_bot_of_the_job() -> None:
    job = Job(kind=JobKind.BACKFILL, into=Target.LIVE, rules=JobRules("1", ()), bot_id="another")
    inputs = InputBatch([Raw(raw()), Raw(b"{")], (2,), 10, 2)
    prepared = _decode_function(Settings(), job)(inputs)
    assert prepared.inputs is inputs
    assert (prepared.decoded.turns, prepared.decoded.valid, prepared.decoded.dead) == ([], 1, 1)


def test_the_result_has_the_counts_of_inputs_turns_and_conversations() -> None:
    turns = [turn(request_id="r1"), turn(request_id="r2"), turn(session_id="s2")]
    decoded = DecodedInputs(turns, [b""] * 3, valid=4, dead=1, failed=2, bytes=9, forgotten=1, problems=["x"])
    counts, problems = _result(InputBatch([], (5,), 20, 7), decoded, 1)
    assert (counts.read, counts.valid, counts.dead, counts.failed, counts.forgotten) == (7, 4, 1, 2, 1)
    assert (counts.touched, counts.changed, counts.bytes, counts.done, problems) == (2, 1, 9, 20, ["x"])
