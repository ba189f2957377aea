"""What a key may be allowed to do. The scopes do not contain each other: a key has those it was given.

infer   run models: generate, chat, embed, in every dialect
read    see models, what is loaded, metrics
manage  change models: pull, push, create, copy, delete, upload
admin   make, list and revoke keys
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

from corral.errors import InvalidInput

Scope = Literal["infer", "read", "manage", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)


def read_scopes(words: Iterable[str]) -> frozenset[Scope]:
    """Raises InvalidInput for a word that is no scope."""
    found = {word.strip().lower() for word in words} - {""}
    unknown = sorted(found - set(SCOPES))
    if unknown:
        raise InvalidInput(f'unknown scope "{unknown[0]}": the scopes are {", ".join(SCOPES)}')
    return frozenset(scope for scope in SCOPES if scope in found)


def scopes_text(scopes: frozenset[Scope]) -> str:
    """In the order in which they are always written."""
    return ",".join(scope for scope in SCOPES if scope in scopes)
