"""Whether TLS is on in; the headers out that every answer carries, whoever answers.

The server itself adds them, not the application: so they stand on what never reaches the application, too, such as
a request that is no HTTP, or one too many.
"""

SECURITY = (
    ("X-Content-Type-Options", "nosniff"),
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Referrer-Policy", "no-referrer"),
)
"""An answer is data: it is neither kept, nor shown as a page, nor framed, nor taken for anything but what it says."""
HTTPS_ONLY = ("Strict-Transport-Security", "max-age=31536000")
"""A browser that has been here over TLS does not come without it for a year. Other names of the domain are not ours."""


def security_headers(*, tls: bool) -> list[tuple[str, str]]:
    """Names and values."""
    return [*SECURITY, HTTPS_ONLY] if tls else [*SECURITY]
