"""Glimmer: messages addressed to the model itself, to the user, or to a tool.

The form of tools, calls and results is that of the chat template published with Muse Glimmer.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence

from corral.core.messages import Message, Tool, ToolCall
from corral.core.requests import Think

_IDENTITY = "You are a helpful AI assistant.\nKnowledge cutoff: 2026-01-04.\nCurrent date: {date}."
_STRENGTHS = {"max": "high"}
# The words that the model was trained with.
_TOOLS = """In this environment you have access to a set of tools you can use to answer the user's question.

You can invoke a function by writing a "<atem:function_calls>" block like the following:
<atem:function_calls>
<atem:invoke name="$FUNCTION_NAME">
<atem:parameter name="$PARAMETER_NAME">$PARAMETER_VALUE</atem:parameter>
...
</atem:invoke>
</atem:function_calls>

String and scalar parameters should be specified as is, while lists and objects should use JSON format. Note \
that spaces for string values are not stripped. The output is not expected to be valid XML and is parsed \
with regular expressions.
Here are the functions available in JSONSchema format:
// Tool metadata
{spaces}
// Function schemas
{functions}

Here's an example of how to call a function in the tool set:
(If the tool namespace is not specified, invoke the function directly as `example_function_name` rather than \
`example_tool_name.example_function_name`)

to=example_tool_name.example_function_name

<atem:function_calls>
<atem:invoke name="example_tool_name.example_function_name">
<atem:parameter name="example_parameter_1">value_1</atem:parameter>
<atem:parameter name="example_parameter_2">This is the value for the second parameter
that can span
"multiple" lines
</atem:parameter>
</atem:invoke>
</atem:function_calls>"""


def render(messages: Sequence[Message], tools: Sequence[Tool], think: Think) -> str:
    out = "<|begin_of_text|>"
    if not any(message.role == "system" for message in messages[:1]):
        out += _system(_IDENTITY.format(date=datetime.date.today().isoformat()), tools, think)
    names: dict[str, str] = {}
    for message in messages:
        if message.role == "system":
            out += _system(message.content, tools, think)
        elif message.role == "assistant":
            out += _assistant(message)
            names |= {call.id: call.name for call in message.tool_calls if call.id}
        elif message.role == "tool":
            out += _result(message, names)
        else:
            out += f"<|start|>{message.role}<|message|>{message.content}<|eot|>"
    if messages and messages[-1].role == "assistant":
        return out.removesuffix("<|eot|>")
    return out + "<|start|>assistant"


def _system(text: str, tools: Sequence[Tool], think: Think) -> str:
    recipients = ", ".join(f'"{name}"' for name in ("self", *(f"{s}.*" for s in _spaces(tools)), "user"))
    declared = f"\n\n{_declare(tools)}" if tools else ""
    return (
        f"<|start|>system<|message|>{text}\n\nReasoning strength: {_strength(think)}.{declared}\n\n"
        f"# Valid recipients: {recipients}.<|eot|>"
    )


def _strength(think: Think) -> str:
    if think is False:
        return "none"
    return _STRENGTHS.get(think, think) if isinstance(think, str) else "high"


def _spaces(tools: Sequence[Tool]) -> list[str]:
    """The names before the first dot, each once; a name without a dot is its own."""
    return list(dict.fromkeys(tool.name.partition(".")[0] for tool in tools))


def _declare(tools: Sequence[Tool]) -> str:
    spaces = "\n".join(_json({"name": name, "description": ""}) for name in _spaces(tools))
    functions = (
        {"name": tool.name, "description": tool.description, "parameters": tool.parameters.to_json()}
        for tool in tools
    )
    declared = "\n".join(_json(function) for function in functions)
    return _TOOLS.replace("{spaces}", spaces).replace("{functions}", declared)


def _assistant(message: Message) -> str:
    parts = [("self", message.thinking)] if message.thinking else []
    if message.content or not message.tool_calls:
        parts.append(("user", message.content))
    parts += [(call.name, _call(call)) for call in message.tool_calls]
    turns = (f"<|start|>assistant to={recipient}<|message|>{text}" for recipient, text in parts)
    return "<|eom|>".join(turns) + "<|eot|>"


def _call(call: ToolCall) -> str:
    parameters = "".join(
        f'<atem:parameter name="{name}">{_value(value)}</atem:parameter>\n'
        for name, value in call.arguments.items()
    )
    return (
        f'<atem:function_calls>\n<atem:invoke name="{call.name}">\n{parameters}</atem:invoke>\n'
        "</atem:function_calls>"
    )


def _result(message: Message, names: dict[str, str]) -> str:
    name = message.tool_name or names.get(message.tool_call_id, message.tool_call_id)
    output = f'<tool_output name="{name}">\n{message.content}\n</tool_output>'
    return f"<|start|>tool {name}<|message|>{output}<|eot|>"


def _value(value: object) -> str:
    return value if isinstance(value, str) else _json(value)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
