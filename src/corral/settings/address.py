"""Where the server listens and the client connects."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from corral.settings.warn import warn

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 11434


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server listens and the client connects; an empty host means all interfaces."""

    scheme: str = "http"
    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    path: str = ""
    # A certificate that a client trusts beside those of the system: the one our server made for itself.
    trusted: Path | None = None

    @property
    def netloc(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.netloc}{self.path}"


def parse_address(text: str) -> Address:
    """`[scheme://]host[:port][/path]`; a bad port is reported and replaced by the default.

    Source: cli.md 5.3, the grammar of OLLAMA_HOST.
    """
    address, bad_port = _split_address(text)
    if bad_port:
        warn(f"invalid port, using default: port={bad_port} default={address.port}")
    return address


def strict_address(text: str) -> Address:
    """As `parse_address`, but a bad port is a ValueError."""
    address, bad_port = _split_address(text)
    if bad_port:
        raise ValueError(f"invalid port: {bad_port}")
    return address


def _split_address(text: str) -> tuple[Address, str]:
    """The address, and the text in the place of its port where that is no port."""
    if text == "ollama.com":
        return Address("https", text, 443), ""
    scheme, found, rest = text.partition("://")
    if not found:
        scheme, rest, port = "http", text, DEFAULT_PORT
    else:
        port = {"http": 80, "https": 443}.get(scheme, DEFAULT_PORT)
    netloc, slash, path = rest.partition("/")
    host, port_text = _split_port(netloc)
    is_port = port_text.isdecimal() and int(port_text) <= 65535
    if is_port:
        port = int(port_text)
    if not host and not port_text:
        host = DEFAULT_HOST
    path = f"/{path.rstrip('/')}" if slash and path.strip("/") else ""
    return Address(scheme, host, port, path), "" if is_port else port_text


def _split_port(netloc: str) -> tuple[str, str]:
    bracketed = re.fullmatch(r"\[([^\]]*)\](?::(.*))?", netloc)
    if bracketed:
        return bracketed[1], bracketed[2] or ""
    if netloc.count(":") > 1:  # a bare IPv6 address
        return netloc, ""
    host, _, port = netloc.partition(":")
    return host, port
