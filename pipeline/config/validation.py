"""Check settings that are valid by themselves but not together."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from pipeline.config.retention import MAX_CONVERSATION_DAYS
from pipeline.config.settings import Settings
from pipeline.runtime.sockets import is_http_url
from schemas.lex.log_entry import CHANNELS

BOT_ID = re.compile("[0-9A-Za-z]{10}", re.ASCII)


def validate_settings(settings: Settings) -> Iterator[tuple[object, str]]:
    """Yield every rule on the settings: whether it is violated, and a message with what would be right."""
    names = [topic.name for topic in settings.topics]
    yield (
        "" in names or len(set(names)) < len(names),
        f"the topics need three names, not {', '.join(map(repr, names))}: TURNFOLD_TOPIC_RAW, _TURNS and _DEAD",
    )
    security = f"TURNFOLD_KAFKA_SECURITY={settings.kafka_security}"
    account = (settings.kafka_user, settings.kafka_password)
    files = (settings.kafka_ca, settings.kafka_certificate, settings.kafka_key)
    yield settings.kafka_sasl and not all(account), f"{security} needs TURNFOLD_KAFKA_USER and TURNFOLD_KAFKA_PASSWORD"
    yield (
        not settings.kafka_sasl and any(account),
        (
            f"TURNFOLD_KAFKA_USER and TURNFOLD_KAFKA_PASSWORD are not sent to Kafka with {security}: "
            "set it to SASL_SSL, or to SASL_PLAINTEXT without TLS"
        ),
    )
    yield (
        not settings.kafka_tls and any(files),
        (f"TURNFOLD_KAFKA_CA, _CERTIFICATE and _KEY have no effect with {security}: set it to SSL or SASL_SSL"),
    )
    yield (
        settings.kafka_key and not settings.kafka_certificate,
        ("TURNFOLD_KAFKA_KEY is the key of a certificate: set TURNFOLD_KAFKA_CERTIFICATE too"),
    )
    yield (
        settings.topic_min_insync > settings.topic_replication,
        (
            f"TURNFOLD_TOPIC_MIN_INSYNC={settings.topic_min_insync} is more than the number of replicas: "
            f"TURNFOLD_TOPIC_REPLICATION={settings.topic_replication}"
        ),
    )
    yield (
        "@" in settings.clickhouse,
        ("TURNFOLD_CLICKHOUSE contains a user: set TURNFOLD_CLICKHOUSE_USER and TURNFOLD_CLICKHOUSE_PASSWORD instead"),
    )
    yield (
        not is_http_url(settings.clickhouse),
        (f"TURNFOLD_CLICKHOUSE={settings.clickhouse!r} is not a URL; expected http://host:8123 or https://host:8443"),
    )
    yield from _query_layer(settings)
    yield from _redaction(settings)
    yield (
        settings.clickhouse_ca and not settings.clickhouse.startswith("https://"),
        ("TURNFOLD_CLICKHOUSE_CA has no effect without TLS: TURNFOLD_CLICKHOUSE should begin with https://"),
    )
    yield from _retention(settings)


def _redaction(settings: Settings) -> Iterator[tuple[object, str]]:
    for name in ("redact_slots", "redact_attributes"):
        patterns = [each for each in getattr(settings, name) if "*" in each and each != "*"]
        yield patterns, f"TURNFOLD_{name.upper()} takes whole names, or * alone for all, not {', '.join(patterns)}"
    kept = [name for name in settings.redact_attributes if name in CHANNELS]
    yield (
        kept,
        f"TURNFOLD_REDACT_ATTRIBUTES names {', '.join(kept)}, a conversation's channel, which is always kept",
    )
    region = settings.redact_phone_region
    yield (
        "phone" in settings.redact_patterns and not _is_region(region),
        f"TURNFOLD_REDACT_PHONE_REGION={region!r} is not a country with its own phone numbers; expected US or DE",
    )


def _is_region(name: str) -> bool:
    from phonenumbers import SUPPORTED_REGIONS  # noqa: PLC0415 - most processes need no phone numbers

    return name in SUPPORTED_REGIONS


def _query_layer(settings: Settings) -> Iterator[tuple[object, str]]:
    """Yield the rules on the settings of the query layer and of its clients."""
    yield (
        settings.api_certificate_key and not settings.api_certificate,
        ("TURNFOLD_API_CERTIFICATE_KEY is the key of a certificate: set TURNFOLD_API_CERTIFICATE too"),
    )
    yield (
        settings.api_ca and not settings.api.startswith("https://"),
        ("TURNFOLD_API_CA has no effect without TLS: TURNFOLD_API should begin with https://"),
    )
    for origin in settings.api_origins:
        yield (
            not _is_origin(origin),
            (
                f"TURNFOLD_API_ORIGINS: {origin!r} is not an origin as browsers write it; expected "
                "https://console.example.com or http://localhost:3000, in lower case, without a path or a default port"
            ),
        )


def _is_origin(text: str) -> bool:
    """Return whether a browser may write an origin like this: any other text never equals what a browser sends."""
    if not is_http_url(text) or "*" in text or not text.isascii() or text != text.lower():
        return False
    url = urlsplit(text)
    return text == f"{url.scheme}://{url.netloc}" and "@" not in url.netloc and url.port not in {80, 443}


def _retention(settings: Settings) -> Iterator[tuple[object, str]]:
    for name in ("archive_days_bots", "conversation_days_bots"):
        for bot_id in getattr(settings, name):
            yield (
                not BOT_ID.fullmatch(bot_id),
                (
                    f"TURNFOLD_{name.upper()}: {bot_id!r} is not a bot id, which has ten letters and digits; "
                    "`turnfold sessions NAME` shows that of a Lex V1 bot"
                ),
            )
    least = settings.topic_retention_days + MAX_CONVERSATION_DAYS
    named = [(f" of bot {bot_id}", days) for bot_id, days in settings.archive_days_bots.items()]
    for owner, days in [("", settings.archive_days), *named]:
        yield (
            0 < days < least,
            (
                f"TURNFOLD_ARCHIVE_DAYS{'_BOTS' * bool(owner)}: {days:g} days{owner} are too few. Kafka keeps events "
                f"for {settings.topic_retention_days:g} days, and a conversation may last {MAX_CONVERSATION_DAYS:g}: "
                "events that are read again from Kafka would meet conversations that have lost their beginnings. Right "
                f"would be {least:g} or more, 0 for ever, or fewer TURNFOLD_TOPIC_RETENTION_DAYS"
            ),
        )
