"""Settings in; what decides on the outcome of a fold, and a short word for it that workers tell Kafka, out."""

import hashlib
from importlib.metadata import PackageNotFoundError, version

import msgspec

from pipeline.settings import Settings
from schemas.run import Rules


def rules(settings: Settings) -> Rules:
    """The rules of a process with these settings."""
    try:
        number = version("turnfold")
    except PackageNotFoundError:
        number = "unknown"
    return Rules(number, tuple(sorted(settings.fallback_intents)))


def client_id(settings: Settings) -> str:
    """How a worker with these settings calls itself in its consumer group: alike where the rules are alike."""
    ours = rules(settings)
    digest = hashlib.sha256(msgspec.json.encode(ours)).hexdigest()
    return f"turnfold-worker-{ours.version}-{digest[:8]}"
