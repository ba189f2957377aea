"""Qwen 3.5 and its successors; the later ones keep the reasoning of the whole history."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from corral.core.messages import Message, Tool
from corral.core.requests import Think
from corral.prompt.families.qwen3_coder import call_text
from corral.prompt.families.writing import (
    CODER_INSTRUCTIONS,
    chatml,
    first_system,
    is_prefill,
    last_question,
    spaced_json,
    tool_response,
)


def _render(keeps: bool, messages: Sequence[Message], tools: Sequence[Tool], think: Think) -> str:
    system = first_system(messages)
    out = _head(system, tools)
    question = last_question(messages)
    for at, message in enumerate(messages):
        if message.role == "tool":
            out += tool_response(messages, at)
        elif message.role == "assistant":
            shown = at > question or (keeps and bool(message.thinking))
            text = chatml(
                "assistant", (_reasoning(message) if shown else "") + message.content + _calls(message)
            )
            out += text.removesuffix("<|im_end|>\n") if is_prefill(messages, at) else text
        elif at > 0 or system is None:
            out += chatml(message.role, message.content)
    if messages and messages[-1].role == "assistant":
        return out
    opening = "<think>\n\n</think>\n\n" if think is False else "<think>\n"
    return f"{out}<|im_start|>assistant\n{opening}"


qwen3_5 = functools.partial(_render, False)
later = functools.partial(_render, True)


def _head(system: str | None, tools: Sequence[Tool]) -> str:
    if not tools:
        return "" if system is None else chatml("system", system)
    declared = "\n".join(spaced_json(tool.to_json()) for tool in tools)
    after = f"\n\n{system}" if system else ""
    return chatml(
        "system",
        "# Tools\n\nYou have access to the following functions:\n\n"
        f"<tools>\n{declared}\n</tools>\n\n{CODER_INSTRUCTIONS}{after}",
    )


def _reasoning(message: Message) -> str:
    return f"<think>\n{message.thinking.strip()}\n</think>\n\n"


def _calls(message: Message) -> str:
    calls = "\n".join(call_text(call) for call in message.tool_calls)
    return f"\n\n{calls}" if calls and message.content.strip() else calls
