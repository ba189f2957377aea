"""Which messages of a long conversation the model gets to see. Source: http-api.md section 13."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from corral.core.messages import Message

# What one image costs, in tokens, for a model with projector layers.
IMAGE_TOKENS = 768


async def fit(
    messages: Sequence[Message],
    limit: int,
    count: Callable[[Sequence[Message]], Awaitable[int]],
    *,
    image_tokens: int = 0,
    native: bool = False,
) -> list[Message]:
    """The longest end of `messages`, with all system messages before it, that needs at most `limit` tokens.

    `count` gives the tokens of the prompt for some messages; each image adds `image_tokens` (IMAGE_TOKENS
    for a model with projectors, else 0). The last message always stays, even where it does not fit. In
    native mode images of system messages count too. A conversation that fits is counted once; otherwise
    the first message kept is searched by halving, as fewer messages never need more tokens.
    """
    if len(messages) < 2 or limit <= 0:
        return list(messages)

    async def fits(first: int) -> bool:
        kept = candidate(messages, first)
        counted = kept if native else messages[first:]
        images = sum(len(message.images) for message in counted) * image_tokens
        return images <= limit and await count(kept) + images <= limit

    if await fits(0):
        return list(messages)
    too_long, best = 0, len(messages) - 1
    while best - too_long > 1:
        middle = (too_long + best) // 2
        if await fits(middle):
            best = middle
        else:
            too_long = middle
    return candidate(messages, best)


def candidate(messages: Sequence[Message], first: int) -> list[Message]:
    """The messages from `first` on, and the system messages before them."""
    return [message for message in messages[:first] if message.role == "system"] + list(messages[first:])
