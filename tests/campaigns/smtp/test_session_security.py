import dataclasses
import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from campaigns.smtp.outcomes import Accepted, Ready, RelayUnavailable
from campaigns.smtp.session import RelaySession
from tests.campaigns.smtp.relay import Script, relay

MAIL = ("bounce+x@example.org", "ann@example.net")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "relay")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "relay.pem"
    path.write_bytes(
        built.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


def server_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def only_ann(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, who: LoginPassword
) -> AuthResult:
    return AuthResult(success=(who.login, who.password) == (b"ann", b"right"))


def test_starttls_and_a_password_open_a_session(certificate: Path) -> None:
    script = Script()
    with relay(script, tls=server_tls(certificate), authenticator=only_ann) as address:
        secure = dataclasses.replace(
            address, security="starttls", ca_file=str(certificate), username="ann", password="right"
        )
        with RelaySession(secure) as session:
            assert session.open_message(*MAIL) == Ready()
            first = session.send_body_then_open(b"one\r\n", *MAIL)
            assert isinstance(first.outcome, Accepted)
            assert isinstance(session.send_body(b"two\r\n"), Accepted)
    assert script.bodies == [b"one\r\n", b"two\r\n"]


def test_a_wrong_password_is_a_named_error_without_the_password(certificate: Path) -> None:
    with relay(Script(), tls=server_tls(certificate), authenticator=only_ann) as address:
        secure = dataclasses.replace(
            address, security="starttls", ca_file=str(certificate), username="ann", password="wr0ng"
        )
        with pytest.raises(RelayUnavailable) as caught:
            RelaySession(secure)
    assert "wr0ng" not in str(caught.value)


def test_a_certificate_nobody_vouches_for_means_no_session(certificate: Path) -> None:
    with relay(Script(), tls=server_tls(certificate)) as address, pytest.raises(RelayUnavailable):
        RelaySession(dataclasses.replace(address, security="starttls"))
