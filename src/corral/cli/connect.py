"""Opening a connection to the server: plain or TLS, directly or through the proxy of the environment."""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from corral.cli.http import BadAnswer, Connection
from corral.settings import Address

if TYPE_CHECKING:
    import ssl

_CONNECT_S = 30.0


def connect(address: Address, path: str) -> tuple[Connection, str]:
    """An open connection, and the request target for `path` on it. Raises OSError.

    After the connection stands there is no time limit: a model may think for as long as it needs.
    """
    host = client_host(address.host)
    proxy = None if is_local(host) else _proxy(address)
    tls = _tls(address) if address.scheme == "https" else None
    target = path
    if proxy is None:
        connection = Connection(host, address.port, tls=tls, timeout_s=_CONNECT_S)
    else:
        connection = Connection(proxy.host, proxy.port, timeout_s=_CONNECT_S)
        if tls is None:
            target = f"http://{address.netloc}{path}"
        else:
            _open_tunnel(connection, address, proxy, tls)
    connection.socket.settimeout(None)
    return connection, target


def client_host(host: str) -> str:
    """Where a client finds a server that listens on `host`: all interfaces means this machine."""
    return {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)


def is_local(host: str) -> bool:
    """Whether `host` is this machine, by its loopback name or address."""
    return host == "localhost" or host == "::1" or host.startswith("127.")


def _tls(address: Address) -> ssl.SSLContext:
    import ssl  # most servers are on this machine, and speak in the clear

    context = ssl.create_default_context()
    if address.trusted is not None:
        context.load_verify_locations(address.trusted)
    return context


def _open_tunnel(connection: Connection, address: Address, proxy: _Proxy, tls: ssl.SSLContext) -> None:
    """Have the proxy connect us with the server, then speak TLS with that."""
    connection.request("CONNECT", address.netloc, None, {"Host": address.netloc, **proxy.headers})
    answer = connection.answer("HEAD")  # what follows is the server's, no body
    if answer.status != 200:
        connection.close()
        raise BadAnswer(f"the proxy refuses: {answer.status} {answer.reason}")
    connection.start_tls(tls, address.host)


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
