"""The settings that decide how events are folded, and the digest of them that workers compare through Kafka."""

import hashlib
from collections.abc import Collection, Iterator
from importlib.metadata import PackageNotFoundError, version

import msgspec

from pipeline.config.settings import Settings
from schemas.reprocessing import JobRules


def rules_digest(settings: Settings) -> JobRules:
    """The rules of a process with these settings."""
    try:
        number = version("turnfold")
    except PackageNotFoundError:
        number = "unknown"
    return JobRules(number, tuple(sorted(settings.fallback_intents)), tuple(redaction_labels(settings)))


def kafka_client_id(settings: Settings) -> str:
    """How a worker with these settings calls itself in its consumer group: alike where the rules are alike."""
    ours = rules_digest(settings)
    digest = hashlib.sha256(msgspec.json.encode((ours, settings.partitioner))).hexdigest()
    return f"turnfold-worker-{ours.version}-{digest[:8]}"


def redaction_labels(settings: Settings) -> Iterator[str]:
    """What is redacted, in the same words where it is the same; nothing where nothing is."""
    if settings.redact_transcripts != "keep":
        yield f"transcripts {settings.redact_transcripts}"
    if settings.redact_slots:
        yield f"slots {_names(settings.redact_slots)}"
    if settings.redact_obfuscated:
        yield "obfuscated"
    if settings.redact_attributes:
        yield f"attributes {_names(settings.redact_attributes)}"
    for pattern in sorted(set(settings.redact_patterns)):
        yield f"phone {settings.redact_phone_region}" if pattern == "phone" else pattern


def _names(names: Collection[str]) -> str:
    return "*" if "*" in names else ",".join(sorted({name.casefold() for name in names}))
