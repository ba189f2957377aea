"""A key as it is stored, and a new one with its secret."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from corral.errors import InvalidInput
from corral.keys.limits import Limit, read_duration
from corral.keys.scopes import Scope, read_scopes

PREFIX = "corral-"
DEFAULT_SCOPES: tuple[Scope, ...] = ("infer", "read")
_HINT_LENGTH = len(PREFIX) + 5
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_MAX_CONCURRENCY = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """`rate` and `tokens` None, `concurrency` 0: no limit. Times are seconds since the epoch."""

    id: int = 0
    name: str
    hint: str
    scopes: frozenset[Scope]
    rate: Limit | None = None
    tokens: Limit | None = None
    concurrency: int = 0
    created_at: float
    expires_at: float | None = None
    revoked_at: float | None = None

    def holds(self, now: float) -> bool:
        """Whether it opens anything: neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that is about to be stored; nothing but this value knows the secret."""

    key: Key
    secret: str


def read_new_key(
    name: str,
    now: float,
    *,
    scopes: Iterable[str] = (),
    rate: str = "",
    tokens: str = "",
    concurrency: int = 0,
    expires: str = "",
) -> NewKey:
    """A key of what somebody asked for; empty values mean the default. Raises InvalidInput."""
    if not _NAME.fullmatch(name):
        raise InvalidInput(f'"{name}" is no name for a key: use letters, digits and . _ @ -, at most 64')
    if not 0 <= concurrency <= _MAX_CONCURRENCY:
        raise InvalidInput(f"the concurrency of a key is between 1 and {_MAX_CONCURRENCY}")
    secret = PREFIX + secrets.token_urlsafe(32)
    key = Key(
        name=name,
        hint=secret[:_HINT_LENGTH],
        scopes=read_scopes(scopes) or frozenset(DEFAULT_SCOPES),
        rate=Limit.parse(rate) if rate else None,
        tokens=Limit.parse(tokens) if tokens else None,
        concurrency=concurrency,
        created_at=now,
        expires_at=now + read_duration(expires) if expires else None,
    )
    return NewKey(key, secret)


def digest_of(secret: str) -> str:
    """What is stored of a secret: 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()
