"""Settings in, what Faust shows Kafka to be let in out."""

from faust import SASLCredentials, SSLCredentials
from faust.types.auth import CredentialsT

from pipeline.config.settings import Settings
from pipeline.kafka.access import tls_context


def credentials(settings: Settings) -> CredentialsT | None:
    """TLS, user and password, as the settings say; None where Kafka demands neither.

    Raises:
        UsageError: a file of certificates cannot be used.
    """
    tls = tls_context(settings)
    if settings.kafka_sasl:
        return SASLCredentials(
            username=settings.kafka_user,
            password=settings.kafka_password,
            mechanism=settings.kafka_sasl_mechanism,
            ssl_context=tls,
        )
    return SSLCredentials(tls) if tls else None
