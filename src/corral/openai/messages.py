"""The messages of chat completions as core's messages. Source: http-api.md 6.2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from corral.core.messages import Message, ToolCall
from corral.errors import InvalidInput
from corral.openai.values import kind_of, read_audio, read_image


class FunctionIn(msgspec.Struct):
    name: str = ""
    arguments: str = ""


class ToolCallIn(msgspec.Struct):
    id: str = ""
    function: FunctionIn = msgspec.field(default_factory=FunctionIn)

    def to_core(self) -> ToolCall:
        arguments = json_object(self.function.arguments)
        if arguments is None:
            raise InvalidInput("invalid tool call arguments")
        return ToolCall(self.function.name, arguments, self.id)


class MessageIn(msgspec.Struct):
    role: str = ""
    content: Any = None
    reasoning: str = ""
    tool_calls: list[ToolCallIn] | None = None
    name: str = ""
    tool_call_id: str = ""


def json_object(text: str) -> dict[str, object] | None:
    """The object that a text holds, or None."""
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def to_messages(messages: Sequence[MessageIn]) -> tuple[Message, ...]:
    """Every part of a content list becomes a message of its own. Raises InvalidInput."""
    names = {call.id: call.function.name for message in messages for call in message.tool_calls or ()}
    return tuple(made for message in messages for made in _converted(message, names))


def _converted(message: MessageIn, names: Mapping[str, str]) -> list[Message]:
    role = message.role.lower()
    base = Message(role, tool_call_id=message.tool_call_id)
    if role == "tool":
        base = replace(base, tool_name=message.name or names.get(message.tool_call_id, ""))
    calls = tuple(call.to_core() for call in message.tool_calls or ())
    found = _contents(message, base)
    if not found and not calls:
        return []
    # What belongs to the whole message goes with the last of its parts.
    last = replace(found[-1] if found else base, thinking=message.reasoning, tool_calls=calls)
    return [*found[:-1], last]


def _contents(message: MessageIn, base: Message) -> list[Message]:
    content = message.content
    if isinstance(content, str):
        return [replace(base, content=content)]
    if isinstance(content, list):
        return [_part(part, base) for part in content]
    if content is None and message.tool_calls is not None:
        return [base]
    raise InvalidInput(f"invalid message content type: {kind_of(content)}")


def _part(part: object, base: Message) -> Message:
    kind = part.get("type") if isinstance(part, dict) else None
    if not isinstance(part, dict) or kind not in ("text", "image_url", "input_audio"):
        raise InvalidInput("invalid message format")
    value = part.get(kind)
    if kind == "input_audio":
        return replace(base, images=(_audio(value),))
    if kind == "image_url" and isinstance(value, dict):
        value = value.get("url")
    if not isinstance(value, str):
        raise InvalidInput("invalid message format")
    return replace(base, content=value) if kind == "text" else replace(base, images=(read_image(value),))


def _audio(value: object) -> bytes:
    if not isinstance(value, dict):
        raise InvalidInput("invalid input_audio format")
    data = value.get("data")
    if not isinstance(data, str) or not data:
        raise InvalidInput("invalid input_audio format: missing data")
    return read_audio(data)
