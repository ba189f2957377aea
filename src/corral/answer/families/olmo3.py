"""Olmo 3: calls as Python writes them, one a line; the thinking variant always reasons and has no tools."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from corral.answer.decoding import python_calls
from corral.answer.families.setting import Setting
from corral.answer.parser import AnswerParser
from corral.answer.tagged import Layout, Start, TaggedParser
from corral.core.messages import Tool, ToolCall
from corral.errors import CorralError

log = logging.getLogger("corral.answer")


def _calls(text: str, _tools: Sequence[Tool]) -> list[ToolCall]:
    try:
        return [call for line in text.splitlines() if line.strip() for call in python_calls(line)]
    except CorralError as error:
        log.warning("dropped a block of tool calls that cannot be decoded: %s", error)
        return []


_INSTRUCT = Layout(decode=_calls, call_open="<function_calls>", call_close="</function_calls>")
_THINK = Layout()


def instruct(setting: Setting) -> AnswerParser:
    return TaggedParser(_INSTRUCT, setting.tools, start=Start.CONTENT)


def think(setting: Setting) -> AnswerParser:
    return TaggedParser(_THINK, start=setting.start(always=True))
