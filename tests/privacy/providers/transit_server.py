"""The contract of a transit engine, served on loopback: it really encrypts, and forgets for real.

Shapes, statuses and words of errors are those of OpenBao 2.7 (openbao.org/api-docs/secret/transit);
the same tests run against a real server, see servers.py.
"""

import base64
import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

Answer = tuple[int, dict[str, Any] | None]


class Key:
    def __init__(self, fields: dict[str, Any]) -> None:
        self.type = fields.get("type", "aes256-gcm96")
        self.is_exportable = bool(fields.get("exportable", False))
        self.is_deletable = False
        self.versions = [os.urandom(32)]
        self.made_at = int(time.time())

    def shown(self, name: str) -> dict[str, Any]:
        return {
            "name": name,
            "type": self.type,
            "allow_plaintext_backup": False,
            "deletion_allowed": self.is_deletable,
            "derived": False,
            "exportable": self.is_exportable,
            "keys": {str(n): self.made_at for n in range(1, len(self.versions) + 1)},
            "latest_version": len(self.versions),
            "min_decryption_version": 1,
            "min_encryption_version": 0,
            "supports_encryption": True,
            "supports_decryption": True,
        }


class TransitServer:
    """A key server in this process; `token` lets in, `is_sealed` closes it."""

    def __init__(self, *, mount: str, token: str) -> None:
        self.mount, self.token = mount, token
        self.is_sealed = False
        self.delay_seconds = 0.0
        self.keys: dict[str, Key] = {}
        self.requests: list[str] = []
        self._lock = threading.Lock()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # head and body go apart: without it each waits 40 ms

            def answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length) or b"{}")
                time.sleep(owner.delay_seconds)
                token = self.headers.get("X-Vault-Token", "")
                status, content = owner.asked(self.command, self.path, token, body)
                data = b"" if content is None else json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_DELETE = do_LIST = answer

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing on the screen."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    # --- the contract -------------------------------------------------------------------

    def asked(self, method: str, path: str, token: str, body: dict[str, Any]) -> Answer:
        with self._lock:
            self.requests.append(f"{method} {path}")
            if self.is_sealed:
                return 503, {"errors": ["Vault is sealed"]}
            if token != self.token:
                return 403, {"errors": ["permission denied"]}
            if path.startswith("/v1/auth/token/"):
                return self._own_token(path.removeprefix("/v1/auth/token/"))
            if not path.startswith(f"/v1/{self.mount}/"):
                return 404, {"errors": ["no handler for route. route entry not found."]}
            verb, _, rest = path.removeprefix(f"/v1/{self.mount}/").partition("/")
            name, _, part = rest.partition("/")
            if verb == "keys":
                return self._keys(method, name, part, body)
            if verb not in {"encrypt", "decrypt"}:
                return 404, {"errors": []}
            if name not in self.keys:
                return 400, {"errors": ["encryption key not found"]}
            return self._encrypt(name, body) if verb == "encrypt" else self._decrypt(name, body)

    def _own_token(self, verb: str) -> Answer:
        if verb == "lookup-self":
            return 200, {"data": {"ttl": 86_400, "renewable": True}, "auth": None}
        return 200, {"data": None, "auth": {"lease_duration": 86_400, "renewable": True}}

    def _keys(self, method: str, name: str, part: str, body: dict[str, Any]) -> Answer:
        key = self.keys.get(name)
        if method in {"POST", "PUT"} and not part:
            key = self.keys.setdefault(name, Key(body))
            return 200, {"data": key.shown(name)}
        if part == "config":
            if key is None:
                return 400, {"errors": [f"no existing key named {name} could be found"]}
            key.is_deletable = bool(body.get("deletion_allowed", key.is_deletable))
            return 200, {"data": key.shown(name)}
        if part == "rotate" and key is not None:
            key.versions.append(os.urandom(32))
            return 200, {"data": key.shown(name)}
        if method == "DELETE":
            return self._delete(name, key)
        return (404, {"errors": []}) if key is None else (200, {"data": key.shown(name)})

    def _delete(self, name: str, key: Key | None) -> Answer:
        if key is None:
            said = f"error deleting policy {name}: could not delete key; not found"
            return 400, {"errors": [said]}
        if not key.is_deletable:
            said = f"error deleting policy {name}: deletion is not allowed for this key"
            return 400, {"errors": [said]}
        del self.keys[name]
        return 204, None

    def _encrypt(self, name: str, body: dict[str, Any]) -> Answer:
        versions = self.keys[name].versions
        nonce = os.urandom(12)
        plaintext = base64.b64decode(body["plaintext"])
        context = base64.b64decode(body.get("associated_data", ""))
        sealed = nonce + AESGCM(versions[-1]).encrypt(nonce, plaintext, context)
        text = f"vault:v{len(versions)}:{base64.b64encode(sealed).decode()}"
        return 200, {"data": {"ciphertext": text, "key_version": len(versions)}}

    def _decrypt(self, name: str, body: dict[str, Any]) -> Answer:
        versions = self.keys[name].versions
        head, _, text = str(body["ciphertext"]).rpartition(":")
        if not head.startswith("vault:v"):
            return 400, {"errors": ["invalid ciphertext: no prefix"]}
        version = int(head.removeprefix("vault:v"))
        if version > len(versions):
            return 400, {"errors": ["invalid ciphertext: version is too new"]}
        context = base64.b64decode(body.get("associated_data", ""))
        try:
            sealed = base64.b64decode(text)
            opened = AESGCM(versions[version - 1]).decrypt(sealed[:12], sealed[12:], context)
        except (InvalidTag, ValueError):
            return 400, {"errors": ["cipher: message authentication failed"]}
        return 200, {"data": {"plaintext": base64.b64encode(opened).decode()}}
