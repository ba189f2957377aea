"""Qwen 3: calls as one JSON object between `<tool_call>` tags; also its thinking and vision variants."""

from __future__ import annotations

from corral.answer.decoding import json_call
from corral.answer.families.setting import Setting
from corral.answer.parser import AnswerParser
from corral.answer.tagged import Layout, Start, TaggedParser

_LAYOUT = Layout(decode=json_call, keep_leading_space=True)


def instruct(setting: Setting) -> AnswerParser:
    return TaggedParser(_LAYOUT, setting.tools, start=Start.CONTENT)


def thinking(setting: Setting) -> AnswerParser:
    return TaggedParser(_LAYOUT, setting.tools, start=setting.start())


def vision_thinking(setting: Setting) -> AnswerParser:
    """Always reasons, whatever the request says."""
    return TaggedParser(_LAYOUT, setting.tools, start=setting.start(always=True))
