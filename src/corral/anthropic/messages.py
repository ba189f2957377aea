"""Messages of content blocks as core's messages. Source: http-api.md 7.1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from corral.core.messages import Message, ToolCall
from corral.errors import InvalidInput
from corral.wire.decode import decode_base64

Block = Mapping[str, Any]


class MessageIn(msgspec.Struct):
    role: str = ""
    content: Any = None


@dataclass(slots=True)
class _Parts:
    """What the blocks of one message say."""

    texts: list[str] = field(default_factory=list)
    thinking: str = ""
    images: list[bytes] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)
    results: list[Message] = field(default_factory=list)


def to_messages(messages: Sequence[MessageIn]) -> tuple[Message, ...]:
    """In order; a tool result becomes a message of its own. Raises InvalidInput."""
    names: dict[str, str] = {}
    return tuple(made for message in messages for made in _converted(message, names))


def system_text(value: object) -> str:
    """The system prompt: a text, or the texts of blocks. Raises InvalidInput."""
    return "".join(str(block.get("text") or "") for block in _blocks(value) if block.get("type") == "text")


def _converted(message: MessageIn, names: dict[str, str]) -> list[Message]:
    """`names` of tools by the ids of their calls so far."""
    role = message.role.lower()
    parts = _Parts()
    for block in _blocks(message.content):
        _read(block, parts, names)
        names.update((call.id, call.name) for call in parts.calls)
    own = Message(
        role,
        "".join(parts.texts),
        parts.thinking,
        tuple(parts.images),
        tuple(parts.calls),
    )
    said = [own] if own.content or own.thinking or own.images or own.tool_calls else []
    # A model expects the results of its calls before anything else that the user says.
    return [*parts.results, *said] if role == "user" else [*said, *parts.results]


def _blocks(value: object) -> list[Block]:
    if value is None:
        return []
    if isinstance(value, str):
        return [{"type": "text", "text": value}]
    if not isinstance(value, list) or not all(isinstance(block, dict) for block in value):
        raise InvalidInput("content must be a string or an array of content blocks")
    return value


def _read(block: Block, parts: _Parts, names: Mapping[str, str]) -> None:
    match block.get("type"):
        case "text":
            parts.texts.append(_text(block, "text"))
        case "thinking":
            parts.thinking = _text(block, "thinking")
        case "image":
            parts.images.append(_image(block, "image"))
        case "tool_use":
            parts.calls.append(_call(block))
        case "server_tool_use":
            parts.calls.append(ToolCall(_text(block, "name"), _input(block), _text(block, "id")))
        case "tool_result":
            parts.results.append(_result(block, names))
        case "web_search_tool_result":
            parts.results.append(_search_result(block, names))


def _text(block: Block, key: str) -> str:
    value = block.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidInput(f"invalid {key} in {block.get('type')} block: expected a string")
    return value


def _input(block: Block) -> dict[str, object]:
    value = block.get("input")
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidInput(f"invalid input in {block.get('type')} block: expected an object")
    return value


def _call(block: Block) -> ToolCall:
    id, name = _text(block, "id"), _text(block, "name")
    if not id:
        raise InvalidInput("tool_use block missing required 'id' field")
    if not name:
        raise InvalidInput("tool_use block missing required 'name' field")
    return ToolCall(name, _input(block), id)


def _image(block: Block, what: str) -> bytes:
    source = block.get("source")
    if not isinstance(source, dict):
        raise InvalidInput(f"invalid {what} source")
    kind = source.get("type")
    if kind != "base64":
        raise InvalidInput(f"invalid {what} source type: {kind}. Only base64 images are supported.")
    try:
        return decode_base64(_text(source, "data"))
    except InvalidInput as error:
        raise InvalidInput(f"invalid base64 image data: {error.message}") from None


def _result(block: Block, names: Mapping[str, str]) -> Message:
    blocks = _blocks(block.get("content"))
    id = _text(block, "tool_use_id")
    return Message(
        "tool",
        "".join(_text(inner, "text") for inner in blocks if inner.get("type") == "text"),
        images=tuple(_image(inner, "tool_result image") for inner in blocks if inner.get("type") == "image"),
        tool_name=names.get(id, ""),
        tool_call_id=id,
    )


def _search_result(block: Block, names: Mapping[str, str]) -> Message:
    id = _text(block, "tool_use_id")
    found = block.get("content")
    hits = [hit for hit in found if isinstance(hit, dict)] if isinstance(found, list) else []
    lines = [f"- {_text(hit, 'title')}: {_text(hit, 'url')}\n" for hit in hits]
    return Message("tool", "".join(lines), tool_name=names.get(id, ""), tool_call_id=id)
