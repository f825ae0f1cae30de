"""Strangers: what each lacks of what the trunk requires, and what it must be told."""

from collections.abc import Mapping

from harness.plan.scenario import Scenario

__all__ = [
    "ANOTHERS_CERTIFICATE", "ANOTHER_TOKEN", "EXPECTED", "HANDSHAKE", "NO_CERTIFICATE", "NO_TOKEN", "PLAIN_TEXT",
    "SHOWN", "UNAVAILABLE", "strangers_of",
]  # fmt: skip

NO_TOKEN, ANOTHER_TOKEN, PLAIN_TEXT = "no token", "another token", "plain text"
NO_CERTIFICATE, ANOTHERS_CERTIFICATE = "no certificate", "another authority's certificate"
HANDSHAKE, SHOWN = "TLS handshake", "the trunk's certificate"
UNAUTHENTICATED, UNAVAILABLE = "UNAUTHENTICATED", "UNAVAILABLE"
# A trunk with TLS cannot answer peers that do not finish its handshake: they only see the connection end.
EXPECTED: Mapping[str, str] = {
    NO_TOKEN: UNAUTHENTICATED,
    ANOTHER_TOKEN: UNAUTHENTICATED,
    HANDSHAKE: SHOWN,
    PLAIN_TEXT: UNAVAILABLE,
    NO_CERTIFICATE: UNAVAILABLE,
    ANOTHERS_CERTIFICATE: UNAVAILABLE,
}


def strangers_of(scenario: Scenario) -> tuple[str, ...]:
    """Return the strangers that the run's settings keep out, after one that only checks whether the trunk uses TLS."""
    trunk = scenario.settings_of("trunk")
    return (
        *((NO_TOKEN, ANOTHER_TOKEN) if trunk.token_file else ()),
        *((HANDSHAKE, PLAIN_TEXT) if trunk.tls_certificate else ()),
        *((NO_CERTIFICATE, ANOTHERS_CERTIFICATE) if trunk.tls_certificate and trunk.tls_ca else ()),
    )
