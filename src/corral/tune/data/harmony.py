"""Answers in the harmony form, which no TEMPLATE of these models writes as the model must.

An answer goes on after `<|start|>assistant`; a template shows it as history, with another end.
Source: the format's documentation (OpenAI, harmony response format).
"""

from __future__ import annotations

from collections.abc import Sequence

from corral.answer import safe_names
from corral.core import gojson
from corral.core.messages import Message, Tool
from corral.tune.data.fields import BadRow

_NEXT = "<|start|>assistant"


def harmony_answer(answer: Message, tools: Sequence[Tool]) -> str:
    """Reasoning, then the answer proper or one call, to its end. Raises BadRow for several calls."""
    parts = []
    if answer.thinking:
        parts.append(f"<|channel|>analysis<|message|>{answer.thinking}<|end|>")
    if not answer.tool_calls:
        parts.append(f"<|channel|>final<|message|>{answer.content}<|return|>")
        return _NEXT.join(parts)
    if len(answer.tool_calls) > 1:
        raise BadRow("models of this family make one call at a time")
    if answer.content:
        parts.append(f"<|channel|>commentary<|message|>{answer.content}<|end|>")
    call = answer.tool_calls[0]
    name = safe_names([*(tool.name for tool in tools), call.name])[call.name]
    arguments = gojson.encode(call.arguments).decode()
    head = f"<|channel|>commentary to=functions.{name} <|constrain|>json"
    parts.append(f"{head}<|message|>{arguments}<|call|>")
    return _NEXT.join(parts)
