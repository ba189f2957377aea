"""What several built-in renderers write alike: JSON in the spelling of Python, ChatML, and argument texts."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from corral.core import gojson
from corral.core.messages import Message, Tool
from corral.core.requests import Think

# The prompt of a conversation whose images are marked already.
Renderer = Callable[[Sequence[Message], Sequence[Tool], Think], str]

_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def spaced_json(value: object) -> str:
    """JSON with a space after each comma and colon; `<`, `>` and `&` escaped."""
    return json.dumps(value, ensure_ascii=False).translate(_ESCAPES)


def compact_json(value: object) -> str:
    return gojson.encode(value).decode()


def plain_json(value: object, *, indent: int | None = None) -> str:
    """JSON without spaces (or indented) and without escapes for `<`, `>` and `&`."""
    separators = (",", ": ") if indent else (",", ":")
    return json.dumps(value, ensure_ascii=False, indent=indent, separators=separators)


def argument_text(value: object) -> str:
    """An argument of a call as text: strings bare, all else as JSON."""
    return value if isinstance(value, str) else compact_json(value)


def first_system(messages: Sequence[Message]) -> str | None:
    """The system text that begins the conversation, or None."""
    return messages[0].content if messages and messages[0].role == "system" else None


def is_prefill(messages: Sequence[Message], at: int) -> bool:
    """Message `at` is the last one and the model is to continue it."""
    return at == len(messages) - 1 and messages[at].role == "assistant"


def last_question(messages: Sequence[Message]) -> int:
    """Where the last message of the user stands that is no tool's result in disguise; -1 without any."""
    for at in range(len(messages) - 1, -1, -1):
        text = messages[at].content
        wrapped = text.startswith("<tool_response>") and text.endswith("</tool_response>")
        if messages[at].role == "user" and not wrapped:
            return at
    return -1


def chatml(role: str, text: str) -> str:
    return f"<|im_start|>{role}\n{text}<|im_end|>\n"


def tool_response(messages: Sequence[Message], at: int, *, end: str = "") -> str:
    """A tool's result as part of a user turn, which neighbouring results share; `end` closes each result."""
    begins = at == 0 or messages[at - 1].role != "tool"
    ends = at + 1 == len(messages) or messages[at + 1].role != "tool"
    before = "<|im_start|>user\n" if begins else "" if end else "\n"
    after = "<|im_end|>\n" if ends else ""
    return f"{before}<tool_response>\n{messages[at].content}\n</tool_response>{end}{after}"


CODER_INSTRUCTIONS = """If you choose to call a function ONLY reply in the following format with NO suffix:

<tool_call>
<function=example_function_name>
<parameter=example_parameter_1>
value_1
</parameter>
<parameter=example_parameter_2>
This is the value for the second parameter
that can span
multiple lines
</parameter>
</function>
</tool_call>

<IMPORTANT>
Reminder:
- Function calls MUST follow the specified format: an inner <function=...></function> block must be nested \
within <tool_call></tool_call> XML tags
- Required parameters MUST be specified
- You may provide optional reasoning for your function call in natural language BEFORE the function call, \
but NOT after
- If there is no function call available, answer the question like normal with your current knowledge and \
do not tell the user about function calls
</IMPORTANT>"""


def declare_in_tags(tools: Sequence[Tool]) -> str:
    """Tools as nested `<function>` elements between `<tools>` tags."""
    return "<tools>\n" + "".join(_function_element(tool) for tool in tools) + "</tools>"


def _function_element(tool: Tool) -> str:
    description = f"<description>{tool.description}</description>\n" if tool.description else ""
    declared = tool.parameters.to_json()
    properties = declared.pop("properties")
    declared.pop("type")
    elements = ""
    if isinstance(properties, dict):
        elements = "".join(_parameter_element(name, schema) for name, schema in properties.items())
    return (
        f"<function>\n<name>{tool.name}</name>\n{description}<parameters>\n"
        f"{elements}{_other_keys(declared)}</parameters>\n</function>\n"
    )


def _parameter_element(name: str, schema: dict[str, object]) -> str:
    rest = dict(schema)
    out = f"<parameter>\n<name>{name}</name>\n"
    for key in ("type", "description"):
        if key in rest:
            out += f"<{key}>{rest.pop(key)}</{key}>\n"
    return f"{out}{_other_keys(rest)}</parameter>\n"


def _other_keys(schema: dict[str, object]) -> str:
    return "".join(
        f"<{key}>{json.dumps(value, ensure_ascii=False)}</{key}>\n" for key, value in schema.items()
    )
