"""Glimmer: messages addressed to the model itself, to the user, or to a tool."""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from corral.core.messages import Message, Tool, ToolCall
from corral.core.requests import Think
from corral.prompt.families.writing import argument_text

_IDENTITY = "You are a helpful AI assistant.\nKnowledge cutoff: 2026-01-04.\nCurrent date: {date}."
_STRENGTHS = {"max": "high"}


def render(messages: Sequence[Message], tools: Sequence[Tool], think: Think) -> str:
    out = "<|begin_of_text|>"
    if not any(message.role == "system" for message in messages[:1]):
        out += _system(_IDENTITY.format(date=datetime.date.today().isoformat()), tools, think)
    for message in messages:
        if message.role == "system":
            out += _system(message.content, tools, think)
        elif message.role == "assistant":
            out += _assistant(message)
        elif message.role == "tool":
            out += f"<|start|>{message.tool_name or 'tool'} to=assistant<|message|>{message.content}<|eot|>"
        else:
            out += f"<|start|>{message.role}<|message|>{message.content}<|eot|>"
    if messages and messages[-1].role == "assistant":
        return out.removesuffix("<|eot|>")
    return out + "<|start|>assistant"


def _system(text: str, tools: Sequence[Tool], think: Think) -> str:
    recipients = ", ".join(json.dumps(name) for name in ("self", "user", *(tool.name for tool in tools)))
    declared = f"\n\n# Tools\n{_declare(tools)}" if tools else ""
    return (
        f"<|start|>system<|message|>{text}\n\nReasoning strength: {_strength(think)}.{declared}\n\n"
        f"# Valid recipients: {recipients}.<|eot|>"
    )


def _strength(think: Think) -> str:
    if think is False:
        return "none"
    return _STRENGTHS.get(think, think) if isinstance(think, str) else "high"


def _declare(tools: Sequence[Tool]) -> str:
    return "\n".join(json.dumps(tool.to_json()["function"], ensure_ascii=False) for tool in tools)


def _assistant(message: Message) -> str:
    out = f"<|start|>assistant to=self<|message|>{message.thinking}<|eom|>" if message.thinking else ""
    end = "<|eom|>" if message.tool_calls else "<|eot|>"
    if message.content or not message.tool_calls:
        out += f"<|start|>assistant to=user<|message|>{message.content}{end}"
    return out + "".join(
        f"<|start|>assistant to={call.name}<|message|>{_call(call)}<|eot|>" for call in message.tool_calls
    )


def _call(call: ToolCall) -> str:
    parameters = "".join(
        f"<atem:parameter name={quoteattr(name)}>{escape(argument_text(value))}</atem:parameter>"
        for name, value in call.arguments.items()
    )
    return (
        f"<atem:function_calls><atem:invoke name={quoteattr(call.name)}>{parameters}</atem:invoke>"
        "</atem:function_calls>"
    )
