"""A real IMAP server (Dovecot) on a loopback port, with TLS and one mailbox."""

import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from imapclient import IMAPClient

from campaigns.returns.mailbox import Mailbox
from tests.campaigns.returns.door import free_port
from tests.needs import find_dovecot

PASSWORD = "only-for-tests"
CONFIGURATION = """
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/log
protocols = imap
listen = 127.0.0.1
ssl = required
ssl_cert = <{home}/certificate.pem
ssl_key = <{home}/key.pem
mail_location = maildir:{home}/mail/%u
first_valid_uid = 1
default_internal_user = {internal}
default_internal_group = {internal_group}
default_login_user = {login}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={home}/mail/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {port}
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""


@dataclass
class Server:
    """A running server; `url` is as in the settings."""

    port: int
    home: Path

    @property
    def url(self) -> str:
        ca = self.home / "certificate.pem"
        return f"imaps://returns:{PASSWORD}@127.0.0.1:{self.port}/INBOX?ca={ca}"

    @contextmanager
    def client(self) -> Iterator[IMAPClient]:
        import ssl

        context = ssl.create_default_context(cafile=str(self.home / "certificate.pem"))
        client = IMAPClient("127.0.0.1", port=self.port, ssl_context=context, timeout=10)
        try:
            client.login("returns", PASSWORD)
            yield client
        finally:
            client.shutdown()

    def put(self, *messages: bytes) -> None:
        with self.client() as client:
            for message in messages:
                client.append("INBOX", message)

    def count(self, folder: str = "INBOX") -> int:
        with self.client() as client:
            return int(client.folder_status(folder, ["MESSAGES"])[b"MESSAGES"])

    @property
    def mailbox(self) -> Mailbox:
        return Mailbox.parse(self.url)


def _certificate(home: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a mailbox of tests")])
    now = datetime.now(UTC)
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(alternative, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (home / "certificate.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (home / "key.pem").write_bytes(private)


def _users() -> dict[str, object]:
    """As root the users that Debian made for it, otherwise ourselves."""
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        return {
            "internal": "dovecot", "internal_group": "dovecot", "login": "dovenull",
            "uid": nobody.pw_uid, "gid": nobody.pw_gid,
        }  # fmt: skip
    me = pwd.getpwuid(os.geteuid())
    return {
        "internal": me.pw_name, "internal_group": me.pw_gid, "login": me.pw_name,
        "uid": me.pw_uid, "gid": me.pw_gid,
    }  # fmt: skip


@contextmanager
def running(home: Path) -> Iterator[Server]:
    """Start Dovecot in a folder of its own, and stop it."""
    program = find_dovecot()
    assert program is not None
    for folder in (home, *home.parents):
        if folder.stat().st_uid == os.geteuid() and str(folder).startswith("/tmp/"):
            folder.chmod(folder.stat().st_mode | 0o011)
    port, users = free_port(), _users()
    (home / "mail").mkdir()
    shutil.chown(home / "mail", int(str(users["uid"])), int(str(users["gid"])))
    _certificate(home)
    words = {"home": home, "port": port, "password": PASSWORD, **users}
    configuration = home / "dovecot.conf"
    configuration.write_text(CONFIGURATION.format(**words), encoding="utf-8")
    process = subprocess.Popen([program, "-F", "-c", str(configuration)])
    server = Server(port, home)
    try:
        deadline = time.monotonic() + 20
        while not _answers(server):
            log = home / "log"
            assert process.poll() is None, log.exists() and log.read_text()
            assert time.monotonic() < deadline, log.exists() and log.read_text()
            time.sleep(0.05)
        yield server
    finally:
        process.terminate()
        process.wait()


def _answers(server: Server) -> bool:
    try:
        with server.client() as client:
            client.noop()
    except OSError:
        return False
    return True
