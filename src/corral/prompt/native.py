"""Requests to the engine's own chat routes, for models whose chat template it renders and parses itself.

The shapes are those of OpenAI's chat completions, which the engine speaks. Source: http-api.md 8.9, 11.1.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

from corral.core import gojson
from corral.core.messages import Message, Tool, ToolCall
from corral.core.requests import Think
from corral.prompt.media import audio_kind

_IMAGE_TYPES = (
    (b"\x89PNG", "image/png"),
    (b"\xff\xd8", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
    (b"RIFF", "image/webp"),
)


def chat_fields(
    messages: Sequence[Message], tools: Sequence[Tool] = (), think: Think = None
) -> dict[str, object]:
    """The fields `messages`, `tools` and `chat_template_kwargs` of a request; the last two where needed."""
    fields: dict[str, object] = {"messages": native_messages(messages)}
    if tools:
        fields["tools"] = native_tools(tools)
    arguments = template_arguments(think)
    if arguments:
        fields["chat_template_kwargs"] = arguments
    return fields


def template_arguments(think: Think) -> dict[str, object]:
    """What the chat template is told about reasoning; nothing where the request says nothing."""
    if think is None:
        return {}
    arguments: dict[str, object] = {"enable_thinking": bool(think)}
    if isinstance(think, str):
        arguments["reasoning_effort"] = think
    return arguments


def native_messages(messages: Sequence[Message]) -> list[dict[str, object]]:
    """Each message as one object; the reasoning of history is not sent."""
    return [_message(message) for message in messages]


def native_tools(tools: Sequence[Tool]) -> list[dict[str, object]]:
    """Declarations of tools; the engine refuses one without parameters, so it gets an empty object schema."""
    return [_tool(tool) for tool in tools]


def _message(message: Message) -> dict[str, object]:
    out: dict[str, object] = {"role": message.role, "content": _content(message)}
    if message.tool_calls:
        out["tool_calls"] = [_call(call) for call in message.tool_calls]
    if message.tool_call_id:
        out["tool_call_id"] = message.tool_call_id
    if message.tool_name:
        out["name"] = message.tool_name
    return out


def _content(message: Message) -> str | list[dict[str, object]]:
    if not message.images:
        return message.content
    parts = [_media(data) for data in message.images]
    if message.content:
        parts.append({"type": "text", "text": message.content})
    return parts


def _media(data: bytes) -> dict[str, object]:
    text = base64.b64encode(data).decode()
    if audio := audio_kind(data):
        # The engine looks at the bytes, but wants one of these two names.
        kind = "mp3" if audio == "mp3" else "wav"
        return {"type": "input_audio", "input_audio": {"data": text, "format": kind}}
    # The engine looks at the bytes, not at this name, but wants one of an image.
    kind = next((name for magic, name in _IMAGE_TYPES if data.startswith(magic)), "image/png")
    return {"type": "image_url", "image_url": {"url": f"data:{kind};base64,{text}"}}


def _call(call: ToolCall) -> dict[str, object]:
    function = {"name": call.name, "arguments": gojson.encode(call.arguments).decode()}
    out: dict[str, object] = {"type": "function", "function": function}
    if call.id:
        out["id"] = call.id
    return out


def _tool(tool: Tool) -> dict[str, object]:
    parameters = tool.parameters.to_json()
    parameters["type"] = parameters["type"] or "object"
    if parameters["properties"] is None:
        parameters["properties"] = {}
    function: dict[str, object] = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    function["parameters"] = parameters
    return {"type": tool.type or "function", "function": function}
