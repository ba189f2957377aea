"""What this machine knows of registries, put together anew for each operation: users sign in meanwhile."""

from __future__ import annotations

from corral.registry import HUGGING_FACE_NAMES, Credentials, Hosts, KeyPair, Login
from corral.settings import Settings


def read_hosts(settings: Settings) -> Hosts:
    """Configuration, logins and key. Reads files. Raises StorageError."""
    logins = Credentials(settings.home).read()
    if settings.hf_token:
        logins = {host: Login(token=settings.hf_token) for host in HUGGING_FACE_NAMES} | logins
    return Hosts(settings=settings.registries, logins=logins, key=KeyPair.load(settings.identity))
