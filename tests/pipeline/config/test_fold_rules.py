"""Workers and runs go by the same rules where the same events come to the same, redaction included."""

import msgspec
import pytest

from pipeline.config.fold_rules import kafka_client_id, rules_digest
from pipeline.config.settings import Settings
from schemas.fold_rules import FOLD_VERSION
from schemas.reprocessing import JobRules


def test_without_redaction_rules_are_written_as_before_there_was_any() -> None:
    ours = rules_digest(Settings(redact_phone_region="DE"))
    assert {*msgspec.to_builtins(ours)} == {"version", "fallback_intents"}
    saved = b'{"version":"0.1.0","fallback_intents":["FallbackIntent"]}'
    assert msgspec.json.decode(saved, type=JobRules) == JobRules("0.1.0", ("FallbackIntent",))
    assert msgspec.json.encode(JobRules("0.1.0", ("FallbackIntent",))) == saved


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Settings(redact_slots=("b", "A", "b")), Settings(redact_slots=("a", "B"))),
        (Settings(redact_slots=("a", "*")), Settings(redact_slots=("*",))),
        (Settings(redact_patterns=("email", "card")), Settings(redact_patterns=("card", "email", "card"))),
        (Settings(redact_patterns=("card",)), Settings(redact_patterns=("card",), redact_phone_region="DE")),
        (Settings(redact_attributes=("x",)), Settings(redact_attributes=("X",))),
    ],
)
def test_what_redacts_alike_is_alike(one: Settings, other: Settings) -> None:
    assert rules_digest(one) == rules_digest(other)
    assert kafka_client_id(one) == kafka_client_id(other) != kafka_client_id(Settings())


def test_what_redacts_otherwise_is_another_rule() -> None:
    settings = [
        Settings(),
        Settings(redact_transcripts="mask"),
        Settings(redact_transcripts="drop"),
        Settings(redact_slots=("a",)),
        Settings(redact_slots=("a", "b")),
        Settings(redact_attributes=("a",)),
        Settings(redact_obfuscated=True),
        Settings(redact_patterns=("card",)),
        Settings(redact_patterns=("phone",)),
        Settings(redact_patterns=("phone",), redact_phone_region="DE"),
    ]
    assert len({kafka_client_id(one) for one in settings}) == len(settings)


def test_workers_notice_another_version_of_the_fold(monkeypatch: pytest.MonkeyPatch) -> None:
    before = kafka_client_id(Settings())
    monkeypatch.setattr("pipeline.config.fold_rules.FOLD_VERSION", FOLD_VERSION + 1)
    assert kafka_client_id(Settings()) != before


def test_what_is_told_to_kafka_names_no_slot() -> None:
    assert "CardNumber" not in kafka_client_id(Settings(redact_slots=("CardNumber",)))
