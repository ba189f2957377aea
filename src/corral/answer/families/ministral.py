"""Ministral: calls as `[TOOL_CALLS]NAME[ARGS]{json}`, without a closing tag."""

from __future__ import annotations

import re
from collections.abc import Sequence

from corral.answer.decoding import as_arguments, decode_json
from corral.answer.families.setting import Setting
from corral.answer.parser import AnswerParser
from corral.answer.tagged import Layout, Start, TaggedParser
from corral.core.messages import Tool, ToolCall
from corral.errors import CorralError

_CALL = re.compile(r"\s*(.*?)\s*\[ARGS\](.*)", re.DOTALL)


def _call(text: str, tools: Sequence[Tool]) -> list[ToolCall]:
    found = _CALL.fullmatch(text)
    if not found:
        raise CorralError("failed to parse tool call: expected a name and [ARGS]")
    if found[1] not in {tool.name for tool in tools}:
        raise CorralError(f"tool '{found[1]}' not found")
    return [ToolCall(found[1], as_arguments(decode_json(found[2].strip())))]


_LAYOUT = Layout(
    decode=_call,
    think_open="[THINK]",
    think_close="[/THINK]",
    call_open="[TOOL_CALLS]",
    ends_with_object=True,
    inner_tags=("[ARGS]",),
)


def instruct(setting: Setting) -> AnswerParser:
    return TaggedParser(_LAYOUT, setting.tools, start=Start.LOOKING)
