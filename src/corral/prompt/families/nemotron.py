"""Nemotron 3 Nano and 3.5 Nano."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from corral.core.messages import Message, Tool, ToolCall
from corral.core.requests import Think
from corral.prompt.families.writing import (
    CODER_INSTRUCTIONS,
    chatml,
    compact_json,
    declare_in_tags,
    first_system,
    is_prefill,
    last_question,
    tool_response,
)


def _render(line_break: str, messages: Sequence[Message], tools: Sequence[Tool], think: Think) -> str:
    system = first_system(messages)
    out = chatml("system", _head(system or "", tools))
    question = last_question(messages)
    for at, message in enumerate(messages):
        if message.role == "tool":
            out += tool_response(messages, at, end="\n")
        elif message.role == "assistant":
            text = _assistant(message, at > question, line_break)
            out += text.removesuffix("<|im_end|>\n") if is_prefill(messages, at) else text
        elif at > 0 or system is None:
            out += chatml(message.role, message.content)
    if messages and messages[-1].role == "assistant":
        return out
    return out + "<|im_start|>assistant\n" + ("<think></think>" if think is False else "<think>\n")


nano_3 = functools.partial(_render, "\n")
nano_3_5 = functools.partial(_render, "")


def _head(system: str, tools: Sequence[Tool]) -> str:
    if not tools:
        return system
    before = system + "\n\n" if system else ""
    return (
        f"{before}# Tools\n\nYou have access to the following functions:\n\n"
        f"{declare_in_tags(tools)}\n\n{CODER_INSTRUCTIONS}"
    )


def _assistant(message: Message, recent: bool, line_break: str) -> str:
    if recent and message.thinking:
        text = f"<think>\n{message.thinking}\n</think>\n"
    else:
        text = "<think></think>" + ("" if message.tool_calls else line_break)
    text += message.content
    if message.tool_calls:
        text += "\n" * bool(message.content) + "".join(_call(call) for call in message.tool_calls)
    return chatml("assistant", text)


def _call(call: ToolCall) -> str:
    parameters = "".join(
        f"<parameter={name}>\n{_argument(value)}\n</parameter>\n" for name, value in call.arguments.items()
    )
    return f"<tool_call>\n<function={call.name}>\n{parameters}</function>\n</tool_call>\n"


def _argument(value: object) -> str:
    return compact_json(value) if isinstance(value, dict | list) else str(value)
