"""What an answer consists of, in order of appearance: Text, Thinking and ToolCalls, then one Done.

The `answer` room makes them; every dialect turns each into its own record.
"""

from __future__ import annotations

from dataclasses import dataclass

from corral.core.messages import ToolCall


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """The log-probability of one token; `top` are the likeliest alternatives, best first."""

    token: str
    logprob: float
    top: tuple[TokenLogprob, ...] = ()

    @property
    def data(self) -> bytes:
        """The UTF-8 bytes of the token's text."""
        return self.token.encode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of the answer proper. May be empty when only log-probabilities are to be passed on."""

    text: str
    logprobs: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True, slots=True)
class Thinking:
    """A piece of the reasoning that precedes the answer."""

    text: str
    logprobs: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolCalls:
    """One or more complete calls."""

    calls: tuple[ToolCall, ...]
    logprobs: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """Counts of tokens and seconds. `prompt_tokens` includes those served from the prompt cache.

    Of `guessed_tokens`, which were tried ahead of the answer, `right_tokens` became a part of it.
    """

    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    prompt_s: float = 0.0
    decode_s: float = 0.0
    load_s: float = 0.0
    total_s: float = 0.0
    guessed_tokens: int = 0
    right_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Cut:
    """What the model did not get to see: its prompt may have `limit` tokens.

    `num_messages` are the oldest ones, left out whole; 0 where only the middle of the prompt was cut.
    """

    limit: int
    num_messages: int = 0


@dataclass(frozen=True, slots=True)
class Done:
    """The end of an answer. `reason` is `stop`, `length`, `load` or `unload`.

    `context` is the token list for a continuation, where the request can use one (generate, not raw).
    `calls` are tool calls that were only known at the very end. `cut` is None where the model saw all.
    `broken_off` says, in a sentence, why an answer that had to have a format does not have it; else empty.
    """

    reason: str
    usage: Usage = Usage()
    context: tuple[int, ...] | None = None
    calls: tuple[ToolCall, ...] = ()
    cut: Cut | None = None
    broken_off: str = ""


@dataclass(frozen=True, slots=True)
class Rendered:
    """The whole answer to a request that only wants to see its prompt."""

    prompt: str
    num_images: int


Event = Text | Thinking | ToolCalls | Done | Rendered


@dataclass(frozen=True, slots=True)
class Numbered:
    """An event of one of several answers to the same request; `index` counts the answers from 0."""

    index: int
    event: Event
