"""Configure logging: JSON lines or text, with attacker-controlled text made harmless."""

import json
import logging
import sys
import time
import traceback
from collections.abc import Mapping
from typing import Any, TextIO

import orjson

from pipeline.config.fold_rules import redaction_labels
from pipeline.config.settings import Settings
from pipeline.runtime.printable import escaped_json, printable, printable_lines

CHATTY = ("aiohttp", "aiokafka", "asyncio", "clickhouse_connect", "faust", "kafka", "librdkafka", "mode", "uvicorn")
"""Libraries that tell every step at info. At debug, one wants to hear them."""

TELL_ALL = ("aiokafka", "kafka")
"""Libraries that tell at debug what they send, byte by byte: the password too, and what is not yet redacted."""

LONGEST = 2_000
"""Characters of a message: what a server says of a failed statement may repeat a part of the statement."""

OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""What logging itself puts on a record; all else was given as `extra`."""


def configure_logging(settings: Settings, stream: TextIO = sys.stderr) -> None:
    """Log to `stream` as the settings say, whatever was configured before."""
    as_json = settings.log_format == "json" or (settings.log_format == "auto" and not stream.isatty())
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines() if as_json else TextLines())
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)
    quiet = logging.NOTSET if settings.log_level == "debug" else logging.WARNING
    for name in CHATTY:
        logging.getLogger(name).setLevel(quiet)
    if settings.kafka_sasl or any(redaction_labels(settings)):
        for name in TELL_ALL:
            logging.getLogger(name).setLevel(max(quiet, logging.INFO))


class JsonLines(logging.Formatter):
    """`{"time", "level", "logger", "message"}`, what was given as `extra`, and `error` with the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
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
    """`time LEVEL logger: message key=value`, and the traceback on lines of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, more where there is a traceback."""
        extra = "".join(f" {name}={value}" for name, value in _extra(record).items())
        told = printable(" ".join(f"{_message(record)}{extra}".splitlines()))  # what clients send is no line of its own
        line = f"{_time(record)} {record.levelname} {record.name}: {told}"
        return "\n".join(part for part in (line, printable_lines(_error(record))) if part)


def _time(record: logging.LogRecord) -> str:
    """UTC with milliseconds."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z"


def _message(record: logging.LogRecord) -> str:
    message = record.getMessage()
    return _bounded(message)


def _bounded(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."


def _extra(record: logging.LogRecord) -> Mapping[str, Any]:
    extra = ((name, value) for name, value in vars(record).items() if name not in OWN)
    return {name: _bounded(value) if isinstance(value, str) else value for name, value in extra}


def _json(line: Mapping[str, Any]) -> str:
    try:
        return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:  # halves of characters, as in a file's name that is no UTF-8: only this library writes them
        return json.dumps(line, default=str, ensure_ascii=True)


def _error(record: logging.LogRecord) -> str:
    return "".join(traceback.format_exception(*record.exc_info)).rstrip() if record.exc_info else ""
