"""Values of OpenAI's requests whose meaning is in their text. Source: http-api.md 6.1 to 6.3."""

from __future__ import annotations

import json
import re

from corral.core.requests import Think, ToolChoice
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
_MODES = ("none", "auto", "required")
_WORDS = '"minimal", "low", "medium", "high", "xhigh", "ultra", "max", or "none"'


def read_effort(value: str) -> Think:
    """Raises InvalidInput."""
    if value not in _LEVELS:
        raise InvalidInput(f'invalid reasoning value: "{value}" (must be {_WORDS})')
    return _LEVELS[value]


def read_tool_choice(value: object, *, parallel: bool | None) -> ToolChoice:
    """A mode, the one function to call, or a list of those allowed. Raises InvalidInput.

    Chat completions keep names in `function`, and what is allowed in `allowed_tools`; responses do without.
    """
    is_parallel = parallel is not False
    if value is None:
        return ToolChoice(parallel=is_parallel)
    if value in _MODES:
        return ToolChoice(value, parallel=is_parallel)  # type: ignore[arg-type]  # one of the modes
    if isinstance(value, dict) and value.get("type") == "function":
        return ToolChoice("required", (_function_name(value),), is_parallel)
    if isinstance(value, dict) and value.get("type") == "allowed_tools":
        allowed = value.get("allowed_tools", value)
        tools = allowed.get("tools") if isinstance(allowed, dict) else None
        if isinstance(tools, list) and tools and allowed.get("mode", "auto") in ("auto", "required"):
            names = tuple(_function_name(tool) for tool in tools)
            return ToolChoice(allowed.get("mode", "auto"), names, is_parallel)
    raise _bad_choice(value)


def _function_name(tool: object) -> str:
    function = tool.get("function", tool) if isinstance(tool, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(name, str) or not name:
        raise _bad_choice(tool)
    return name


def _bad_choice(value: object) -> InvalidInput:
    words = "'none', 'auto', 'required', or an object that names a function"
    return InvalidInput(
        f"Invalid value for 'tool_choice': {json.dumps(value)}. Supported values are: {words}."
    )


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
