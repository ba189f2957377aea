"""The JSON in params and messages layers. Source: store.md section 3, modelfile.md section 6."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

import msgspec

from corral.core import checked_json, gojson
from corral.core.messages import Message, ToolCall
from corral.errors import CorruptData


def encode_parameters(parameters: Mapping[str, object]) -> bytes:
    return gojson.encode(dict(parameters), sort_keys=True) + b"\n"


def decode_parameters(data: bytes) -> dict[str, object]:
    """Raises CorruptData when the bytes are no JSON object."""
    return _decode_object(data, "parameters layer")


def decode_card(data: bytes) -> dict[str, object]:
    """A training card. Raises CorruptData when the bytes are no JSON object."""
    return _decode_object(data, "training card")


def _decode_object(data: bytes, what: str) -> dict[str, object]:
    found = checked_json.decode(data, object, what)
    if not isinstance(found, dict):
        raise CorruptData(f"invalid {what}: not an object")
    return found


def encode_messages(messages: tuple[Message, ...]) -> bytes:
    return gojson.encode([_message_to_json(message) for message in messages]) + b"\n"


def decode_messages(data: bytes) -> tuple[Message, ...]:
    """Raises CorruptData when the bytes are no list of messages."""
    found = checked_json.decode(data, object, "messages layer")
    if not isinstance(found, list):
        raise CorruptData("invalid messages layer: not an array")
    try:
        return tuple(_message_from_json(msgspec.convert(item, _StoredMessage)) for item in found)
    except (msgspec.ValidationError, binascii.Error) as error:
        raise CorruptData(f"invalid messages layer: {error}") from error


class _StoredFunction(msgspec.Struct):
    name: str = ""
    arguments: dict[str, object] = {}
    index: int = 0


class _StoredCall(msgspec.Struct):
    function: _StoredFunction = msgspec.field(default_factory=_StoredFunction)
    id: str = ""


class _StoredMessage(msgspec.Struct):
    role: str = ""
    content: str = ""
    thinking: str = ""
    images: list[str] | None = None
    tool_calls: list[_StoredCall] | None = None
    tool_name: str = ""
    tool_call_id: str = ""


def _message_to_json(message: Message) -> dict[str, object]:
    out: dict[str, object] = {"role": message.role, "content": message.content}
    if message.thinking:
        out["thinking"] = message.thinking
    if message.images:
        out["images"] = [base64.b64encode(image).decode() for image in message.images]
    if message.tool_calls:
        out["tool_calls"] = [_call_to_json(call) for call in message.tool_calls]
    if message.tool_name:
        out["tool_name"] = message.tool_name
    if message.tool_call_id:
        out["tool_call_id"] = message.tool_call_id
    return out


def _call_to_json(call: ToolCall) -> dict[str, object]:
    out: dict[str, object] = {"id": call.id} if call.id else {}
    out["function"] = {"index": call.index, "name": call.name, "arguments": dict(call.arguments)}
    return out


def _message_from_json(stored: _StoredMessage) -> Message:
    return Message(
        role=stored.role,
        content=stored.content,
        thinking=stored.thinking,
        images=tuple(base64.b64decode(image, validate=True) for image in stored.images or ()),
        tool_calls=tuple(
            ToolCall(call.function.name, call.function.arguments, call.id, call.function.index)
            for call in stored.tool_calls or ()
        ),
        tool_name=stored.tool_name,
        tool_call_id=stored.tool_call_id,
    )
