"""Names of members are looked at as values are, wherever they stand; what the fold reads keeps its name."""

from typing import Literal

import orjson
import pytest

from pipeline.config.settings import Settings
from pipeline.ingest.redaction.allowlist import MARKS
from pipeline.ingest.redaction.names import Names
from pipeline.ingest.redaction.patterns import Patterns
from pipeline.ingest.redaction.redactor import Redactor
from tests.pipeline.ingest.planted import envelope, folded, kept, v1, v2
from tests.pipeline.ingest.spoken import CARD, EMAIL, PHONE

PATTERNS: tuple[Literal["card", "email", "phone"], ...] = ("card", "email", "phone")
REDACTION = Redactor(Settings(redact_patterns=PATTERNS))


@pytest.mark.parametrize("secret", [CARD, EMAIL, PHONE, "a @ b.com", "4111,1111,1111,1111"])
def test_names_are_masked_wherever_they_stand(secret: str) -> None:
    deep = {"a": [{secret: {secret: 1}}], "text": orjson.dumps({secret: {"x": secret}}).decode()}
    for entry in (v2(), v1()):
        state = entry.setdefault("sessionState", {})
        state["sessionAttributes"] = {secret: "x"}
        entry |= {secret: deep, "requestAttributes": {secret: None}}
        entry["slots"] = {secret: secret}
        raw = orjson.dumps(entry)
        found = REDACTION.entry(raw)
        assert secret.encode() not in found
        assert secret.replace(" ", "").encode() not in found
        assert folded(found, 2 * len(raw)) == folded(raw, len(raw))
        assert REDACTION.entry(found) == found
    letter = REDACTION.letter(orjson.dumps({secret: [{secret: 1}]}))
    assert secret.encode() not in letter
    assert secret.encode() not in REDACTION.letter(envelope(orjson.dumps(v1(x={secret: 1}))))


def test_no_member_is_lost_to_another_of_its_name() -> None:
    members = {"a@b.com": 1, "[email]": 2, "x": 3, "c@d.com": 4, "e@f.com to g@h.com": 5}
    marks: set[str] = set()
    Names(Patterns(PATTERNS, "US")).mask(members, marks)
    assert list(members.items()) == [
        ("[email] 2", 1), ("[email]", 2), ("x", 3), ("[email] 3", 4), ("[email] to [email]", 5),
    ]  # fmt: skip
    assert marks == {"pattern.email"}


def test_what_is_masked_in_a_name_is_told() -> None:
    assert kept(v1(x={EMAIL: 1}), redact_patterns=("email",))[MARKS] == ["pattern.email"]
    assert MARKS not in kept(v1(x={EMAIL: 1}), redact_patterns=("card",))
