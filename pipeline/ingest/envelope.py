"""A record of the raw topic in, the log entries that it carries out: envelopes unpacked, bare entries as they are."""

import base64
import binascii
import zlib

import msgspec

from pipeline.errors import InvalidEventError, Reason
from pipeline.ingest.diagnose import InputForm, input_form
from schemas.wire import Envelope

GZIP = b"\x1f\x8b"
GZIP_BASE64 = b"H4sI"
INFLATION = 64
"""A gzip stream may unpack to this many times the size allowed for a message: log text packs 10-20 fold."""

_envelope = msgspec.json.Decoder(Envelope)


def unpack(raw: bytes, max_bytes: int) -> list[bytes]:
    """The log entries inside `raw`: one where it is no envelope, none for CloudWatch's control messages.

    `max_bytes` bounds the packed message.

    Raises:
        InvalidEventError: it is packed or an envelope, and broken.
    """
    if len(raw) > max_bytes:
        raise InvalidEventError(Reason.TOO_LARGE, f"{len(raw)} bytes, where a message may have {max_bytes}")
    if raw.startswith(GZIP_BASE64):
        raw = _from_base64(raw)
    if raw.startswith(GZIP):
        raw = _gunzip(raw, INFLATION * max_bytes)
    if not (b'"logEvents"' in raw or b'"awslogs"' in raw) or input_form(raw) is not InputForm.ENVELOPE:
        return [raw]
    return _entries(raw, max_bytes)


def _entries(raw: bytes, max_bytes: int) -> list[bytes]:
    try:
        envelope = _envelope.decode(raw)
    except msgspec.DecodeError as wrong:
        raise InvalidEventError(Reason.BAD_ENVELOPE, f"as a CloudWatch Logs envelope: {wrong}") from None
    if envelope.awslogs is not None:
        return unpack(envelope.awslogs.data, max_bytes)
    if envelope.message_type == "CONTROL_MESSAGE":
        return []
    if envelope.message_type != "DATA_MESSAGE" or envelope.log_events is None:
        raise InvalidEventError(
            Reason.BAD_ENVELOPE, "messageType, where DATA_MESSAGE and CONTROL_MESSAGE are known", envelope.message_type
        )
    return [event.message.encode() for event in envelope.log_events]


def _from_base64(raw: bytes) -> bytes:
    try:
        return base64.b64decode(raw.strip(), validate=True)
    except binascii.Error as wrong:
        raise InvalidEventError(Reason.BAD_ENVELOPE, f"base64 of gzip, broken: {wrong}") from None


def _gunzip(raw: bytes, max_bytes: int) -> bytes:
    try:
        stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        data = stream.decompress(raw, max_bytes)
    except zlib.error as wrong:
        raise InvalidEventError(Reason.BAD_ENVELOPE, f"gzip, broken: {wrong}") from None
    if stream.unconsumed_tail:
        raise InvalidEventError(Reason.TOO_LARGE, f"gzip that unpacks to more than {max_bytes} bytes")
    if not stream.eof:
        raise InvalidEventError(Reason.BAD_ENVELOPE, "gzip, cut off before its end")
    return data
