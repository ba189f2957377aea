"""Which slot of a child a prompt goes to. Pure.

A slot whose prompt goes on is taken again. A prompt that only begins like another one takes a slot of its own
where there is one: else two conversations with the same beginning would push each other out, turn by turn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from corral.cache.prefix import BLOCK_TOKENS, Blocks, Prefix, Realm, num_common


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a slot holds: a prompt known by its blocks, and the answer, `num_tokens` together.

    `is_exact`: the engine itself has told `num_tokens`. `used_at` counts up from use to use. Not `storable`:
    its tokens are not what the blocks say, or no tokens.
    """

    realm: Realm
    blocks: Blocks = ()
    num_tokens: int = 0
    is_exact: bool = False
    storable: bool = False
    used_at: int = 0


@dataclass(frozen=True, slots=True)
class Choice:
    """A slot, and how many tokens of the prompt it has already.

    `loses`: it holds tokens of another prompt that are worth keeping. `source` is another slot that has
    more of the prompt, but would lose such tokens.
    """

    slot: int
    num_common: int = 0
    loses: bool = False
    source: int | None = None


def choose(free: Mapping[int, Content | None], prefix: Prefix, token_s: float, least_s: float) -> Choice:
    """The slot of `free` for this prompt; contents are None where a slot is empty.

    A rest of another prompt that takes less than `least_s` to compute, each token `token_s`, may be lost.
    """
    shares = {slot: _share(content, prefix) for slot, content in free.items()}
    rests = {slot: _rest(content, shares[slot]) for slot, content in free.items()}
    best = max(free, key=lambda slot: (shares[slot], -rests[slot], -slot))
    if shares[best] and rests[best] * token_s < least_s:
        return Choice(best, shares[best] * BLOCK_TOKENS)
    oldest = min(free, key=lambda slot: _age(slot, free[slot]))
    source = best if shares[best] > shares[oldest] else None
    loses = rests[oldest] * token_s >= least_s
    return Choice(oldest, shares[oldest] * BLOCK_TOKENS, loses, source)


def engine_goes_on(content: Content | None, num_common: int) -> bool:
    """Whether the engine goes on in a slot without a look at the prompts that it keeps in memory.

    It looks where less than half of the slot's tokens go on; `num_common` is how many do for certain.
    """
    return content is None or (content.is_exact and 2 * num_common > content.num_tokens)


def _share(content: Content | None, prefix: Prefix) -> int:
    """Blocks in common; those of another realm must never be used."""
    if content is None or content.realm != prefix.realm:
        return 0
    return num_common(content.blocks, prefix.blocks)


def _rest(content: Content | None, share: int) -> int:
    """The tokens of a slot's prompt after those that it has in common."""
    return BLOCK_TOKENS * (len(content.blocks) - share) if content is not None else 0


def _age(slot: int, content: Content | None) -> tuple[int, int]:
    return (content.used_at if content is not None else -1, slot)
