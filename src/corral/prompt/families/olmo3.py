"""Olmo 3 and 3.1, with and without reasoning."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from corral.core.messages import Message, Tool, ToolCall
from corral.core.requests import Think
from corral.prompt.families.writing import chatml, compact_json, is_prefill, spaced_json

_NO_FUNCTIONS = "You do not currently have access to any functions. <functions></functions>"
_OLMO = (
    "You are Olmo, a helpful AI assistant built by Ai2. Your date cutoff is December 2024, and your model "
    "weights are available at https://huggingface.co/allenai."
)


def _instruct(default: str, messages: Sequence[Message], tools: Sequence[Tool], _think: Think) -> str:
    system = _system(messages)
    declared = f"<functions>{spaced_json([tool.to_json() for tool in tools])}</functions>" if tools else ""
    if system is None:
        system = f"{default} "
        declared = declared or _NO_FUNCTIONS
    return chatml("system", system + declared) + _turns(messages, "")


def _think(default: str, messages: Sequence[Message], _tools: Sequence[Tool], _think: Think) -> str:
    """Always reasons, has no tools."""
    system = _system(messages)
    head = default if system is None else f"{system} {_NO_FUNCTIONS}"
    return chatml("system", head) + _turns(messages, "<think>")


olmo_3 = functools.partial(_instruct, "You are a helpful function-calling AI assistant.")
olmo_3_1 = functools.partial(_instruct, _OLMO)
olmo_3_think = functools.partial(_think, _OLMO)
olmo_3_32b_think = functools.partial(_think, "You are a helpful AI assistant.")


def _system(messages: Sequence[Message]) -> str | None:
    """Only the first system message is shown."""
    return next((message.content for message in messages if message.role == "system"), None)


def _turns(messages: Sequence[Message], opening: str) -> str:
    turns = [message for message in messages if message.role != "system"]
    out = ""
    for at, message in enumerate(turns):
        role = "environment" if message.role == "tool" else message.role
        text = chatml(role, message.content + _calls(message.tool_calls))
        out += text.removesuffix("<|im_end|>\n") if is_prefill(turns, at) else text
    if turns and turns[-1].role == "assistant":
        return out
    return f"{out}<|im_start|>assistant\n{opening}"


def _calls(calls: Sequence[ToolCall]) -> str:
    if not calls:
        return ""
    return "<function_calls>" + "\n".join(_call(call) for call in calls) + "</function_calls>"


def _call(call: ToolCall) -> str:
    arguments = ", ".join(f"{name}={compact_json(value)}" for name, value in sorted(call.arguments.items()))
    return f"{call.name}({arguments})"
