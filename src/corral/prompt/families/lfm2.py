"""LFM2, with and without reasoning."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from corral.core.messages import Message, Tool, ToolCall
from corral.core.requests import Think
from corral.prompt.families.writing import chatml, compact_json, first_system, is_prefill, spaced_json


def _render(reasons: bool, messages: Sequence[Message], tools: Sequence[Tool], _think: Think) -> str:
    system = first_system(messages)
    out = "<|startoftext|>" + _head(system or "", tools)
    for at, message in enumerate(messages):
        if message.role == "assistant":
            thinking = f"<think>{message.thinking}</think>" if reasons and message.thinking else ""
            text = chatml("assistant", thinking + _calls(message) + message.content)
            out += text.removesuffix("<|im_end|>\n") if is_prefill(messages, at) else text
        elif message.role == "tool":
            out += chatml("tool", f"<|tool_response_start|>{message.content}<|tool_response_end|>")
        elif at > 0 or system is None:
            out += chatml(message.role, message.content)
    return out if messages and messages[-1].role == "assistant" else f"{out}<|im_start|>assistant\n"


instruct = functools.partial(_render, False)
thinking = functools.partial(_render, True)


def _head(system: str, tools: Sequence[Tool]) -> str:
    text = system
    if tools:
        declared = spaced_json([tool.to_json()["function"] for tool in tools])
        text += "\n" * bool(text) + f"List of tools: <|tool_list_start|>{declared}<|tool_list_end|>"
    return chatml("system", text) if text else ""


def _calls(message: Message) -> str:
    if not message.tool_calls:
        return ""
    calls = ",".join(_call(call) for call in message.tool_calls)
    return f"<|tool_call_start|>[{calls}]<|tool_call_end|>" + "\n" * bool(message.content)


def _call(call: ToolCall) -> str:
    arguments = ",".join(f"{name}={compact_json(value)}" for name, value in sorted(call.arguments.items()))
    return f"{call.name}({arguments})"
