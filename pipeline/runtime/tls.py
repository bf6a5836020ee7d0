"""Files of certificates in, TLS contexts out; a file that cannot be used is named with its setting."""

import ssl

from pipeline.runtime.errors import UsageError


def client_context(ca: str, setting: str) -> ssl.SSLContext:
    """A context that trusts the authorities in the PEM file `ca`, or those that this machine trusts where it is empty.

    Raises:
        UsageError: the file cannot be read or holds no certificate; `setting` is what names the file.
    """
    try:
        return ssl.create_default_context(cafile=ca or None)
    except OSError as wrong:
        raise UsageError(f"{setting}={ca} holds no certificate authorities: {_why(wrong)}") from None


def server_context(certificate: str, key: str, setting: str) -> ssl.SSLContext:
    """A context that shows clients `certificate`, and speaks TLS 1.2 or newer.

    Raises:
        UsageError: as `show_certificate`.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # as Python has it by default, whatever that becomes
    show_certificate(context, certificate, key, setting)
    return context


def show_certificate(context: ssl.SSLContext, certificate: str, key: str, setting: str) -> None:
    """Make `context` show the other side a certificate.

    Args:
        context: is changed.
        certificate: a PEM file with our certificate, and those that vouch for it.
        key: the PEM file of its key; empty where `certificate` holds that too.
        setting: what names the certificate, for the sentence.

    Raises:
        UsageError: one of the files cannot be read, or they do not fit together.
    """
    try:
        context.load_cert_chain(certificate, key or None, password="")  # without one, OpenSSL would ask the terminal
    except OSError as wrong:
        files = f"{certificate} with key {key}" if key else certificate
        raise UsageError(f"{setting}={files} cannot be used: {_why(wrong)}") from None


def _why(wrong: OSError) -> str:
    if not isinstance(wrong, ssl.SSLError):
        return str(wrong.strerror)
    return wrong.reason.replace("_", " ").lower() if wrong.reason else "it is not as PEM says, or the key is encrypted"
