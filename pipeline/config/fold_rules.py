"""Derive the rules of folding from the settings, and the digest of them that workers compare through Kafka."""

import hashlib
from collections.abc import Collection, Iterator

import msgspec

from pipeline.config.settings import Settings
from pipeline.runtime.version import package_version
from schemas.fold_rules import FOLD_VERSION, FoldRules
from schemas.reprocessing import JobRules


def fold_rules(settings: Settings) -> FoldRules:
    """Return the rules of the fold."""
    return FoldRules(frozenset(settings.fallback_intents))


def rules_digest(settings: Settings) -> JobRules:
    """Return the rules by which a process with these settings folds events."""
    return JobRules(
        package_version("unknown"), tuple(sorted(settings.fallback_intents)), tuple(redaction_labels(settings))
    )


def kafka_client_id(settings: Settings) -> str:
    """Return the client id of a worker in its consumer group: the same for workers with the same rules."""
    rules = rules_digest(settings)
    digest = hashlib.sha256(msgspec.json.encode((rules, FOLD_VERSION, settings.partitioner))).hexdigest()
    return f"turnfold-worker-{rules.version}-{digest[:8]}"


def redaction_labels(settings: Settings) -> Iterator[str]:
    """Yield a label for each kind of redaction that is enabled; equal redaction has equal labels."""
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
