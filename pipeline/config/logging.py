"""Configure logging as JSON lines or text, with foreign text made safe for terminals."""

import json
import logging
import sys
import time
import traceback
from collections.abc import Mapping
from functools import partial
from typing import Any, TextIO

import orjson

from pipeline.config.fold_rules import redaction_labels
from pipeline.config.settings import Settings
from pipeline.runtime.printable import escaped_json, printable, printable_lines

NOISY = (
    *("aiohttp", "aiokafka", "asyncio", "boto3", "botocore", "clickhouse_connect", "faust", "kafka", "librdkafka"),
    *("mode", "urllib3", "uvicorn"),
)
"""Libraries that log every step at info. They are heard from warning on, unless the level is debug."""

LOG_CREDENTIALS = ("botocore",)
"""Libraries that log at debug the requests that they sign, session tokens included."""

LOG_PAYLOADS = ("aiokafka", "kafka")
"""Libraries that log at debug the bytes that they send, passwords and text that is not yet redacted included."""

MAX_LENGTH = 2_000
"""Characters of a message that are logged: a server's error may repeat part of the failed statement."""

STANDARD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""Attributes that logging itself sets on a record; all others were given as `extra`."""


def configure_logging(settings: Settings, stream: TextIO = sys.stderr, **fields: object) -> None:
    """Log to `stream` as the settings say, each line with these fields, and replace any earlier configuration."""
    as_json = settings.log_format == "json" or (settings.log_format == "auto" and not stream.isatty())
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines() if as_json else TextLines())
    handler.addFilter(partial(_add_fields, fields))
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)
    quiet = logging.NOTSET if settings.log_level == "debug" else logging.WARNING
    for name in NOISY:
        logging.getLogger(name).setLevel(quiet)
    for name in LOG_CREDENTIALS:
        logging.getLogger(name).setLevel(max(quiet, logging.INFO))
    if settings.kafka_sasl or any(redaction_labels(settings)):
        for name in LOG_PAYLOADS:
            logging.getLogger(name).setLevel(max(quiet, logging.INFO))


def _add_fields(fields: Mapping[str, object], record: logging.LogRecord) -> bool:
    vars(record).update(fields)
    return True


class JsonLines(logging.Formatter):
    """Format records as JSON: `time`, `level`, `logger`, `message`, `extra` fields, and `error` with a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        line: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
            **_extra(record),
        }
        if error := _error(record):
            line["error"] = error
        return escaped_json(_json(line))


class TextLines(logging.Formatter):
    """Format records as `time LEVEL logger: message key=value`, with the traceback on lines of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line, or several if there is a traceback."""
        extra = "".join(f" {name}={value}" for name, value in _extra(record).items())
        message = printable(" ".join(f"{_message(record)}{extra}".splitlines()))  # foreign text must not add lines
        line = f"{_time(record)} {record.levelname} {record.name}: {message}"
        return "\n".join(part for part in (line, printable_lines(_error(record))) if part)


def _time(record: logging.LogRecord) -> str:
    """Return the record's time in UTC, with milliseconds."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z"


def _message(record: logging.LogRecord) -> str:
    return _shortened(record.getMessage())


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_LENGTH else f"{text[:MAX_LENGTH]} ..."


def _extra(record: logging.LogRecord) -> Mapping[str, Any]:
    extra = ((name, value) for name, value in vars(record).items() if name not in STANDARD_FIELDS)
    return {name: _shortened(value) if isinstance(value, str) else value for name, value in extra}


def _json(line: Mapping[str, Any]) -> str:
    try:
        return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:  # lone surrogates, as in a file name that is not UTF-8: only the json module writes them
        return json.dumps(line, default=str, ensure_ascii=True)


def _error(record: logging.LogRecord) -> str:
    return "".join(traceback.format_exception(*record.exc_info)).rstrip() if record.exc_info else ""
