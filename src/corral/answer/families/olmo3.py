"""Olmo 3: calls as Python writes them, one a line; the thinking variant always reasons and has no tools."""

from __future__ import annotations

from collections.abc import Sequence

from corral.answer.decoding import python_calls
from corral.answer.families.setting import Setting
from corral.answer.parser import AnswerParser
from corral.answer.tagged import Layout, Start, TaggedParser
from corral.core.messages import Tool, ToolCall


def _calls(text: str, _tools: Sequence[Tool]) -> list[ToolCall]:
    return [call for line in text.splitlines() if line.strip() for call in python_calls(line)]


_INSTRUCT = Layout(decode=_calls, call_open="<function_calls>", call_close="</function_calls>")
_THINK = Layout()


def instruct(setting: Setting) -> AnswerParser:
    return TaggedParser(_INSTRUCT, setting.tools, start=Start.CONTENT)


def think(setting: Setting) -> AnswerParser:
    return TaggedParser(_THINK, start=setting.start(always=True))
