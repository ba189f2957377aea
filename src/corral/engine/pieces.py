"""What the engine answers with, piece by piece."""

from __future__ import annotations

from dataclasses import dataclass

from corral.core.events import TokenLogprob


@dataclass(frozen=True, slots=True)
class TextPiece:
    """What one token adds to the text. `reasoning`: the engine itself told it from the answer."""

    text: str
    reasoning: bool = False
    logprobs: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A fragment of a tool call: the first of an `index` has id and name, all may add to the arguments."""

    index: int
    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class PrefillProgress:
    """How many of `total` prompt tokens are done, the `cached` ones included."""

    total: int
    cached: int
    processed: int


@dataclass(frozen=True, slots=True)
class Finish:
    """The end. `reason` is `stop` or `length`; `prompt_tokens` includes the `cached_tokens`; seconds.

    Of `guessed_tokens`, which were tried ahead of the answer, `right_tokens` became a part of it.
    """

    reason: str
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    prompt_s: float
    decode_s: float
    stop_word: str = ""
    truncated: bool = False
    guessed_tokens: int = 0
    right_tokens: int = 0


Chunk = TextPiece | ToolCallDelta | PrefillProgress | Finish
