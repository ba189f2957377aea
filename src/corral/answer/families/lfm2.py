"""LFM2: calls as a Python list of calls between tags of its own."""

from __future__ import annotations

from collections.abc import Sequence

from corral.answer.decoding import python_calls
from corral.answer.families.setting import Setting
from corral.answer.parser import AnswerParser
from corral.answer.tagged import Layout, Start, TaggedParser
from corral.core.messages import Tool, ToolCall


def _calls(text: str, _tools: Sequence[Tool]) -> list[ToolCall]:
    return python_calls(text)


_LAYOUT = Layout(decode=_calls, call_open="<|tool_call_start|>", call_close="<|tool_call_end|>")


def instruct(setting: Setting) -> AnswerParser:
    return TaggedParser(_LAYOUT, setting.tools, start=Start.CONTENT)


def thinking(setting: Setting) -> AnswerParser:
    return TaggedParser(_LAYOUT, setting.tools, start=Start.LOOKING if setting.thinks else Start.CONTENT)
