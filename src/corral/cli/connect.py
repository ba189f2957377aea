"""Opening a connection to the server: plain or TLS, directly or through the proxy of the environment."""

from __future__ import annotations

import base64
import http.client
import os
from urllib.parse import unquote, urlsplit

from corral.settings import Address

_CONNECT_S = 30.0


def connect(address: Address, path: str) -> tuple[http.client.HTTPConnection, str]:
    """An open connection, and the request target for `path` on it. Raises OSError.

    After the connection stands there is no time limit: a model may think for as long as it needs.
    """
    host = client_host(address.host)
    proxy = None if is_local(host) else _proxy(address)
    secure = address.scheme == "https"
    if proxy is None:
        connection = _new(host, address.port, secure=secure)
    else:
        connection = _new(proxy.host, proxy.port, secure=secure)
        if secure:
            connection.set_tunnel(host, address.port, headers=proxy.headers)
    connection.connect()
    connection.sock.settimeout(None)
    through_proxy = proxy is not None and not secure
    return connection, f"http://{address.netloc}{path}" if through_proxy else path


def client_host(host: str) -> str:
    """Where a client finds a server that listens on `host`: all interfaces means this machine."""
    return {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)


def is_local(host: str) -> bool:
    """Whether `host` is this machine, by its loopback name or address."""
    return host == "localhost" or host == "::1" or host.startswith("127.")


def _new(host: str, port: int, *, secure: bool) -> http.client.HTTPConnection:
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    return kind(host, port, timeout=_CONNECT_S)


class _Proxy:
    def __init__(self, url: str) -> None:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        self.host = parts.hostname or ""
        self.port = parts.port or 80
        self.headers: dict[str, str] = {}
        if parts.username:
            user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            self.headers["Proxy-Authorization"] = f"Basic {base64.b64encode(user.encode()).decode()}"


def _proxy(address: Address) -> _Proxy | None:
    if not any(name.lower().endswith("_proxy") for name in os.environ):
        return None
    # Imported where a proxy is set at all: it is a large module, and most calls go to this machine.
    from urllib.request import getproxies_environment, proxy_bypass

    url = getproxies_environment().get(address.scheme)
    return None if not url or proxy_bypass(address.host) else _Proxy(url)
