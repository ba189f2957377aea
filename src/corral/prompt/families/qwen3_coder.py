"""Qwen 3 Coder."""

from __future__ import annotations

from collections.abc import Sequence

from corral.core.messages import Message, Tool, ToolCall
from corral.core.requests import Think
from corral.prompt.families.writing import (
    CODER_INSTRUCTIONS,
    argument_text,
    chatml,
    declare_in_tags,
    is_prefill,
    tool_response,
)

_DEFAULT_SYSTEM = "You are Qwen, a helpful AI assistant that can interact with a computer to solve tasks."


def render(messages: Sequence[Message], tools: Sequence[Tool], _think: Think) -> str:
    """Only the first system message is shown."""
    system = next((message.content for message in messages if message.role == "system"), "")
    turns = [message for message in messages if message.role != "system"]
    out = _head(system, tools)
    for at, message in enumerate(turns):
        out += _turn(turns, at, message)
    return out if turns and turns[-1].role == "assistant" else out + "<|im_start|>assistant\n"


def _head(system: str, tools: Sequence[Tool]) -> str:
    if not tools:
        return chatml("system", system) if system else ""
    return chatml(
        "system",
        f"{system or _DEFAULT_SYSTEM}\n\n# Tools\n\nYou have access to the following functions:\n\n"
        f"{declare_in_tags(tools)}\n\n{CODER_INSTRUCTIONS}",
    )


def _turn(turns: Sequence[Message], at: int, message: Message) -> str:
    if message.role == "tool":
        return tool_response(turns, at, end="\n")
    if message.role == "assistant" and message.tool_calls:
        content = message.content.strip() + "\n\n" if message.content.strip() else ""
        return chatml("assistant", content + "\n".join(call_text(call) for call in message.tool_calls))
    text = chatml(message.role, message.content)
    return text.removesuffix("<|im_end|>\n") if is_prefill(turns, at) else text


def call_text(call: ToolCall) -> str:
    """A call as the family writes it."""
    parameters = "".join(
        f"<parameter={name}>\n{argument_text(value)}\n</parameter>\n"
        for name, value in call.arguments.items()
    )
    return f"<tool_call>\n<function={call.name}>\n{parameters}</function>\n</tool_call>"
