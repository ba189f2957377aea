"""Qwen 3 VL, with and without reasoning."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from corral.core.messages import Message, Tool, ToolCall
from corral.core.requests import Think
from corral.prompt.families.writing import (
    chatml,
    first_system,
    is_prefill,
    last_question,
    spaced_json,
    tool_response,
)

_INSTRUCTIONS = """# Tools

You may call one or more functions to assist with the user query.

You are provided with function signatures within <tools></tools> XML tags:
<tools>
{tools}
</tools>

For each function call, return a json object with function name and arguments within <tool_call></tool_call> \
XML tags:
<tool_call>
{{"name": <function-name>, "arguments": <args-json-object>}}
</tool_call>"""


def _render(reasons: bool, messages: Sequence[Message], tools: Sequence[Tool], think: Think) -> str:
    thinks = reasons and think is not False
    system = first_system(messages)
    out = _head(system, tools)
    question = last_question(messages)
    for at, message in enumerate(messages):
        if message.role == "tool":
            out += tool_response(messages, at)
        elif message.role == "assistant":
            text = _reasoning(message) if thinks and at > question else ""
            text = chatml("assistant", text + message.content + _calls(message))
            out += text.removesuffix("<|im_end|>\n") if is_prefill(messages, at) else text
        elif at > 0 or system is None:
            out += chatml(message.role, message.content)
    if messages and messages[-1].role == "assistant":
        return out
    return out + "<|im_start|>assistant\n" + ("<think>\n" if thinks else "")


instruct = functools.partial(_render, False)
thinking = functools.partial(_render, True)


def _head(system: str | None, tools: Sequence[Tool]) -> str:
    if not tools:
        return "" if system is None else chatml("system", system)
    declared = "\n".join(spaced_json(tool.to_json()) for tool in tools)
    before = system + "\n\n" if system else ""
    return chatml("system", before + _INSTRUCTIONS.format(tools=declared))


def _reasoning(message: Message) -> str:
    text = message.thinking.strip("\n")
    return f"<think>\n{text}\n</think>\n\n" if text else ""


def _calls(message: Message) -> str:
    calls = "\n".join(_call(call) for call in message.tool_calls)
    return f"\n{calls}" if calls and message.content else calls


def _call(call: ToolCall) -> str:
    value = {"name": call.name, "arguments": dict(call.arguments)}
    return f"<tool_call>\n{spaced_json(value)}\n</tool_call>"
