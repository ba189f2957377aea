"""Cogito; it does not reason when it has tools."""

from __future__ import annotations

from collections.abc import Sequence

from corral.core.messages import Message, Tool, ToolCall
from corral.core.requests import Think
from corral.prompt.families.writing import is_prefill, plain_json

_BEGIN = "<｜begin▁of▁sentence｜>"
_END = "<｜end▁of▁sentence｜>"
_ASSISTANT = "<｜Assistant｜>"
_THINKING = "Enable deep thinking subroutine.\n\n"
_IDENTITY = (
    "You are Cogito, an AI assistant created by Deep Cogito, which is an AI research lab based in "
    "San Francisco."
)


def render(messages: Sequence[Message], tools: Sequence[Tool], think: Think) -> str:
    thinks = think is not False and not tools
    system = "\n\n".join(message.content for message in messages if message.role == "system")
    out = _BEGIN + (_THINKING if thinks else "") + _IDENTITY
    out += (f"\n\n{system}" if system else "") + _declare(tools)
    turns = [message for message in messages if message.role != "system"]
    for at, message in enumerate(turns):
        if message.role == "user":
            out += f"<｜User｜>{message.content}"
        elif message.role == "tool":
            out += _output(turns, at)
        elif message.role == "assistant":
            out += _ASSISTANT + message.content + _calls(message)
            out += "" if is_prefill(turns, at) else _END
    if turns and turns[-1].role == "assistant":
        return out
    return out + _ASSISTANT + ("<think>\n" if thinks else "")


def _declare(tools: Sequence[Tool]) -> str:
    if not tools:
        return ""
    declared = "".join(f"```json\n{plain_json(tool.to_json(), indent=4)}\n```\n" for tool in tools)
    return f"\nYou have the following functions available:\n{declared}"


def _calls(message: Message) -> str:
    if not message.tool_calls:
        return ""
    calls = "\n".join(_call(call) for call in message.tool_calls)
    return f"<｜tool▁calls▁begin｜>{calls}<｜tool▁calls▁end｜>"


def _call(call: ToolCall) -> str:
    arguments = plain_json(dict(call.arguments))
    text = f"{call.name}\n```json\n{arguments}\n```"
    return f"<｜tool▁call▁begin｜>function<｜tool▁sep｜>{text}<｜tool▁call▁end｜>"


def _output(turns: Sequence[Message], at: int) -> str:
    begins = at == 0 or turns[at - 1].role != "tool"
    ends = at + 1 == len(turns) or turns[at + 1].role != "tool"
    before = "<｜tool▁outputs▁begin｜>" if begins else "\n"
    after = "<｜tool▁outputs▁end｜>" if ends else ""
    return f"{before}<｜tool▁output▁begin｜>{turns[at].content}<｜tool▁output▁end｜>{after}"
