"""DeepSeek 3.1."""

from __future__ import annotations

from collections.abc import Sequence

from corral.core.messages import Message, Tool
from corral.core.requests import Think
from corral.prompt.families.writing import is_prefill, plain_json

_BEGIN = "<｜begin▁of▁sentence｜>"
_END = "<｜end▁of▁sentence｜>"
_ASSISTANT = "<｜Assistant｜>"
_INSTRUCTIONS = """IMPORTANT: ALWAYS adhere to this exact format for tool use:
<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>tool_call_name<｜tool▁sep｜>tool_call_arguments<｜tool▁call▁end｜>\
{{additional_tool_calls}}<｜tool▁calls▁end｜>

Where:

- `tool_call_name` must be an exact match to one of the available tools
- `tool_call_arguments` must be valid JSON that strictly follows the tool's Parameters Schema
- For multiple tool calls, chain them directly without separators or spaces
"""


def render(messages: Sequence[Message], tools: Sequence[Tool], think: Think) -> str:
    """All system texts stand at the beginning; reasoning of history is not shown."""
    system = "\n\n".join(message.content for message in messages if message.role == "system")
    out = _BEGIN + system + _declare(tools)
    turns = [message for message in messages if message.role != "system"]
    for at, message in enumerate(turns):
        if message.role == "user":
            out += f"<｜User｜>{message.content}"
        elif message.role == "tool":
            out += f"<｜tool▁output▁begin｜>{message.content}<｜tool▁output▁end｜>"
        elif message.role == "assistant":
            if at and turns[at - 1].role == "user":
                out += f"{_ASSISTANT}</think>"
            out += message.content + _calls(message) + ("" if is_prefill(turns, at) else _END)
    if turns and turns[-1].role == "user":
        out += _ASSISTANT + ("</think>" if think is False else "<think>")
    return out


def _declare(tools: Sequence[Tool]) -> str:
    if not tools:
        return ""
    declared = "".join(
        f"### {tool.name}\nDescription: {tool.description}\n\n"
        f"Parameters: {plain_json(tool.parameters.to_json())}\n\n"
        for tool in tools
    )
    return f"\n\n## Tools\nYou have access to the following tools:\n\n{declared}{_INSTRUCTIONS}"


def _calls(message: Message) -> str:
    if not message.tool_calls:
        return ""
    calls = "".join(
        f"<｜tool▁call▁begin｜>{call.name}<｜tool▁sep｜>{plain_json(dict(call.arguments))}<｜tool▁call▁end｜>"
        for call in message.tool_calls
    )
    return f"<｜tool▁calls▁begin｜>{calls}<｜tool▁calls▁end｜>"
