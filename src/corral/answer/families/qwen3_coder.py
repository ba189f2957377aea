"""Qwen 3 Coder and its relatives: calls as `<function=NAME>` and `<parameter=KEY>` elements."""

from __future__ import annotations

from corral.answer.decoding import function_tags_call
from corral.answer.families.setting import Setting
from corral.answer.parser import AnswerParser
from corral.answer.tagged import Layout, Start, TaggedParser

_LAYOUT = Layout(decode=function_tags_call)


def coder(setting: Setting) -> AnswerParser:
    return TaggedParser(_LAYOUT, setting.tools, start=Start.CONTENT)


def thinking(setting: Setting) -> AnswerParser:
    """Qwen 3.5, Ornith and Nemotron 3 Nano."""
    return TaggedParser(_LAYOUT, setting.tools, start=setting.start())
