"""Who we are to a registry: what it asks for, the ed25519 key pair, and the token that its signature buys.

Source: registry.md section 4.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from corral.errors import StorageError

KEY_FILE = "id_ed25519"
# The signed text ends with the digest of the body, which a token request does not have.
_EMPTY_BODY = base64.b64encode(hashlib.sha256(b"").hexdigest().encode()).decode()
_SCHEME = re.compile(r"(?:^|,)\s*(Bearer|Basic)(?:\s+|$)", re.IGNORECASE)
_PARAMETER = re.compile(r'([A-Za-z]+)="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a registry asks for before it serves us: `WWW-Authenticate: Bearer realm=...`, or `Basic`.

    `realm` is an address for Bearer and empty for Basic.
    """

    realm: str
    service: str = ""
    scope: str = ""

    @classmethod
    def parse(cls, header: str) -> Challenge | None:
        """The best of the ways that `header` offers; None when there is none we know."""
        schemes = {found[1].lower(): header[found.end() :] for found in _SCHEME.finditer(header)}
        if "bearer" in schemes:
            values: dict[str, str] = {}
            for name, value in _PARAMETER.findall(schemes["bearer"]):
                values.setdefault(name.lower(), value)
            if values.get("realm"):
                return cls(values["realm"], values.get("service", ""), values.get("scope", ""))
        elif "basic" in schemes:
            return cls("")
        return None

    def token_url(self, *, now_s: float, nonce: str) -> str:
        """The address of the token request; its query is sorted by key."""
        parts = urlsplit(self.realm)
        query = parse_qsl(parts.query, keep_blank_values=True)
        query += [("service", self.service), *(("scope", scope) for scope in self.scope.split())]
        query += [("ts", str(int(now_s))), ("nonce", nonce)]
        query.sort(key=lambda pair: pair[0])
        return urlunsplit(parts._replace(query=urlencode(query)))


@dataclass(frozen=True, slots=True)
class KeyPair:
    """The key that registries know this user by: an OpenSSH ed25519 key without a passphrase."""

    private: Ed25519PrivateKey

    @classmethod
    def load(cls, folder: Path) -> KeyPair | None:
        """The key in `folder`, None when there is none. Raises StorageError when it cannot be read."""
        path = folder / KEY_FILE
        try:
            key = serialization.load_ssh_private_key(path.read_bytes(), password=None)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise StorageError(f"cannot read the key {path}: {error}") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise StorageError(f"the key {path} is not of type ed25519")
        return cls(key)

    @classmethod
    def load_or_create(cls, folder: Path) -> KeyPair:
        """The key in `folder`; a new pair is written first when there is none. Raises StorageError."""
        found = cls.load(folder)
        if found is not None:
            return found
        pair = cls(Ed25519PrivateKey.generate())
        private = pair.private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.OpenSSH,
            serialization.NoEncryption(),
        )
        try:
            folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(folder / KEY_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(private)
            (folder / f"{KEY_FILE}.pub").write_text(pair.public_line + "\n")
        except FileExistsError:  # another process was quicker
            return cls.load_or_create(folder)
        except OSError as error:
            raise StorageError(f"cannot write the key {folder / KEY_FILE}: {error}") from error
        return pair

    @property
    def public_line(self) -> str:
        """The public key as one line, `ssh-ed25519 AAAA...`."""
        return (
            self.private.public_key()
            .public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
            .decode()
        )

    def sign(self, text: str) -> str:
        """`<public key>:<signature>`, both base64: the form that registries and accounts expect."""
        signature = base64.b64encode(self.private.sign(text.encode())).decode()
        return f"{self.public_line.split()[1]}:{signature}"


def token_address(challenge: Challenge) -> str:
    """The complete address of a token request, made anew each time: it holds the time and a nonce."""
    nonce = base64.urlsafe_b64encode(secrets.token_bytes(16)).rstrip(b"=").decode()
    return challenge.token_url(now_s=time.time(), nonce=nonce)


def signed(url: str, key: KeyPair) -> str:
    """The Authorization header of a token request to `url`."""
    return key.sign(f"GET,{url},{_EMPTY_BODY}")
