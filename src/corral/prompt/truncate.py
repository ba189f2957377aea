"""Which messages of a long conversation the model gets to see. Source: http-api.md section 13."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Awaitable, Callable, Sequence

from corral.core.messages import Message

# What one image costs, in tokens, for a model with projector layers.
IMAGE_TOKENS = 768


async def fit(
    messages: Sequence[Message],
    limit: int,
    count: Callable[[Sequence[Message]], Awaitable[int | None]],
    *,
    image_tokens: int = 0,
    native: bool = False,
) -> list[Message]:
    """The longest end of `messages`, with all system messages before it, that needs at most `limit` tokens.

    `count` gives the tokens of the prompt for some messages, None where the template refuses them; each image
    adds `image_tokens` (IMAGE_TOKENS for a model with projectors, else 0). The last message always stays,
    even where it does not fit. In native mode images of system messages count too.
    """
    if len(messages) < 2 or limit <= 0:
        return list(messages)

    total = 0

    async def fits(first: int) -> bool:
        nonlocal total
        kept = candidate(messages, first)
        counted = kept if native else messages[first:]
        images = sum(len(message.images) for message in counted) * image_tokens
        if images > limit:
            return False
        tokens = await count(kept)
        total = total or tokens or 0
        return tokens is not None and tokens + images <= limit

    if await fits(0):
        return list(messages)
    guess = _guess(messages, limit / total if total else 0.0)
    best = len(messages) - 1
    for role in dict.fromkeys(message.role for message in messages[1:-1]):
        places = [at for at in range(1, best) if messages[at].role == role]
        best = await _first(places, fits, guess) or best
    return candidate(messages, best)


def _guess(messages: Sequence[Message], share: float) -> int:
    """The first message of the end that makes up `share` of the whole, by its length as text."""
    lengths = [len(message.content) + len(message.thinking) for message in messages]
    left = share * sum(lengths)
    for at in reversed(range(len(messages))):
        left -= lengths[at]
        if left < 0:
            return at + 1
    return 0


async def _first(places: Sequence[int], fits: Callable[[int], Awaitable[bool]], guess: int) -> int | None:
    """The first of `places` that fits; None where none does.

    It is looked for from `guess` on, in growing steps, then by halving: each look renders a prompt and counts
    its tokens.

    Of conversations that begin with the same role the shorter one never needs more tokens. With different
    roles it may: some templates show the system text only before a user's message, some refuse to begin with
    an answer.
    """
    too_long, best, step = -1, len(places), 1
    at = min(bisect_left(places, guess), len(places) - 1)
    while best - too_long > 1:
        fitting = await fits(places[at])
        too_long, best = (too_long, at) if fitting else (at, best)
        at += -step if fitting else step
        step *= 2
        if not too_long < at < best:
            at = (too_long + best) // 2
    return places[best] if best < len(places) else None


def candidate(messages: Sequence[Message], first: int) -> list[Message]:
    """The messages from `first` on, and the system messages before them."""
    return [message for message in messages[:first] if message.role == "system"] + list(messages[first:])
