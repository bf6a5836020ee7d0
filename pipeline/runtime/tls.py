"""Create TLS contexts from certificate files; an error names the file and the setting that names it."""

import ssl

from pipeline.runtime.errors import UsageError


def client_context(ca: str, setting: str) -> ssl.SSLContext:
    """Return a context that trusts the authorities in the PEM file `ca`, or if `ca` is empty, those of this machine.

    Args:
        ca: a path, or empty.
        setting: the setting that names the file, for the error message.

    Raises:
        UsageError: the file cannot be read or holds no certificate.
    """
    try:
        return ssl.create_default_context(cafile=ca or None)
    except OSError as error:
        raise UsageError(f"{setting}={ca} holds no certificate authorities: {_reason(error)}") from None


def server_context(certificate: str, key: str, setting: str) -> ssl.SSLContext:
    """Return a context that presents `certificate` to clients, and speaks TLS 1.2 or newer.

    Raises:
        UsageError: as `load_certificate`.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # Python's default today, whatever it becomes
    load_certificate(context, certificate, key, setting)
    return context


def load_certificate(context: ssl.SSLContext, certificate: str, key: str, setting: str) -> None:
    """Make `context` present a certificate to the other side.

    Args:
        context: is changed.
        certificate: a PEM file with our certificate and those of the authorities that signed it.
        key: the PEM file of its key; empty if `certificate` holds the key too.
        setting: the setting that names the certificate, for the error message.

    Raises:
        UsageError: one of the files cannot be read, or they do not belong together.
    """
    try:
        context.load_cert_chain(certificate, key or None, password="")  # without one OpenSSL would prompt for it
    except OSError as error:
        files = f"{certificate} with key {key}" if key else certificate
        raise UsageError(f"{setting}={files} cannot be used: {_reason(error)}") from None


def _reason(error: OSError) -> str:
    if not isinstance(error, ssl.SSLError):
        return str(error.strerror)
    return error.reason.replace("_", " ").lower() if error.reason else "it is not valid PEM, or the key is encrypted"
