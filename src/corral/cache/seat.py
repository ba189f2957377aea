"""The child that seats are in, and one request's seat."""

from __future__ import annotations

from dataclasses import dataclass, replace

from corral.cache.prefix import BLOCK_TOKENS, Prefix
from corral.cache.slots import Content
from corral.engine import Chunk, Finish, PrefillProgress

_MEASURED_TOKENS = 32  # from so many on a measurement counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """What seats must know of their child.

    `num_ctx` is the context window of a slot, `token_bytes` the size of the state of one token.
    `memory_tokens` is how many tokens of prompts the engine keeps in memory after their slot went on to
    another one.
    """

    stamp: str = ""
    weights: str = ""
    num_slots: int = 1
    num_ctx: int = 0
    token_bytes: int = 0
    memory_tokens: int = 0
    can_save: bool = False


@dataclass(slots=True)
class Seat:
    """A request's hold on a slot; it notes what the engine tells of the request."""

    slot: int
    prefix: Prefix
    _processed: int = 0
    _finish: Finish | None = None

    def see(self, chunk: Chunk) -> None:
        match chunk:
            case PrefillProgress():
                self._processed = chunk.processed
            case Finish():
                self._finish = chunk

    @property
    def token_s(self) -> float | None:
        """The seconds that a token of the prompt took; None where too few were computed to tell."""
        finish = self._finish
        computed = finish.prompt_tokens - finish.cached_tokens if finish is not None else 0
        return finish.prompt_s / computed if finish is not None and computed >= _MEASURED_TOKENS else None

    def content(self, num_ctx: int, used_at: int) -> Content:
        """What the slot holds now. An answer that outgrew the window has pushed its prompt out."""
        finish, prefix = self._finish, self.prefix
        content = Content(realm=prefix.realm, used_at=used_at)
        if finish is None:
            whole = self._processed // BLOCK_TOKENS
            return replace(content, blocks=prefix.blocks[:whole], num_tokens=self._processed)
        content = replace(content, num_tokens=finish.prompt_tokens + finish.completion_tokens)
        if finish.truncated or content.num_tokens >= num_ctx:
            return content
        return replace(content, blocks=prefix.blocks, is_exact=True, storable=not prefix.has_media)
