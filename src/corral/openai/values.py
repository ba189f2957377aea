"""Values of OpenAI's requests whose meaning is in their text. Source: http-api.md 6.1 to 6.3."""

from __future__ import annotations

import re

from corral.core.requests import Think
from corral.errors import InvalidInput
from corral.wire.decode import decode_base64

_IMAGE = re.compile(r"data:(?:image/(?:jpeg|jpg|png|webp))?;base64,")
_LEVELS: dict[str, Think] = {
    "": None,
    "none": False,
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "max",
    "ultra": "max",
    "max": "max",
}
_WORDS = '"minimal", "low", "medium", "high", "xhigh", "ultra", "max", or "none"'


def read_effort(value: str) -> Think:
    """Raises InvalidInput."""
    if value not in _LEVELS:
        raise InvalidInput(f'invalid reasoning value: "{value}" (must be {_WORDS})')
    return _LEVELS[value]


def read_image(url: str) -> bytes:
    """The bytes in a data URL. Raises InvalidInput."""
    if url.startswith(("http://", "https://")):
        raise InvalidInput("image URLs are not currently supported, please use base64 encoded data instead")
    head = _IMAGE.match(url)
    if head is None:
        raise InvalidInput("invalid image input")
    try:
        return decode_base64(url[head.end() :])
    except InvalidInput:
        raise InvalidInput("invalid image input") from None


def read_audio(data: str) -> bytes:
    """Raises InvalidInput."""
    try:
        return decode_base64(data)
    except InvalidInput as error:
        raise InvalidInput(f"invalid input_audio base64 data: {error.message}") from None


def read_stop(value: object) -> list[str]:
    """One stop sequence or several; what is no text is skipped."""
    if isinstance(value, str):
        return [value]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def read_texts(value: object) -> list[str]:
    """As `read_stop`, but an item that is no text is refused. Raises InvalidInput."""
    if isinstance(value, list):
        for item in value:
            if not isinstance(item, str):
                raise InvalidInput(f"invalid type for 'stop' field: {kind_of(item)}")
    return read_stop(value)


def kind_of(value: object) -> str:
    """The kind of a JSON value in the words that clients of this protocol know."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "bool"
    kinds: dict[type, str] = {str: "string", list: "[]interface {}", dict: "map[string]interface {}"}
    return kinds.get(type(value), "float64")
