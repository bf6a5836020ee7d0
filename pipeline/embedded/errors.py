"""An engine's error text in, the code and the HTTP status that a ClickHouse server answers out."""

import enum
import re


class ClickHouseCode(enum.IntEnum):
    """The errors that the front itself meets, by ClickHouse's names (src/Common/ErrorCodes.cpp)."""

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


# src/Server/HTTP/exceptionCodeToHTTPStatus.cpp; what is not listed is a 500. Only 202, too many statements,
# and 236, stopping, differ from a server: a 503 says that a second try is worth it.
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
_SAID_TWICE = re.compile(r"(?P<name> \([A-Z_]+\))(?: \(version [^)]*\)\.(?P=name))+$")


class EngineError(Exception):
    """A statement that came to nothing; its text is the body of the answer."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text

    @property
    def status(self) -> int:
        """The HTTP status that a server answers with this code."""
        return next((status for status, codes in STATUSES.items() if self.code in codes), 500)


class AbandonedError(Exception):
    """Nobody takes the pieces of an answer any more."""


def engine_error(code: ClickHouseCode, sentence: str) -> EngineError:
    """A failure that the front itself met, in a server's form; the sentence has no full stop."""
    return EngineError(code, f"Code: {code}. DB::Exception: {sentence}. ({code.name})")


def error_of_engine(error: Exception) -> EngineError:
    """What the engine raised; an error wrapped in itself is said once, one without a code is unknown."""
    text = _SAID_TWICE.sub(r"\g<name>", _WRAPPED.sub("", str(error).strip().removeprefix(_STREAMING)))
    code = _CODE.match(text)
    return engine_error(ClickHouseCode.UNKNOWN_EXCEPTION, text) if code is None else EngineError(int(code[1]), text)
