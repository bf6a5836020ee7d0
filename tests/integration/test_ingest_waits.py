"""`turnfold ingest` ends when what it sent can be asked for, or says that it cannot yet."""

from pathlib import Path

import orjson

from tests.integration.component_stack import ComponentStack
from tests.integration.listing import listed
from tests.integration.stack import Stack
from tests.integration.traffic import expected, lines


def test_what_was_sent_is_in_the_very_next_answer(stack: Stack) -> None:
    more = [line.replace(b"WHOLEWAY0", b"NEXTBOT00") for line in lines(seed=77, conversations=20)]
    sent = stack.turnfold("ingest", "--json", "-", data=b"\n".join(more))
    assert orjson.loads(sent.stdout)["folded"] is True
    for bot, sessions in expected(more).items():
        assert listed(stack, bot) == sessions


def test_without_a_worker_it_says_so_in_time(tmp_path: Path, parts: ComponentStack) -> None:
    (tmp_path / "turns.jsonl").write_bytes(b"\n".join(lines(seed=78, conversations=3)))
    told = parts.run("ingest", "--wait=0.2", str(tmp_path / "turns.jsonl"))
    assert "not folded everything yet" in told
