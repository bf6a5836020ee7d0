"""Translate the engine's errors into the codes and HTTP statuses of a ClickHouse server."""

import enum
import re


class ClickHouseCode(enum.IntEnum):
    """Errors that the HTTP front end raises itself, by ClickHouse's names (src/Common/ErrorCodes.cpp)."""

    CANNOT_READ_ALL_DATA = 33
    BAD_ARGUMENTS = 36
    CHECKSUM_DOESNT_MATCH = 40
    NOT_IMPLEMENTED = 48
    SYNTAX_ERROR = 62
    UNKNOWN_COMPRESSION_METHOD = 89
    UNKNOWN_SETTING = 115
    TOO_MANY_SIMULTANEOUS_QUERIES = 202
    SOCKET_TIMEOUT = 209
    QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING = 216
    QUERY_IS_TOO_LARGE = 229
    ABORTED = 236
    NOT_ENOUGH_SPACE = 243
    CANNOT_DECOMPRESS = 271
    ACCESS_DENIED = 497
    AUTHENTICATION_FAILED = 516
    UNKNOWN_EXCEPTION = 1002


# From src/Server/HTTP/exceptionCodeToHTTPStatus.cpp; all other codes are a 500. Only 202 (too many statements) and 236
# (stopping) differ from a server: with a 503, clients retry.
STATUSES = {
    400: {
        6, 8, 15, 25, 26, 27, 36, 37, 38, 41, 44, 53, 62, 72, 117, 123, 167, 168, 223, 321, 376, 427, 441,
        675, 676,
    },
    401: {194},
    403: {192, 193, 497, 512, 516},
    404: {46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 152, 336, 511},
    408: {159},
    411: {381},
    413: {229},
    415: {779},
    501: {48},
    503: {76, 202, 209, 236, 439},
}  # fmt: skip

_CODE = re.compile(r"Code: (\d+)\. ")
_WRAPPED = re.compile(r"^(?:Code: \d+\. DB::Exception: )+(?=Code: \d+\. )")
_STREAMING = "Streaming query failed: "
_REPEATED_NAME = re.compile(r"(?P<name> \([A-Z_]+\))(?: \(version [^)]*\)\.(?P=name))+$")


class EngineError(Exception):
    """A statement failed; the text is the body of the response."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text

    @property
    def status(self) -> int:
        """Return the HTTP status of a server's response with this code."""
        return next((status for status, codes in STATUSES.items() if self.code in codes), 500)


class AbandonedError(Exception):
    """The client no longer reads the response."""


def engine_error(code: ClickHouseCode, message: str) -> EngineError:
    """Return an error of the HTTP front end in a server's format; the message has no full stop."""
    return EngineError(code, f"Code: {code}. DB::Exception: {message}. ({code.name})")


def error_of_engine(error: Exception) -> EngineError:
    """Translate an exception of chdb: repetitions of the same text are removed, and without a code it is unknown."""
    text = _REPEATED_NAME.sub(r"\g<name>", _WRAPPED.sub("", str(error).strip().removeprefix(_STREAMING)))
    code = _CODE.match(text)
    return engine_error(ClickHouseCode.UNKNOWN_EXCEPTION, text) if code is None else EngineError(int(code[1]), text)
