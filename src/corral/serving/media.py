"""Images and audio of a request, checked and made readable before the engine sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from corral.convert import to_png
from corral.core.messages import Message
from corral.core.model import Model
from corral.errors import Unsupported
from corral.prompt import Media, inspect


async def readable_messages(model: Model, messages: Sequence[Message]) -> tuple[Message, ...]:
    """The same messages with files that the engine reads. Raises as `readable_files`."""
    out: list[Message] = []
    for message in messages:
        if message.images:
            first = 1 + sum(len(earlier.images) for earlier in out)
            message = replace(message, images=await readable_files(model, message.images, first))
        out.append(message)
    return tuple(out)


async def readable_files(model: Model, files: Sequence[bytes], first: int = 1) -> tuple[bytes, ...]:
    """Files that the engine reads; errors count them from `first` on.

    Raises Unsupported for a kind of file that the model does not read, InvalidInput for one that is broken.
    """
    return tuple(
        [await _readable(model, data, f"image {number}") for number, data in enumerate(files, first)]
    )


async def _readable(model: Model, data: bytes, name: str) -> bytes:
    media = inspect(data, name)
    _check_capability(model, media)
    return await to_png(data, name) if media.kind == "webp" else data


def _check_capability(model: Model, media: Media) -> None:
    kind, capability = ("audio", "audio") if media.is_audio else ("image", "vision")
    if not model.can(capability):
        raise Unsupported(
            f'"{model.name.short}" does not support {capability}: {kind} input is not supported without a '
            "projector; use a model that shows this capability"
        )
