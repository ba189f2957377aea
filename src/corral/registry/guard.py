"""Where a registry may send us: redirects, and the addresses that a name stands for.

A registry is named by the user and may be anywhere, also on this machine. What it redirects to is its
choice: only https or its own host, and never a machine of the private network. The address is checked on
the connection itself, so a name that changes its meaning between check and use gains nothing.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.request import getproxies, proxy_bypass

import httpx

from corral.errors import RegistryError

Trace = Callable[[str, Mapping[str, Any]], Awaitable[None]]


def origin(url: httpx.URL) -> tuple[str, str]:
    """Host (with port, where one is given) and scheme: what a credential belongs to."""
    return url.scheme, url.netloc.decode()


def check_redirect(source: httpx.URL, target: httpx.URL) -> None:
    """Raises RegistryError unless `target` is https or on the host of `source`."""
    if target.scheme == "https":
        return
    if target.scheme == "http" and source.scheme == "http" and target.host == source.host:
        return
    raise RegistryError(f"refused to follow a redirect from {source.host} to {target.scheme}://{target.host}")


def trace_for(url: httpx.URL, home: httpx.URL) -> Trace | None:
    """The check of a connection to `url` on behalf of the registry `home`; None where none is needed."""
    if url.host == home.host or _uses_proxy(url):
        return None

    async def check(event: str, info: Mapping[str, Any]) -> None:
        if event != "connection.connect_tcp.complete":
            return
        stream = info["return_value"]
        address = stream.get_extra_info("server_addr")
        if address and not _is_public(address[0]):
            await stream.aclose()
            raise RegistryError(f"refused to follow a redirect to {url.host}: a private address")

    return check


def _uses_proxy(url: httpx.URL) -> bool:
    # With a proxy the connection goes to the proxy, which the user chose.
    proxies = getproxies()
    return bool(proxies.get(url.scheme) or proxies.get("all")) and not proxy_bypass(url.host)


def _is_public(address: str) -> bool:
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_global
    except ValueError:
        return False
