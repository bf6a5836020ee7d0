"""Settings in; what the query layer is shown, and whom we believe that it is the query layer, out."""

import re
import ssl
from urllib.parse import urlsplit

from pipeline.access.errors import Denial
from pipeline.config.settings import Settings
from pipeline.runtime.errors import UsageError
from pipeline.runtime.sockets import is_loopback
from pipeline.runtime.tls import client_context

TOKEN = re.compile(r"[!-~]+")
MAKES = "`turnfold keys add --bearer` makes one"
NOT_RIGHT = f"TURNFOLD_API_TOKEN is not, or no longer, a token that is let in; {MAKES}"
HINTS: dict[str, str] = {
    Denial.MISSING: f"set TURNFOLD_API_TOKEN to a bearer token; {MAKES}",
    Denial.INCOMPLETE: NOT_RIGHT,
    Denial.UNKNOWN: NOT_RIGHT,
    Denial.EXPIRED: NOT_RIGHT,
}
"""A kind of refusal -> what to do here."""


def shown(settings: Settings) -> dict[str, str]:
    """The headers that show the token, where there is one.

    Raises:
        UsageError: it would be shown to whoever listens on the way, or it cannot be one.
    """
    if not settings.api_token:
        return {}
    url = urlsplit(settings.api)
    if url.scheme != "https" and not is_loopback(url.hostname or ""):
        raise UsageError(
            f"TURNFOLD_API_TOKEN is not sent to {settings.api}, as others could read it on the way: "
            "TURNFOLD_API should begin with https://"
        )
    if not TOKEN.fullmatch(settings.api_token):
        raise UsageError(f"TURNFOLD_API_TOKEN holds spaces or letters that no token has; {MAKES}")
    return {"authorization": f"Bearer {settings.api_token}"}


def authorities(settings: Settings) -> ssl.SSLContext | None:
    """A context that trusts those in `settings.api_ca`, and those that this machine trusts; None without TLS.

    Raises:
        UsageError: there are none in that file.
    """
    if urlsplit(settings.api).scheme != "https":
        return None
    tls = client_context(settings.api_ca, "TURNFOLD_API_CA")
    tls.load_default_certs()
    return tls
