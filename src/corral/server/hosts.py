"""Who may speak to the server from a browser: the Host check and CORS. Source: http-api.md section 15."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import psutil

from corral.errors import InvalidInput

_LOCAL_NAMES = ("localhost", "127.0.0.1", "0.0.0.0")
_LOCAL_SUFFIXES = (".localhost", ".local", ".internal")
_APP_ORIGINS = ("app://*", "file://*", "tauri://*", "vscode-webview://*", "vscode-file://*")
_ORIGIN_SCHEMES = (
    "http://",
    "https://",
    "chrome-extension://",
    "safari-extension://",
    "moz-extension://",
    "ms-browser-extension://",
)
METHODS = "GET,POST,PUT,PATCH,DELETE,HEAD,OPTIONS"
_STAINLESS = ("Arch", "Async", "Custom-Poll-Interval", "Helper-Method", "Lang", "Os", "Package-Version")
_STAINLESS_MORE = ("Poll-Helper", "Retry-Count", "Runtime", "Runtime-Version", "Timeout")
_HEADERS = ("Authorization", "Content-Type", "User-Agent", "Accept", "X-Requested-With", "Openai-Beta")
# Headers of Anthropic's library, which the reference forgets: allowed to a page that asks for them.
_ASKED_HEADERS = frozenset(
    {"x-api-key", "anthropic-version", "anthropic-beta", "anthropic-dangerous-direct-browser-access"}
)
_PRIVATE = tuple(
    ipaddress.ip_network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
)
ALLOWED_HEADERS = ",".join((*_HEADERS, *(f"X-Stainless-{word}" for word in (*_STAINLESS, *_STAINLESS_MORE))))


def default_origins() -> tuple[str, ...]:
    local = [
        f"{scheme}://{host}{port}"
        for host in _LOCAL_NAMES
        for scheme in ("http", "https")
        for port in ("", ":*")
    ]
    return (*local, *_APP_ORIGINS)


@dataclass(frozen=True, slots=True)
class Origins:
    """The origins that may read our answers."""

    patterns: tuple[str, ...]

    @classmethod
    def configured(cls, extra: Sequence[str]) -> Origins:
        """`extra` in front of the defaults. Raises InvalidInput for an entry that can match nothing."""
        for entry in extra:
            if entry.count("*") > 1:
                raise InvalidInput("only one * is allowed")
            if "*" not in entry and not entry.startswith(_ORIGIN_SCHEMES):
                schemes = ",".join(_ORIGIN_SCHEMES)
                raise InvalidInput(f"bad origin: origins must contain '*' or include {schemes}")
        kept = (entry if "*" in entry else entry.lower() for entry in extra)
        return cls((*kept, *default_origins()))

    @property
    def all(self) -> bool:
        return "*" in self.patterns

    def allow(self, origin: str) -> bool:
        return any(_matches(pattern, origin) for pattern in self.patterns)


def _matches(pattern: str, origin: str) -> bool:
    head, star, tail = pattern.partition("*")
    if not star:
        return origin == pattern
    return len(origin) >= len(head) + len(tail) and origin.startswith(head) and origin.endswith(tail)


@dataclass(frozen=True, slots=True)
class Cors:
    """What the check of one request says: refuse it, or send these headers with the answer."""

    refused: bool = False
    headers: Mapping[str, str] | None = None


def check_origin(origins: Origins, origin: str, host: str) -> Cors:
    """The simple-request rules of 15.2; `origin` and `host` are header values, empty when absent."""
    if not origin or origin in (f"http://{host}", f"https://{host}"):
        return Cors()
    if origins.all:
        return Cors(headers={"access-control-allow-origin": "*"})
    if not origins.allow(origin):
        return Cors(refused=True)
    return Cors(headers={"access-control-allow-origin": origin, "vary": "Origin"})


def preflight_headers(origins: Origins, origin: str, asked: str) -> list[tuple[str, str]]:
    """The headers of the 204 that answers OPTIONS from an allowed origin (15.3).

    `asked` is the header Access-Control-Request-Headers.
    """
    more = {name.strip().lower() for name in asked.split(",")} & _ASKED_HEADERS
    headers = [
        ("access-control-allow-methods", METHODS),
        ("access-control-allow-headers", ",".join((ALLOWED_HEADERS, *sorted(more)))),
        ("access-control-max-age", "43200"),
        ("access-control-allow-origin", "*" if origins.all else origin),
    ]
    if not origins.all:
        names = ("Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers")
        headers += [("vary", name) for name in names]
    return headers


def host_name(host: str) -> str:
    """The host part of a Host header, without its port and brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0] if host.count(":") <= 1 else host


def allowed_name(host: str) -> bool:
    """Whether a Host header names this machine by a name (15.4)."""
    name = host_name(host).lower()
    return name in ("", "localhost", socket.gethostname().lower()) or name.endswith(_LOCAL_SUFFIXES)


def allowed_host(host: str) -> bool:
    """Whether a Host header may be answered by a server on a loopback address (15.4)."""
    if allowed_name(host):
        return True
    name = host_name(host)
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    if address.is_loopback or address.is_unspecified or any(address in network for network in _PRIVATE):
        return True
    return str(address) in local_addresses()


def is_loopback(host: str) -> bool:
    """Whether a listening address can only be reached from this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def local_addresses() -> set[str]:
    """The IP addresses of this machine's interfaces."""
    return {
        entry.address.partition("%")[0]
        for entries in psutil.net_if_addrs().values()
        for entry in entries
        if entry.family in (socket.AF_INET, socket.AF_INET6)
    }
