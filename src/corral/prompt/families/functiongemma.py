"""FunctionGemma."""

from __future__ import annotations

from collections.abc import Sequence

from corral.core.messages import Message, Tool, ToolCall, ToolParameters, ToolProperty
from corral.core.requests import Think
from corral.prompt.families.quoted import Quoting
from corral.prompt.families.writing import first_system

_QUOTING = Quoting("<escape>")
_ROLES = {"assistant": "model"}


def render(messages: Sequence[Message], tools: Sequence[Tool], _think: Think) -> str:
    system = first_system(messages)
    out = "<bos>" + _head(system, tools)
    is_open = False  # an answer that waits for the results of its calls, or goes on after them
    names: list[str] = []
    for message in messages[0 if system is None else 1 :]:
        if message.role == "tool":
            name = message.tool_name or (names.pop(0) if names else "")
            result = _QUOTING.text(message.content)
            out += f"<start_function_response>response:{name}{{{result}}}<end_function_response>"
            is_open = True
            continue
        if not (is_open and message.role == "assistant"):
            out += f"<start_of_turn>{_ROLES.get(message.role, message.role)}\n"
        out += message.content + "".join(_call(call) for call in message.tool_calls)
        names = [call.name for call in message.tool_calls]
        is_open = bool(message.tool_calls)
        out += "" if is_open else "<end_of_turn>\n"
    if messages and messages[-1].role == "assistant" and not messages[-1].tool_calls:
        return out.removesuffix("<end_of_turn>\n")
    return out if is_open else f"{out}<start_of_turn>model\n"


def _head(system: str | None, tools: Sequence[Tool]) -> str:
    if system is None and not tools:
        return ""
    text = system or ""
    if tools:
        text += "\n" * bool(text) + "You can do function calling with the following functions:"
        text += "".join(_declare(tool) for tool in tools)
    return f"<start_of_turn>developer\n{text}<end_of_turn>\n"


def _declare(tool: Tool) -> str:
    parts = [f"description:{_QUOTING.text(tool.description)}"]
    if tool.parameters.type or tool.parameters.properties:
        parts.append(f"parameters:{_parameters(tool.parameters)}")
    inner = ",".join(parts)
    return f"<start_function_declaration>declaration:{tool.name}{{{inner}}}<end_function_declaration>"


def _parameters(parameters: ToolParameters) -> str:
    parts = []
    if parameters.properties:
        properties = sorted(parameters.properties.items())
        parts.append(
            "properties:{" + ",".join(f"{name}:{_property(item)}" for name, item in properties) + "}"
        )
    if parameters.required:
        parts.append(f"required:{_QUOTING.value(list(parameters.required))}")
    if parameters.type:
        parts.append(f"type:{_QUOTING.text(parameters.type.upper())}")
    return "{" + ",".join(parts) + "}"


def _property(schema: ToolProperty) -> str:
    kind = f",type:{_QUOTING.text(schema.type[0].upper())}" if schema.type else ""
    return f"{{description:{_QUOTING.text(schema.description)}{kind}}}"


def _call(call: ToolCall) -> str:
    return f"<start_function_call>{_QUOTING.call(call)}<end_function_call>"
