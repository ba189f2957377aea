"""Registries as the user has configured them: addresses, mirrors, certificates, and what each may be shown.

In comes the table `registries` of the configuration as plain values, by host; out come the endpoints at which
the models of a host can be asked for, in order. Source: registry.md section 14.
"""

from __future__ import annotations

import base64
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import httpx

from corral.core.names import DEFAULT_HOST
from corral.errors import InvalidInput, RegistryError
from corral.registry.auth import KeyPair
from corral.registry.guard import Border
from corral.settings import RegistrySettings

# One site under two names; the API and the files are at the longer.
HUGGING_FACE = "huggingface.co"
HUGGING_FACE_NAMES = frozenset({"hf.co", HUGGING_FACE})


@dataclass(frozen=True, slots=True)
class Login:
    """What a host knows the user by: a name and a password, or a token alone."""

    username: str = ""
    password: str = ""
    token: str = ""

    @property
    def basic(self) -> str:
        """The value of an Authorization header."""
        return f"Basic {base64.b64encode(f'{self.username}:{self.password}'.encode()).decode()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One address of a registry, and what may be shown to it and to nobody else.

    `of_host` is set for a mirror: the host whose models it is asked for.
    """

    base: httpx.URL
    key: KeyPair | None = None
    login: Login | None = None
    ca: str = ""
    trust: frozenset[str] = frozenset()
    of_host: str = ""

    @property
    def border(self) -> Border:
        return Border(self.base, self.trust)

    @property
    def tls(self) -> ssl.SSLContext:
        """The certificates to trust. Raises RegistryError when `ca` cannot be read."""
        return _tls(self.ca)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosts:
    """All that is known of registries: configuration, logins, and the key of this machine's user."""

    settings: Mapping[str, RegistrySettings] = field(default_factory=dict)
    logins: Mapping[str, Login] = field(default_factory=dict)
    key: KeyPair | None = None

    def endpoints(self, host: str, *, insecure: bool = False) -> list[Endpoint]:
        """Where to read models of `host`: its mirror, where it has one, then the host itself."""
        mirror = self._settings(host).mirror
        own = self.endpoint(host, insecure=insecure)
        return [self._mirror(mirror, host), own] if mirror else [own]

    def endpoint(self, host: str, *, insecure: bool = False) -> Endpoint:
        """The host itself, which is also where to write."""
        found = self._settings(host)
        scheme = "http" if insecure or found.insecure else "https"
        name = HUGGING_FACE if host in HUGGING_FACE_NAMES else host
        return self._endpoint(httpx.URL(f"{scheme}://{name}"), host)

    def _mirror(self, address: str, host: str) -> Endpoint:
        try:
            base = httpx.URL(address if "://" in address else f"https://{address}")
        except httpx.InvalidURL as error:
            raise InvalidInput(f'the mirror "{address}" of {host} is no address: {error}') from error
        return self._endpoint(base, base.netloc.decode(), of_host=host)

    def _endpoint(self, base: httpx.URL, host: str, *, of_host: str = "") -> Endpoint:
        found = self._settings(host)
        return Endpoint(
            base=base,
            key=self.key,
            login=self.logins.get(host.lower()) or (Login(**found.auth) if found.auth else None),
            ca=found.ca,
            trust=frozenset(found.trust),
            of_host=of_host if of_host != DEFAULT_HOST else "",
        )

    def _settings(self, host: str) -> RegistrySettings:
        return self.settings.get(host.lower(), RegistrySettings())


@lru_cache(maxsize=16)
def _tls(ca: str) -> ssl.SSLContext:
    context = httpx.create_ssl_context()
    if ca:
        try:
            context.load_verify_locations(cafile=ca)
        except (OSError, ssl.SSLError) as error:
            raise RegistryError(f"cannot read the certificates in {ca}: {error}") from error
    return context
