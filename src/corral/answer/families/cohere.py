"""Cohere Command: every part of an answer has tags of its own; calls are a list of JSON objects."""

from __future__ import annotations

from collections.abc import Sequence

from corral.answer.decoding import as_arguments, decode_json
from corral.answer.families.setting import Setting
from corral.answer.parser import AnswerParser
from corral.answer.tagged import Layout, TaggedParser
from corral.core.messages import Tool, ToolCall
from corral.errors import CorralError


def _calls(text: str, _tools: Sequence[Tool]) -> list[ToolCall]:
    value = decode_json(text.strip())
    return [_one(item) for item in (value if isinstance(value, list) else [value])]


def _one(item: object) -> ToolCall:
    name = item.get("tool_name") if isinstance(item, dict) else None
    if not isinstance(item, dict) or not isinstance(name, str) or not name:
        raise CorralError("empty function name")
    return ToolCall(name, as_arguments(item.get("parameters")))


_LAYOUT = Layout(
    decode=_calls,
    think_open="<|START_THINKING|>",
    think_close="<|END_THINKING|>",
    call_open="<|START_ACTION|>",
    call_close="<|END_ACTION|>",
    anywhere=True,
    removed_tags=(
        "<|START_TEXT|>",
        "<|END_TEXT|>",
        "<|START_RESPONSE|>",
        "<|END_RESPONSE|>",
        "<|END_OF_TURN_TOKEN|>",
    ),
)


def command(setting: Setting) -> AnswerParser:
    return TaggedParser(_LAYOUT, setting.tools, start=setting.start())
