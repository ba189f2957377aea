"""Digests: `sha256:` and 64 hex digits, the only kind of name a blob has."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from corral.errors import InvalidInput

_PATTERN = re.compile(r"sha256[:-]([0-9a-fA-F]{64})")


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """A SHA-256 digest; `hex` is lower case, so equal bytes always have equal digests."""

    hex: str

    @classmethod
    def parse(cls, text: str) -> Digest:
        """Accepts `sha256:` and the file form `sha256-`. Raises InvalidInput on anything else."""
        found = _PATTERN.fullmatch(text)
        if not found:
            raise InvalidInput("invalid digest format")
        return cls(found[1].lower())

    @classmethod
    def is_valid(cls, text: str) -> bool:
        return _PATTERN.fullmatch(text) is not None

    @classmethod
    def of(cls, data: bytes) -> Digest:
        return cls(hashlib.sha256(data).hexdigest())

    @property
    def file_name(self) -> str:
        return f"sha256-{self.hex}"

    @property
    def short(self) -> str:
        """The first 12 hex digits, as shown to people."""
        return self.hex[:12]

    def __str__(self) -> str:
        return f"sha256:{self.hex}"
