"""What a prompt begins with, as a chain of digests: two prompts share as many blocks as their chains."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

BLOCK_TOKENS = 64
_BLOCK_TEXT = 256  # characters, about as many tokens
DIGEST_SIZE = 8

Blocks = tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Realm:
    """Who may use a state: requests of the same owner, with the same strengths of the model's adapters.

    `owner` is the id of an API key; None for requests without one, and for all where states are shared.
    """

    owner: int | None = None
    scales: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Prefix:
    """The prompt of a request. `has_media`: its blocks tell it from others, but it is not saved."""

    realm: Realm = Realm()
    blocks: Blocks = ()
    has_media: bool = False


def token_blocks(tokens: Sequence[int]) -> Blocks:
    """The chain of all whole blocks of `tokens`."""
    whole = len(tokens) - len(tokens) % BLOCK_TOKENS
    starts = range(0, whole, BLOCK_TOKENS)
    return _chain(array("i", tokens[at : at + BLOCK_TOKENS]).tobytes() for at in starts)


def media_blocks(text: str, files: Iterable[bytes]) -> Blocks:
    """The same for a prompt with images or recordings, whose tokens are not known here."""
    seed = b"".join(hashlib.blake2b(file).digest() for file in files)
    starts = range(0, len(text), _BLOCK_TEXT)
    return _chain(seed + text[at : at + _BLOCK_TEXT].encode("utf-8", "surrogatepass") for at in starts)


def num_common(one: Blocks, other: Blocks) -> int:
    """How many blocks both begin with. Each digest stands for all before it, so halving finds it."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[middle - 1] == other[middle - 1] else (low, middle - 1)
    return low


def _chain(parts: Iterable[bytes]) -> Blocks:
    out: list[bytes] = []
    last = b""
    for part in parts:
        last = hashlib.blake2b(last + part, digest_size=DIGEST_SIZE).digest()
        out.append(last)
    return tuple(out)
