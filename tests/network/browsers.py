"""A browser on a host: names are looked up in a list, and the connection begins there."""

import ssl
from pathlib import Path
from typing import Any

import httpx

from tests.network.namespaces import Namespaces


class _From(httpx.BaseTransport):
    def __init__(
        self, hosts: Namespaces, host: str, names: dict[str, str], inner: httpx.HTTPTransport
    ) -> None:
        self._hosts, self._host, self._names, self._inner = hosts, host, names, inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        name = request.url.host
        onward = httpx.Request(
            request.method,
            request.url.copy_with(host=self._names.get(name, name)),
            headers=request.headers,
            stream=request.stream,
            extensions={"sni_hostname": name, **request.extensions},
        )
        with self._hosts.inside(self._host):
            return self._inner.handle_request(onward)

    def close(self) -> None:
        self._inner.close()


class Browsers:
    def __init__(self, hosts: Namespaces, names: dict[str, str], authority: Path) -> None:
        self._hosts, self._names = hosts, names
        self._trust = ssl.create_default_context(cafile=str(authority))

    def new(self, host: str, url: str, *, local_address: str | None = None, **options: Any
    ) -> httpx.Client:  # fmt: skip
        """A browser on that host, from that address of it if it has several."""
        inner = httpx.HTTPTransport(verify=self._trust, local_address=local_address)
        transport = _From(self._hosts, host, self._names, inner)
        return httpx.Client(base_url=url, transport=transport, timeout=10, **options)
