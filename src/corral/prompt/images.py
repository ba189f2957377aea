"""Images and audio of a conversation, and the markers that stand for them in a prompt.

Source: http-api.md 8.6.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from corral.core.messages import Message
from corral.core.model import Model
from corral.errors import InvalidInput

_PLACEHOLDER = "[img]"


def check_images(model: Model, messages: Sequence[Message]) -> None:
    """Raises InvalidInput where a model of family `mllama` gets more than one image in a message."""
    families = model.config.model_families or ()
    is_mllama = "mllama" in (*families, model.family)
    if is_mllama and any(len(message.images) > 1 for message in messages):
        raise InvalidInput("this model only supports one image while more than one image requested")


def mark_images(
    messages: Sequence[Message], *, spaced: bool = False
) -> tuple[list[Message], tuple[bytes, ...]]:
    """The messages with a marker `[img-N]` for each image, and all images in the order of their numbers.

    A marker replaces the next literal `[img]` of its message; the others are put in front of the text.
    `spaced`, for built-in renderers: a space keeps markers and text apart, and a text that already has
    markers is left alone.
    """
    out: list[Message] = []
    images: list[bytes] = []
    for message in messages:
        numbers = range(len(images), len(images) + len(message.images))
        images += message.images
        if message.images and not (spaced and "[img-" in message.content):
            text = _mark(message.content, [f"[img-{number}]" for number in numbers], spaced)
            message = dataclasses.replace(message, content=text)
        out.append(message)
    return out, tuple(images)


def as_text(messages: Sequence[Message]) -> tuple[list[Message], tuple[bytes, ...]]:
    """Messages with markers in their text instead of images, and the images."""
    marked, images = mark_images(messages)
    return [dataclasses.replace(message, images=()) for message in marked], images


def _mark(text: str, markers: Sequence[str], spaced: bool) -> str:
    in_front = ""
    for marker in markers:
        if _PLACEHOLDER in text:
            text = text.replace(_PLACEHOLDER, marker, 1)
        else:
            in_front += marker
    if in_front and spaced and text and not text[0].isspace():
        in_front += " "
    return in_front + text
