"""Run Apache Kafka with four listeners: plain, TLS, password, and password over TLS."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kafka import KafkaAdminClient
from kafka.admin import ScramMechanism, UserScramCredentialUpsertion

from deploy.kafka.cluster import HOST, Cluster, Node
from pipeline.config.settings import Settings
from tests import apache
from tests.brokers import unused
from tests.certificates import Certificates

DEMANDS = ("SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
DOORS = [("SSL", "PLAIN"), *((security, mechanism) for security in DEMANDS[1:] for mechanism in MECHANISMS)]
"""The listeners: the security protocol, and the SASL mechanism, which TLS alone does not need."""
USER, PASSWORD = "turnfold", "s3cret-of-the-test"
LOGIN = "org.apache.kafka.common.security"


@dataclass(frozen=True, slots=True)
class SecuredKafka:
    """The broker with the addresses of its listeners."""

    cluster: Cluster
    certificates: Certificates
    ports: dict[str, int]

    def settings(self, security: str, mechanism: str = "PLAIN") -> Settings:
        """Return valid settings for a listener, with unused topics and consumer group."""
        tls, sasl = security.endswith("SSL"), security.startswith("SASL")
        settings = Settings(
            kafka=(f"{HOST}:{self.ports[security]}",),
            kafka_security=security,  # type: ignore[arg-type]  # a test has one of the literals in a variable
            kafka_sasl_mechanism=mechanism,  # type: ignore[arg-type]  # as above
            kafka_user=USER if sasl else "",
            kafka_password=PASSWORD if sasl else "",
            kafka_ca=str(self.certificates.ca) if tls else "",
            kafka_certificate=str(self.certificates.client) if security == "SSL" else "",
        )
        return unused(settings)


@contextmanager
def secured_kafka(folder: Path, certificates: Certificates) -> Iterator[SecuredKafka]:
    """Run the broker during the block; its user is registered for PLAIN and SCRAM."""
    node = apache.new_node(1)
    ports = {"PLAINTEXT": node.port, **{name: apache.new_port() for name in DEMANDS}}
    with apache.running(Cluster(folder, [node], _properties(node, ports, certificates))) as cluster:
        _add_user(cluster.addresses)
        yield SecuredKafka(cluster, certificates, ports)


def _properties(node: Node, ports: dict[str, int], certificates: Certificates) -> dict[str, str]:
    doors = [f"{name}://{HOST}:{port}" for name, port in ports.items()]
    logins = {
        "plain": f'{LOGIN}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";',
        "scram-sha-256": f"{LOGIN}.scram.ScramLoginModule required;",
        "scram-sha-512": f"{LOGIN}.scram.ScramLoginModule required;",
    }
    return {
        "listeners": ",".join([*doors, f"CONTROLLER://{HOST}:{node.controller_port}"]),
        "advertised.listeners": ",".join(doors),
        "listener.security.protocol.map": ",".join(["CONTROLLER:PLAINTEXT", *(f"{name}:{name}" for name in ports)]),
        "sasl.enabled.mechanisms": ",".join(name.upper() for name in logins),
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(certificates.server),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(certificates.ca),
        "listener.name.ssl.ssl.client.auth": "required",
        **{
            f"listener.name.{door}.{mechanism}.sasl.jaas.config": login
            for door in ("sasl_plaintext", "sasl_ssl")
            for mechanism, login in logins.items()
        },
    }


def _add_user(addresses: list[str]) -> None:
    admin = KafkaAdminClient(bootstrap_servers=addresses)
    for mechanism in (ScramMechanism.SCRAM_SHA_256, ScramMechanism.SCRAM_SHA_512):
        admin.alter_user_scram_credentials([UserScramCredentialUpsertion(USER, mechanism, PASSWORD)])
    admin.close()
