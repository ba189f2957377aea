"""Laguna and Poolside, which differ only in line breaks and in what they say about themselves."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from corral.core.messages import Message, Tool
from corral.core.requests import Think
from corral.prompt.families.glm import call_text
from corral.prompt.families.writing import first_system, spaced_json

_HEAD = "〈|EOS|〉"
_IDENTITY = (
    "You are a helpful, conversationally-fluent assistant made by Poolside. You are here to be helpful to "
    "users through natural language conversations."
)
_TOOLS = """### Tools

You may call functions to assist with the user query.
All available function signatures are listed below:
<available_tools>
{tools}
</available_tools>"""
_CALL = """{thought}<tool_call>function-name
<arg_key>argument-key</arg_key>
<arg_value>value-of-argument-key</arg_value>
</tool_call>"""
_RETURN = (
    "return an unescaped XML-like object with function name and arguments within '<tool_call>' and "
    "'</tool_call>' tags, like here:\n"
)


def _render(wide: bool, messages: Sequence[Message], tools: Sequence[Tool], think: Think) -> str:
    thinks = think is not False
    line = "\n" if wide else ""
    system = first_system(messages)
    out = _HEAD + _system(system, tools, thinks, wide)
    for message in messages[0 if system is None else 1 :]:
        if message.role == "assistant":
            out += f"<assistant>{line}{_assistant(message, line)}</assistant>\n"
        else:
            role = "tool_response" if message.role == "tool" else message.role
            out += f"<{role}>{line}{message.content}{line}</{role}>\n"
    if messages and messages[-1].role == "assistant":
        return out.removesuffix(f"{line}</assistant>\n")
    return f"{out}<assistant>{line}" + ("<think>" if thinks else "</think>")


laguna = functools.partial(_render, True)
poolside = functools.partial(_render, False)


def _system(system: str | None, tools: Sequence[Tool], thinks: bool, wide: bool) -> str:
    parts = [system if system is not None else _IDENTITY if wide else ""]
    if tools:
        parts.append(_TOOLS.format(tools="\n".join(spaced_json(tool.to_json()) for tool in tools)))
        parts += [_call_instructions(thinks)] if wide else []
    text = "\n\n".join(part for part in parts if part)
    if not text:
        return ""
    return f"<system>\n\n{text}\n</system>\n" if wide else f"<system>{text}</system>\n"


def _call_instructions(thinks: bool) -> str:
    if not thinks:
        return f"For each function call, {_RETURN}{_CALL.format(thought='')}"
    return (
        "Wrap your thinking in '<think>', '</think>' tags, followed by a function call. "
        "For each function call, " + _RETURN + _CALL.format(thought="<think> your thoughts here </think>\n")
    )


def _assistant(message: Message, line: str) -> str:
    out = f"<think>{line}{message.thinking}{line}</think>{line}" if message.thinking else ""
    out += message.content + line if message.content else ""
    return out + "".join(call_text(call, line) + line for call in message.tool_calls)
