"""Where a registry may send us: redirects, and the addresses that a name stands for.

A registry is named by the user and may be anywhere, also on this machine. What it redirects to is its
choice: only https or its own host, and never a machine of the private network, unless the user's
configuration trusts that host. The address is checked on the connection itself, so a name that changes its
meaning between check and use gains nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.request import getproxies, proxy_bypass

import httpx

from corral.core.addresses import is_public
from corral.registry.failures import Suspect

MAX_REDIRECTS = 10
REDIRECTS = frozenset({301, 302, 303, 307, 308})

Trace = Callable[[str, Mapping[str, Any]], Awaitable[None]]


def origin(url: httpx.URL) -> tuple[str, str]:
    """Scheme, and host with port where one is given: what a credential belongs to."""
    return url.scheme, url.netloc.decode()


def joined(url: httpx.URL, location: str) -> httpx.URL:
    """Where an answer from `url` sends us. Raises Suspect when that is no address."""
    try:
        return url.join(location)
    except httpx.InvalidURL as error:
        raise Suspect(f"the registry sent us to no address: {location[:200]!r}") from error


def proxy_of(url: httpx.URL) -> str:
    """The proxy of the environment that serves `url`; empty for a direct connection."""
    proxies = getproxies()
    found = proxies.get(url.scheme) or proxies.get("all") or ""
    return "" if not found or proxy_bypass(url.host) else found


@dataclass(frozen=True, slots=True)
class Border:
    """What one registry may do. `trusted` are the hosts, some with a port, that it may send us to."""

    home: httpx.URL
    trusted: frozenset[str] = frozenset()

    def trusts(self, url: httpx.URL) -> bool:
        return url.host in self.trusted or url.netloc.decode() in self.trusted

    def how_to_trust(self, url: httpx.URL) -> str:
        """For hints."""
        home = self.home.netloc.decode()
        return f'trust = ["{url.netloc.decode()}"] in [registries."{home}"] of config.toml'

    def check_redirect(self, source: httpx.URL, target: httpx.URL) -> None:
        """Raises Suspect unless `target` is https, trusted, or on the host of `source`."""
        if target.scheme == "https":
            return
        is_near = target.host == source.host or self.trusts(target)
        if is_near and target.scheme == source.scheme == "http":
            return
        raise Suspect(f"refused to follow a redirect from {source.host} to {target.scheme}://{target.host}")

    def check_address(self, url: httpx.URL, address: str) -> None:
        """Raises Suspect when a connection to `url`, at `address`, leads into a private network."""
        if url.host == self.home.host or self.trusts(url) or is_public(address):
            return
        raise Suspect(
            f"refused to follow a redirect to {url.host}: a private address",
            hint="to allow it: " + self.how_to_trust(url),
        )

    def trace(self, url: httpx.URL) -> Trace | None:
        """The check of httpx's connection to `url`; None where none is needed."""
        # With a proxy the connection goes to the proxy, which the user chose.
        if url.host == self.home.host or self.trusts(url) or proxy_of(url):
            return None

        async def check(event: str, info: Mapping[str, Any]) -> None:
            if event != "connection.connect_tcp.complete":
                return
            stream = info["return_value"]
            address = stream.get_extra_info("server_addr")
            try:
                self.check_address(url, address[0] if address else "")
            except Suspect:
                await stream.aclose()
                raise

        return check
