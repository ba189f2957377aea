"""SHA-256 whose state can be put on disk, so that a download which was killed goes on hashing where it was.

`hashlib` cannot give its state away. The library under it can: `SHA256_CTX` of OpenSSL is a plain structure
whose form has not changed since version 0.9. Python's own `_hashlib` is linked to it, and through that module
its functions are found. Where they are not (Python built with another library), `hashlib` does the
work, and what was hashed before an interruption is read once more.
"""

from __future__ import annotations

import ctypes
import hashlib
from functools import cache
from typing import Protocol

STATE_SIZE = 112  # sizeof(SHA256_CTX): h[8], Nl, Nh, data[16], num, md_len; all 32 bits
_DIGEST_SIZE = 32


class Sha256(Protocol):
    """A digest that grows."""

    def update(self, data: bytearray, length: int) -> None:
        """Add the first `length` bytes of `data`; other threads run meanwhile."""

    def hexdigest(self) -> str:
        """The digest of all so far; more may follow."""

    def state(self) -> bytes | None:
        """What `sha256(state)` continues from; None where there is no such thing."""


def sha256(state: bytes | None = None) -> Sha256 | None:
    """A new digest, or one that continues from `state`; None when this machine cannot continue it."""
    library = _openssl()
    if library is not None and (state is None or len(state) == STATE_SIZE):
        return _OpenSSL(library, state)
    return _Hashlib() if state is None else None


class _OpenSSL:
    def __init__(self, library: ctypes.CDLL, state: bytes | None) -> None:
        self._library = library
        self._context = ctypes.create_string_buffer(STATE_SIZE)
        if state is None:
            library.SHA256_Init(self._context)
        else:
            self._context.raw = state

    def update(self, data: bytearray, length: int) -> None:
        self._library.SHA256_Update(
            self._context, (ctypes.c_char * length).from_buffer(data), ctypes.c_size_t(length)
        )

    def hexdigest(self) -> str:
        found = ctypes.create_string_buffer(_DIGEST_SIZE)
        copy = ctypes.create_string_buffer(self._context.raw, STATE_SIZE)
        self._library.SHA256_Final(found, copy)
        return found.raw.hex()

    def state(self) -> bytes | None:
        return self._context.raw


class _Hashlib:
    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def update(self, data: bytearray, length: int) -> None:
        with memoryview(data) as view:
            self._hash.update(view[:length])

    def hexdigest(self) -> str:
        return self._hash.hexdigest()

    def state(self) -> bytes | None:
        return None


@cache
def _openssl() -> ctypes.CDLL | None:
    """The library, once it has hashed a text in two pieces as `hashlib` does; None where there is none."""
    try:
        import _hashlib  # a part of CPython, but not of every Python

        library = ctypes.CDLL(_hashlib.__file__)
        first = _OpenSSL(library, None)
        first.update(bytearray(b"a" * 100), 100)
        second = _OpenSSL(library, first.state())
        second.update(bytearray(b"b" * 100), 100)
    except (ImportError, AttributeError, OSError):
        return None
    right = hashlib.sha256(b"a" * 100 + b"b" * 100).hexdigest()
    return library if second.hexdigest() == right else None
