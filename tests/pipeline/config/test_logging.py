"""A log is one line an event, readable by machines where no terminal is, and libraries do not fill it."""

import io
import json
import logging
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal

import orjson
import pytest

from pipeline.config.logging import LOG_CREDENTIALS, LOG_PAYLOADS, MAX_LENGTH, NOISY, configure_logging
from pipeline.config.settings import Settings

log = logging.getLogger("turnfold.test")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Logging is the whole process's: give it back as it was."""
    root, levels = logging.getLogger(), {name: logging.getLogger(name).level for name in NOISY}
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)


def logged(stream: io.StringIO) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in stream.getvalue().splitlines()]


def test_elsewhere_than_on_a_terminal_a_line_is_an_object() -> None:
    configure_logging(Settings(), stream := io.StringIO())
    log.info("read %d records", 3, extra={"partitions": ["turns/0"]})
    (line,) = logged(stream)
    assert datetime.fromisoformat(line.pop("time")).tzinfo is not None
    assert line == {
        "level": "info",
        "logger": "turnfold.test",
        "message": "read 3 records",
        "partitions": ["turns/0"],
    }


def test_a_traceback_stays_on_the_line_of_its_object() -> None:
    configure_logging(Settings(), stream := io.StringIO())
    try:
        int("lost")
    except ValueError:
        log.exception("a fault\nwith a line break")
    (line,) = logged(stream)
    assert line["message"] == "a fault\nwith a line break"
    assert line["error"].startswith("Traceback")
    assert line["error"].endswith("'lost'")


def test_what_json_does_not_know_is_written_as_text() -> None:
    configure_logging(Settings(), stream := io.StringIO())
    log.warning("odd", extra={"value": {1: object()}})
    assert logged(stream)[0]["value"]["1"].startswith("<object")


@pytest.mark.parametrize(
    ("log_format", "stream", "as_json"),
    [
        ("auto", Terminal(), False),
        ("auto", io.StringIO(), True),
        ("text", io.StringIO(), False),
        ("json", Terminal(), True),
    ],
)
def test_the_setting_decides_the_format(
    log_format: Literal["auto", "text", "json"], stream: io.StringIO, *, as_json: bool
) -> None:
    configure_logging(Settings(log_format=log_format), stream)
    log.info("one\ntwo", extra={"n": 1})
    line = stream.getvalue()
    assert line.startswith("{") == as_json
    if not as_json:
        assert line.endswith("Z INFO turnfold.test: one two n=1\n")


def test_a_message_has_an_end() -> None:
    configure_logging(Settings(), stream := io.StringIO())
    log.error("x" * 100_000)
    assert len(logged(stream)[0]["message"]) < MAX_LENGTH + 10


@pytest.mark.parametrize("name", NOISY)
def test_libraries_are_heard_from_warning_on_unless_one_debugs(name: str) -> None:
    library = logging.getLogger(name).getChild("inside")
    configure_logging(Settings(), quiet := io.StringIO())
    library.info("step")
    library.warning("trouble")
    assert [line["message"] for line in logged(quiet)] == ["trouble"]
    configure_logging(Settings(log_level="debug"), loud := io.StringIO())
    library.info("step")
    assert [line["message"] for line in logged(loud)] == ["step"]


def test_the_level_holds_for_our_own() -> None:
    configure_logging(Settings(log_level="error"), stream := io.StringIO())
    log.warning("no")
    log.error("yes")
    assert [line["message"] for line in logged(stream)] == ["yes"]


def test_configuring_again_does_not_write_twice() -> None:
    configure_logging(Settings(), io.StringIO())
    configure_logging(Settings(), stream := io.StringIO())
    log.info("once")
    assert len(logged(stream)) == 1


def test_at_debug_libraries_that_would_tell_the_password_or_what_people_said_tell_less() -> None:
    secured = Settings(log_level="debug", kafka_security="SASL_SSL", kafka_user="me", kafka_password="s3cret")
    redacting = Settings(log_level="debug", redact_patterns=("card",))
    for settings, told in ((Settings(log_level="debug"), True), (secured, False), (redacting, False)):
        configure_logging(settings, io.StringIO())
        for name in LOG_PAYLOADS:
            assert logging.getLogger(f"{name}.net.connection").isEnabledFor(logging.DEBUG) == told


def test_libraries_that_log_credentials_are_never_heard_at_debug() -> None:
    configure_logging(Settings(log_level="debug"), io.StringIO())
    assert not any(logging.getLogger(f"{name}.auth").isEnabledFor(logging.DEBUG) for name in LOG_CREDENTIALS)


def test_a_log_does_nothing_to_a_terminal() -> None:
    evil = "\x1b]0;x\x07\x9b\u202e\udcff\n"
    for shape in ("json", "text"):
        configure_logging(Settings(log_format=shape), stream := io.StringIO())
        try:
            raise ValueError(evil)  # noqa: TRY301 - an error that quotes what came from outside
        except ValueError:
            log.exception("about %s", evil, extra={"of": evil, "long": "x" * 2 * MAX_LENGTH})
        written = stream.getvalue()
        assert all(each.isprintable() for each in written.splitlines())
        assert len(written) < 2 * MAX_LENGTH
        if shape == "json":
            (line,) = (json.loads(each) for each in written.splitlines())
            assert (line["message"], line["of"]) == (f"about {evil}", evil)
