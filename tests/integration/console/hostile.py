"""Conversations of users who attack whoever reads them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

BOT = "HOSTILEBOT"
SESSION = "user\"><script>alert(1)</script>'/../%2e"
SCRIPT = "<script>document.title = 'taken'</script><img src=x onerror=\"document.title = 'taken'\">"
BIDI = "abc\u202edcba\u2066 \u200b zero\x00\x1b[31m"
QUOTES = "'\"` onmouseover=alert(1) {{ 7 * 7 }} {% include 'x' %} ${7*7} javascript:alert(1)"
LONG = "a long word " + "x" * 100_000
TEXTS = (SCRIPT, BIDI, QUOTES, LONG, "=cmd|' /C calc'!A0", "line one\nline two", "שלום 👩\u200d🚀")
MANY_SESSION, MANY = "talker", 450


def hostile_entries() -> Iterator[dict[str, Any]]:
    """Yield log entries of two conversations: one of hostile texts, one of many turns."""
    start = datetime.now(UTC) - timedelta(hours=2)
    for number, text in enumerate(TEXTS):
        yield entry(start + timedelta(seconds=number), SESSION, number, text)
    for number in range(MANY):
        yield entry(start + timedelta(seconds=number), MANY_SESSION, number, f"message number {number}")


def entry(time: datetime, session: str, number: int, text: str) -> dict[str, Any]:
    """Return a log entry whose every text is hostile."""
    return {
        "messageVersion": "2.0",
        "timestamp": time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "requestId": f"{session[:4]}-request-{number:04d}",
        "sessionId": session,
        "inputMode": "Text",
        "missedUtterance": number % 3 == 1,
        "bot": {
            "id": BOT,
            "name": "<b>Hostile</b>",
            "aliasId": "ALIAS\"'<i>",
            "aliasName": "live",
            "version": "1",
            "localeId": "en_US",
        },
        "requestAttributes": {"x-amz-lex:channels:platform": "<svg onload=alert(1)>"},
        "inputTranscript": text,
        "sessionState": {
            "originatingRequestId": f"{session[:4]}-request-0000",
            "dialogAction": {"type": "ElicitSlot", "slotToElicit": "<City>"},
            "intent": {
                "name": "Book</title><script>",
                "state": "InProgress",
                "slots": {
                    "<City>": {"shape": "Scalar", "value": {"originalValue": text[:99], "interpretedValue": text[:99]}}
                },
            },
        },
        "messages": [
            {"contentType": "PlainText", "content": text},
            {
                "contentType": "ImageResponseCard",
                "imageResponseCard": {
                    "title": SCRIPT,
                    "imageUrl": "javascript:alert(1)",
                    "buttons": [{"text": QUOTES, "value": "x"}],
                },
            },
        ],
    }
