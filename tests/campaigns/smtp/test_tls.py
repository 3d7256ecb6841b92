"""TLS to the relay: an authority of our own, both ways to begin, and what is refused."""

import ipaddress
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from campaigns.smtp.addresses import RelayAddress
from campaigns.smtp.outcomes import Accepted, Ready, RelayUnavailable
from campaigns.smtp.session import RelaySession
from tests.campaigns.smtp.relay import Script, ScriptedController

MAIL = ("bounce+x@example.org", "ann@example.net")
_PLAIN = serialization.NoEncryption()


def _certificate(
    name: str, *, issuer: x509.Name, signer: ec.EllipticCurvePrivateKey,
    key: ec.EllipticCurvePublicKey,
    is_authority: bool = False, address: str = "", days: int = 1,
) -> x509.Certificate:  # fmt: skip
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=3))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    if address:
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(signer, hashes.SHA256())


class Authority:
    """Vouches for relays; its own certificate is the file that `ca=` names."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.key = folder, ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        own = _certificate(
            name, issuer=self.name, signer=self.key, key=self.key.public_key(), is_authority=True
        )
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(own.public_bytes(serialization.Encoding.PEM))

    def relay(self, *, address: str = "127.0.0.1", days: int = 1) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = _certificate(
            "relay", issuer=self.name, signer=self.key, key=key.public_key(),
            address=address, days=days,
        )  # fmt: skip
        path = self.folder / "relay.pem"
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, _PLAIN
        )
        path.write_bytes(leaf.public_bytes(serialization.Encoding.PEM) + secret)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "ours")


@contextmanager
def served(
    script: Script, *, implicit: ssl.SSLContext | None = None, upgrade: ssl.SSLContext | None = None
) -> Iterator[int]:
    controller = ScriptedController(script, ssl_context=implicit, tls_context=upgrade)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


def _sends(url: str) -> None:
    with RelaySession(RelayAddress.parse(url)) as session:
        assert session.open_message(*MAIL) == Ready()
        assert isinstance(session.send_body(b"one\r\n"), Accepted)


def _is_refused(url: str) -> None:
    with pytest.raises(RelayUnavailable):
        RelaySession(RelayAddress.parse(url))


def test_tls_from_the_first_byte_with_an_authority_of_our_own(authority: Authority) -> None:
    script = Script()
    with served(script, implicit=authority.relay()) as port:
        _sends(f"smtps://127.0.0.1:{port}?timeout=5&ca={authority.file}")
    assert script.bodies == [b"one\r\n"]


def test_starttls_with_an_authority_of_our_own(authority: Authority) -> None:
    script = Script()
    with served(script, upgrade=authority.relay()) as port:
        _sends(f"smtp://127.0.0.1:{port}?timeout=5&starttls=required&ca={authority.file}")
    assert script.bodies == [b"one\r\n"]


def test_tls_is_required_unless_the_relay_is_on_this_machine() -> None:
    assert RelayAddress.parse("smtp://mail.example.org").security == "starttls"
    assert RelayAddress.parse("smtps://mail.example.org").security == "tls"
    assert RelayAddress.parse("smtp://127.0.0.1").security == "none"


def test_a_relay_that_offers_no_starttls_gets_no_mail(authority: Authority) -> None:
    script = Script()
    with served(script) as port:
        _is_refused(f"smtp://127.0.0.1:{port}?timeout=5&starttls=required&ca={authority.file}")
    assert script.options == []


def test_another_authority_another_name_and_an_expired_certificate_are_refused(
    authority: Authority, tmp_path: Path
) -> None:
    other = Authority(tmp_path, "other")
    for context, trusted in [
        (authority.relay(), other.file),
        (authority.relay(address="127.0.0.2"), authority.file),
        (authority.relay(days=-1), authority.file),
    ]:
        script = Script()
        with served(script, implicit=context) as port:
            _is_refused(f"smtps://127.0.0.1:{port}?timeout=5&ca={trusted}")
        assert script.options == []


def test_the_system_does_not_vouch_for_an_authority_nobody_knows(authority: Authority) -> None:
    with served(Script(), implicit=authority.relay()) as port:
        _is_refused(f"smtps://127.0.0.1:{port}?timeout=5")
